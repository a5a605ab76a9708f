//! Scans that cannot be believed.

use super::*;

fn after(change: impl Fn(&mut ScanView)) -> Verdict {
    let mut rig = Rig::new(config(), full_turn());
    rig.see(&[]);
    let ranges = rig.beams.cast(Isometry2::identity(), &[]);
    let mut scan = view(&rig.beams, &ranges, 100.0);
    change(&mut scan);
    rig.zones.scan(&scan, rig.now);
    rig.verdict(AHEAD)
}

fn check(change: impl Fn(&mut ScanView), expected: Verdict) {
    assert_eq!(after(change), expected);
}

#[test]
fn a_good_scan_stops_nothing() {
    check(|_| (), Verdict::Clear);
}

#[test]
fn frame_and_stamp_are_looked_at() {
    check(|scan| scan.frame_id = "other", Verdict::Stop(Stop::WrongFrame));
    check(|scan| scan.stamp -= 0.49, Verdict::Clear);
    check(|scan| scan.stamp -= 0.51, Verdict::Stop(Stop::StampOld));
    check(|scan| scan.stamp += 0.09, Verdict::Clear);
    check(|scan| scan.stamp += 0.11, Verdict::Stop(Stop::StampFuture));
    check(|scan| scan.stamp = f64::NAN, Verdict::Stop(Stop::StampOld));
    check(|scan| scan.stamp = f64::INFINITY, Verdict::Stop(Stop::StampFuture));
}

#[test]
fn hits_are_at_least_a_tenth_of_the_beams() {
    let few = [vec![5.0_f32; 35], vec![f32::INFINITY; 325]].concat();
    let enough = [vec![5.0_f32; 36], vec![f32::INFINITY; 324]].concat();
    let verdict = |ranges: &[f32]| {
        let mut rig = Rig::new(config(), full_turn());
        rig.see_ranges(ranges);
        rig.verdict(AHEAD)
    };
    assert_eq!(verdict(&few), Verdict::Stop(Stop::FewHits));
    assert_eq!(verdict(&enough), Verdict::Clear);
    assert_eq!(verdict(&[20.0; 360]), Verdict::Clear, "range_max is a range");
    for blind in [f32::NAN, f32::NEG_INFINITY, 0.0, 0.05, -1.0, f32::INFINITY, 20.5] {
        assert_eq!(verdict(&[blind; 360]), Verdict::Stop(Stop::FewHits), "{blind}");
        // Not because it would be the robot itself.
        let mut rig = Rig::new(ZoneConfig { mask_footprint: false, ..config() }, full_turn());
        rig.see_ranges(&[blind; 360]);
        assert_eq!(rig.verdict(AHEAD), Verdict::Stop(Stop::FewHits), "{blind}");
    }
}

#[test]
fn no_scan_and_ceased_scans_are_named_apart() {
    let mut rig = Rig::new(config(), full_turn());
    assert_eq!(rig.verdict(AHEAD), Verdict::Stop(Stop::NoScan));
    rig.see(&[]);
    let arrival = rig.now;
    rig.now = arrival + Duration::from_millis(499);
    assert_eq!(rig.verdict(AHEAD), Verdict::Clear);
    rig.now = arrival + Duration::from_millis(500);
    assert_eq!(rig.verdict(AHEAD), Verdict::Stop(Stop::ScanStale));
    assert_eq!(rig.verdict(REST), Verdict::Stop(Stop::ScanStale));
    rig.see(&[]);
    assert_eq!(rig.verdict(AHEAD), Verdict::Clear);
}

#[test]
fn a_stamp_grows_old_while_the_next_scan_is_waited_for() {
    let mut rig = Rig::new(config(), full_turn());
    let ranges = rig.beams.cast(Isometry2::identity(), &[]);
    let scan = ScanView { stamp: 99.7, ..view(&rig.beams, &ranges, 100.0) };
    rig.zones.scan(&scan, rig.now);
    assert_eq!(rig.verdict(AHEAD), Verdict::Clear);
    let arrival = rig.now;
    rig.now = arrival + Duration::from_millis(190);
    assert_eq!(rig.verdict(AHEAD), Verdict::Clear);
    // The scan was in order: it is the next one that does not come.
    rig.now = arrival + Duration::from_millis(210);
    assert_eq!(rig.verdict(AHEAD), Verdict::Stop(Stop::ScanStale));
}

#[test]
fn scans_that_come_late_are_named_so_until_they_cease() {
    let mut rig = Rig::new(config(), full_turn());
    let ranges = rig.beams.cast(Isometry2::identity(), &[]);
    let scan = ScanView { stamp: 99.4, ..view(&rig.beams, &ranges, 100.0) };
    rig.zones.scan(&scan, rig.now);
    let arrival = rig.now;
    rig.now = arrival + Duration::from_millis(499);
    assert_eq!(rig.verdict(AHEAD), Verdict::Stop(Stop::StampOld));
    rig.now = arrival + Duration::from_millis(500);
    assert_eq!(rig.verdict(AHEAD), Verdict::Stop(Stop::ScanStale));
}

