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

/// Whether [`push`] and [`push_point`] write this as a number: not what is not finite or beyond a million metres.
pub(super) fn is_writable(value: f64) -> bool {
    in_thousandths(value).is_some()
}

/// Appends a number to the thousandth, or `null`.
pub(super) fn push(text: &mut Vec<u8>, value: f64) {
    match in_thousandths(value) {
        Some(value) => append(text, |written| put_thousandths(written, 0, value)),
        None => text.extend_from_slice(b"null"),
    }
}

/// Appends `[x,y],` to the millimetre; nothing if that is no place on earth.
pub(super) fn push_point(text: &mut Vec<u8>, point: [f64; 2]) {
    let [Some(x), Some(y)] = point.map(in_thousandths) else { return };
    append(text, |written| {
        written[0] = b'[';
        let comma = put_thousandths(written, 1, x);
        written[comma] = b',';
        let end = put_thousandths(written, comma + 1, y);
        written[end] = b']';
        written[end + 1] = b',';
        end + 2
    });
}

/// The nearest whole number of them, if it can be written.
fn in_thousandths(value: f64) -> Option<i32> {
    // Half of one more, and the rest cut off: `f64::round` is a call.
    let thousandths = value * 1000.0 + 0.5_f64.copysign(value);
    (thousandths.abs() <= FARTHEST).then_some(thousandths as i32)
}

/// Appends what `put` writes, which returns where it ends. It is written in its place, and what is too much cut off.
fn append(text: &mut Vec<u8>, put: impl FnOnce(&mut [u8; LONGEST_POINT]) -> usize) {
    let before = text.len();
    text.resize(before + LONGEST_POINT, 0);
    if let Some(written) = text.last_chunk_mut() {
        let length = put(written);
        text.truncate(before + length);
    }
}

/// Fixed point by hand, since 1440 of them at 20 Hz are what the bridge writes most of. Where it can, without a branch: no
/// processor guesses the digits of a scan. Returns where it ends.
fn put_thousandths(written: &mut [u8; LONGEST_POINT], at: usize, value: i32) -> usize {
    let (whole, rest) = (value.unsigned_abs() / 1000, value.unsigned_abs() % 1000);
    written[at] = b'-';
    let mut at = at + usize::from(value < 0);
    match WHOLE.get(whole as usize) {
        Some((digits, count)) => {
            written[at..at + digits.len()].copy_from_slice(digits);
            at += usize::from(*count);
        }
        None => at = put_whole(written, at, whole),
    }
    let (decimals, count) = DECIMALS[rest as usize];
    written[at..at + decimals.len()].copy_from_slice(&decimals);
    at + usize::from(count)
}

/// A whole number of any length. Returns where it ends.
fn put_whole(written: &mut [u8; LONGEST_POINT], at: usize, mut value: u32) -> usize {
    let end = at + value.checked_ilog10().map_or(1, |more| more as usize + 1);
    for place in (at..end).rev() {
        written[place] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    end
}

/// Whole numbers, in metres as far as most LiDARs see: digits, and how many of them count.
static WHOLE: [([u8; 2], u8); 100] = {
    let mut all = [([b'0'; 2], 1); 100];
    let mut value = 0;
    while value < all.len() {
        let digit = b'0' + (value % 10) as u8;
        all[value] = match value / 10 {
            0 => ([digit, b'0'], 1),
            tens => ([b'0' + tens as u8, digit], 2),
        };
        value += 1;
    }
    all
};

/// What stands behind the whole, by the thousandths: point and digits, and how many bytes of them count. At least one digit,
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

/// Thousandths.
const FARTHEST: f64 = 1e9;

/// Two numbers with sign, seven digits and decimals, and what stands around them.
const LONGEST_POINT: usize = 2 * (1 + 7 + 4) + 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_point(point: [f64; 2], expected: Option<&str>) {
        let mut text = Vec::new();
        push_point(&mut text, point);
        let expected = expected.iter().map(|point| format!("{point},")).collect();
        assert_eq!(String::from_utf8(text), Ok::<String, _>(expected), "{point:?}");
    }

    #[test]
    fn a_point_is_written_to_the_millimetre() {
        check_point([1.0, 2.0], Some("[1.0,2.0]"));
        check_point([-0.0, -0.0004], Some("[0.0,0.0]"));
        check_point([-0.0005, 0.0005], Some("[-0.001,0.001]"));
        check_point([-12.34, 0.5], Some("[-12.34,0.5]"));
        check_point([1.05, -1.005], Some("[1.05,-1.005]"));
        check_point([0.9999, 19.99951], Some("[1.0,20.0]"));
        check_point([0.1, -0.01], Some("[0.1,-0.01]"));
        check_point([99.999, -100.1], Some("[99.999,-100.1]"));
        check_point([-999_999.999, -999_999.999], Some("[-999999.999,-999999.999]"));
        check_point([1_000_000.1, 0.0], None);
        for point in [[f64::NAN, 0.0], [0.0, f64::INFINITY], [f64::NEG_INFINITY, 1.0], [1e300, 0.0]]
        {
            check_point(point, None);
        }
    }

    #[test]
    fn a_number_is_written_to_the_thousandth() {
        let cases = [
            (0.123_456, "0.123"),
            (-0.0001, "0.0"),
            (1234.5, "1234.5"),
            (-999_999.999, "-999999.999"),
            (1_000_001.0, "null"),
            (f64::NAN, "null"),
            (f64::NEG_INFINITY, "null"),
        ];
        for (value, expected) in cases {
            let mut text = Vec::new();
            push(&mut text, value);
            assert_eq!(text, expected.as_bytes(), "{value}");
            assert_eq!(is_writable(value), expected != "null", "{value}");
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
        fn a_number_is_written_as_serde_writes_it(thousandths in -1_000_000_000..=1_000_000_000_i32) {
            let value = f64::from(thousandths) / 1000.0;
            let mut text = Vec::new();
            push(&mut text, value);
            let expected = serde_json::to_string(&value).expect("JSON");
            prop_assert_eq!(String::from_utf8(text).expect("UTF-8"), expected);
        }

        #[test]
        fn a_written_point_is_read_back_within_half_a_millimetre(x in -1e5..1e5f64, y in -1e5..1e5f64) {
            let mut text = Vec::new();
            push_point(&mut text, [x, y]);
            prop_assert_eq!(text.pop(), Some(b','));
            let text = String::from_utf8(text).expect("UTF-8");
            let read: [f64; 2] = serde_json::from_str(&text).expect("JSON");
            prop_assert!((read[0] - x).abs() < 0.000_501 && (read[1] - y).abs() < 0.000_501, "{}", text);
            prop_assert!(!text.contains("-0.0,") && !text.contains("-0.0]"));
        }
    }
}
