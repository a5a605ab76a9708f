//! Numbers as they go out: rounded to what a sensor can mean, finite, and never a negative zero.

use std::time::Duration;

/// To the millimetre, or a thousandth of another unit; `None` if it is not finite.
pub(super) fn thousandths(value: f64) -> Option<f64> {
    round(value, 1000.0)
}

/// To a tenth; `None` if it is not finite.
pub(super) fn tenths(value: f64) -> Option<f64> {
    round(value, 10.0)
}

/// Seconds, to the millisecond.
pub(super) fn seconds(value: Duration) -> Option<f64> {
    thousandths(value.as_secs_f64())
}

/// Appends `[x,y]` to the millimetre; `false` if that is no place on earth, and nothing was written.
pub(super) fn push_point(text: &mut Vec<u8>, point: [f64; 2]) -> bool {
    // Half a millimetre more and the rest cut off: `f64::round` is a call.
    let [x, y] = point.map(|metres| metres * 1000.0 + 0.5_f64.copysign(metres));
    if !(x.abs() <= FARTHEST && y.abs() <= FARTHEST) {
        return false;
    }
    let mut written = [0; LONGEST_POINT];
    written[0] = b'[';
    let comma = put_millimetres(&mut written, 1, x as i32);
    written[comma] = b',';
    let end = put_millimetres(&mut written, comma + 1, y as i32);
    written[end] = b']';
    text.extend_from_slice(&written[..=end]);
    true
}

/// Fixed point by hand, since 1440 of them at 20 Hz are what the bridge writes most of. Returns where it ends.
fn put_millimetres(written: &mut [u8; LONGEST_POINT], mut at: usize, value: i32) -> usize {
    let (mut metres, rest) = (value.unsigned_abs() / 1000, value.unsigned_abs() % 1000);
    if value < 0 {
        written[at] = b'-';
        at += 1;
    }
    let digits = metres.checked_ilog10().map_or(1, |more| more as usize + 1);
    for place in (at..at + digits).rev() {
        written[place] = b'0' + (metres % 10) as u8;
        metres /= 10;
    }
    at += digits;
    let (decimals, count) = DECIMALS[rest as usize];
    written[at..at + decimals.len()].copy_from_slice(&decimals);
    at + usize::from(count)
}

/// What stands behind the metres, by the millimetres: point and digits, and how many bytes of them count. At least one digit,
/// and no zero after it.
static DECIMALS: [([u8; 4], u8); 1000] = {
    let mut all = [([b'.', b'0', b'0', b'0'], 2); 1000];
    let mut value = 0;
    while value < all.len() {
        let digits = [value / 100, value / 10 % 10, value % 10];
        let mut place = 0;
        while place < digits.len() {
            all[value].0[place + 1] = b'0' + digits[place] as u8;
            if digits[place] != 0 {
                all[value].1 = place as u8 + 2;
            }
            place += 1;
        }
        value += 1;
    }
    all
};

fn round(value: f64, steps: f64) -> Option<f64> {
    let rounded = (value * steps).round() / steps + 0.0; // -0.0 becomes 0.0
    rounded.is_finite().then_some(rounded)
}

/// Millimetres.
const FARTHEST: f64 = 1e9;

/// Two numbers with sign, seven digits and decimals, and what stands around them.
const LONGEST_POINT: usize = 2 * (1 + 7 + 4) + 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_point(point: [f64; 2], expected: &str) {
        let mut text = Vec::new();
        push_point(&mut text, point);
        assert_eq!(String::from_utf8(text).as_deref(), Ok(expected), "{point:?}");
    }

    #[test]
    fn a_point_is_written_to_the_millimetre() {
        check_point([1.0, 2.0], "[1.0,2.0]");
        check_point([-0.0, -0.0004], "[0.0,0.0]");
        check_point([-0.0005, 0.0005], "[-0.001,0.001]");
        check_point([-12.34, 0.5], "[-12.34,0.5]");
        check_point([1.05, -1.005], "[1.05,-1.005]");
        check_point([0.9999, 19.99951], "[1.0,20.0]");
        check_point([0.1, -0.01], "[0.1,-0.01]");
        check_point([99.999, -100.1], "[99.999,-100.1]");
        check_point([-999_999.999, -999_999.999], "[-999999.999,-999999.999]");
        check_point([1_000_000.1, 0.0], "");
        for point in [[f64::NAN, 0.0], [0.0, f64::INFINITY], [f64::NEG_INFINITY, 1.0], [1e300, 0.0]]
        {
            check_point(point, "");
        }
    }

    #[test]
    fn a_number_is_rounded_and_finite() {
        assert_eq!(thousandths(0.123_456), Some(0.123));
        assert_eq!(tenths(45.25), Some(45.3));
        assert_eq!(seconds(Duration::from_micros(1_234_567)), Some(1.235));
        assert!(thousandths(-0.0001).is_some_and(f64::is_sign_positive));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert_eq!(thousandths(value), None);
        }
    }

    proptest! {
        #[test]
        fn a_written_point_is_read_back_within_half_a_millimetre(x in -1e5..1e5f64, y in -1e5..1e5f64) {
            let mut text = Vec::new();
            prop_assert!(push_point(&mut text, [x, y]));
            let text = String::from_utf8(text).expect("UTF-8");
            let read: [f64; 2] = serde_json::from_str(&text).expect("JSON");
            prop_assert!((read[0] - x).abs() < 0.000_501 && (read[1] - y).abs() < 0.000_501, "{}", text);
            prop_assert!(!text.contains("-0.0,") && !text.contains("-0.0]"));
        }
    }
}