#[test]
fn a_header_without_meaning_is_no_sign_of_life() {
    let changes: [fn(&mut ScanView); 4] = [
        |scan| scan.angle_increment = 0.0,
        |scan| scan.angle_min = f64::NAN,
        |scan| scan.range_max = f64::INFINITY,
        |scan| scan.ranges = &[],
    ];
    for change in changes {
        let mut rig = Rig::new(config(), full_turn());
        let ranges = rig.beams.cast(Isometry2::identity(), &[]);
        let mut scan = view(&rig.beams, &ranges, 100.0);
        change(&mut scan);
        rig.zones.scan(&scan, rig.now);
        assert_eq!(rig.verdict(AHEAD), Verdict::Stop(Stop::NoScan));
    }
}

#[test]
fn beams_that_are_no_sweep_move_nothing() {
    for increment in [1e-300, 7.0, -1e9, f64::MAX] {
        let verdict = after(|scan| scan.angle_increment = increment);
        assert!(matches!(verdict, Verdict::Stop(_)), "{increment}: {verdict:?}");
    }
}

#[test]
fn five_identical_scans_are_frozen_and_one_other_is_not() {
    let mut rig = Rig::new(config(), full_turn());
    // NaN is not equal to itself, and must not hide a frozen picture.
    let mut ranges = vec![5.0_f32; 360];
    ranges[7] = f32::NAN;
    for number in 1..=6 {
        rig.see_ranges(&ranges);
        let expected = if number < 5 { Verdict::Clear } else { Verdict::Stop(Stop::Frozen) };
        assert_eq!(rig.verdict(AHEAD), expected, "scan {number}");
    }
    ranges[3] = 5.001;
    rig.see_ranges(&ranges);
    assert_eq!(rig.verdict(AHEAD), Verdict::Clear);
}

/// Beams `from..to` hold `value`, all others hit.
fn dark(from: usize, to: usize, value: f32, scan: u32) -> Vec<f32> {
    let mut ranges = vec![5.0 + scan as f32 * 0.001; 360];
    ranges[from..to].fill(value);
    ranges
}

#[test]
fn thirty_degrees_that_go_dark_for_two_scans_are_a_blackout() {
    for value in [f32::INFINITY, f32::NAN, 0.0] {
        // Across the seam of the circle too; and away from where the robot goes, so that coverage does not speak.
        for (from, to, expected) in [(200, 229, None), (200, 230, Some(Stop::Blackout))] {
            let mut rig = Rig::new(config(), full_turn());
            rig.see_ranges(&dark(0, 0, value, 0));
            rig.see_ranges(&dark(from, to, value, 1));
            assert_eq!(rig.zones.fault(rig.now), None, "one scan is none");
            rig.see_ranges(&dark(from, to, value, 2));
            assert_eq!(rig.zones.fault(rig.now), expected, "{value} {from}..{to}");
            rig.see_ranges(&dark(0, 0, value, 3));
            assert_eq!(rig.zones.fault(rig.now), None);
        }
    }
}

#[test]
fn a_blackout_across_the_seam_is_one() {
    let mut rig = Rig::new(config(), full_turn());
    rig.see_ranges(&dark(0, 0, 0.0, 0));
    for scan in 1..3 {
        let mut ranges = dark(0, 16, f32::INFINITY, scan);
        ranges[344..].fill(f32::INFINITY);
        rig.see_ranges(&ranges);
    }
    assert_eq!(rig.zones.fault(rig.now), Some(Stop::Blackout));
}

#[test]
fn what_fades_slowly_or_never_hit_is_no_blackout() {
    let mut rig = Rig::new(config(), full_turn());
    // A robot that turns from a wall to an open gate: three degrees a scan.
    for scan in 0..30 {
        rig.see_ranges(&dark(100, 100 + 3 * scan as usize, f32::INFINITY, scan));
        assert_eq!(rig.zones.fault(rig.now), None);
    }
}

#[test]
fn an_open_gate_is_believed_after_ten_seconds_and_a_broken_lens_never() {
    for (value, expected) in [(f32::INFINITY, None), (f32::NAN, Some(Stop::Blackout))] {
        let mut rig = Rig::new(config(), full_turn());
        rig.see_ranges(&dark(0, 0, value, 0));
        for scan in 1..250 {
            rig.see_ranges(&dark(200, 240, value, scan));
            if (2..200).contains(&scan) {
                assert_eq!(rig.zones.fault(rig.now), Some(Stop::Blackout), "scan {scan}");
            }
        }
        assert_eq!(rig.zones.fault(rig.now), expected, "{value}");
    }
}

#[test]
fn the_most_restrictive_reason_is_named() {
    check(
        |scan| {
            scan.frame_id = "other";
            scan.stamp -= 1.0;
        },
        Verdict::Stop(Stop::WrongFrame),
    );
    let mut rig = Rig::new(config(), full_turn());
    for _ in 0..6 {
        rig.see_ranges(&[f32::NAN; 360]);
    }
    assert_eq!(rig.verdict(AHEAD), Verdict::Stop(Stop::FewHits), "blind and frozen");
    let names: std::collections::BTreeSet<_> = ALL.iter().map(|stop| stop.as_str()).collect();
    assert_eq!(names.len(), ALL.len());
    assert!(ALL.is_sorted(), "from the most restrictive on");
}

const ALL: [Stop; 11] = [
    Stop::NoScan,
    Stop::ScanStale,
    Stop::WrongFrame,
    Stop::StampFuture,
    Stop::StampOld,
    Stop::FewHits,
    Stop::Blackout,
    Stop::Frozen,
    Stop::Zone(ZoneId(0)),
    Stop::NotCovered,
    Stop::NoOdometry,
];
