//! Real scans: what made-up ones lack.

use std::{fs::File, io::Read, path::Path};

use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;

const NAMES: [&str; 6] = [
    "datmo_intersection",
    "datmo_overtake_ego",
    "datmo_overtake_red",
    "datmo_overtakes",
    "leg_demo_stationary",
    "obstacle_detector_front_scan",
];

struct Recording {
    lidar: Lidar,
    limits: (f64, f64),
    base_from_laser: Isometry2<f64>,
    scans: Vec<(f64, Vec<f32>)>,
}

fn read(name: &str) -> Option<Recording> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/lidar");
    let file = File::open(root.join(format!("{name}.jsonl.gz"))).ok()?;
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let header = lines.next().unwrap();
    let number = |key: &str| header[key].as_f64().unwrap();
    let pose = |at: usize| header["sensor"][at].as_f64().unwrap_or(0.0);
    let range = |code: &Value| match code.as_i64().unwrap() {
        -1 => f32::NAN,
        -2 => f32::INFINITY,
        -3 => f32::NEG_INFINITY,
        millimetres => millimetres as f32 / 1000.0,
    };
    let scan = |line: Value| {
        let ranges = line["r"].as_array().unwrap().iter().map(range).collect();
        (line["t"].as_f64().unwrap(), ranges)
    };
    Some(Recording {
        lidar: Lidar {
            first: number("angle_min"),
            increment: number("angle_inc"),
            count: number("n") as usize,
            background: 0.0,
        },
        limits: (number("range_min"), number("range_max")),
        base_from_laser: Isometry2::new(Vector2::new(pose(0), pose(1)), pose(2)),
        scans: lines.map(scan).collect(),
    })
}

/// What a robot of 0.5 m by 0.3 m makes of a recording.
#[derive(Debug, Default)]
struct Account {
    scans: usize,
    /// Scans that show something in the critical zone while both neighbours do not.
    single: usize,
    /// Scans that show something there.
    triggered: usize,
    faults: std::collections::BTreeMap<&'static str, usize>,
    /// Gaps in the recording that are time-outs.
    gaps: usize,
    timeouts: usize,
}

fn account(recording: &Recording) -> Account {
    let mut config = config();
    config.footprint = rectangle(0.5, 0.3);
    config.base_from_laser = recording.base_from_laser;
    let mut zones = Zones::new(config).unwrap();
    let mut account = Account { scans: recording.scans.len(), ..Account::default() };
    let mut triggers = Vec::new();
    let mut before = 0.0;
    for (time, ranges) in &recording.scans {
        // Ticks run on until the scan comes.
        let at = |time: f64| Duration::from_secs_f64(time + 10.0);
        let mut timed_out = false;
        let mut tick = before;
        while !triggers.is_empty() && tick < *time {
            timed_out |= zones.fault(at(tick)) == Some(Stop::ScanStale);
            tick += 0.02;
        }
        account.timeouts += usize::from(timed_out);
        account.gaps += usize::from(!triggers.is_empty() && time - before >= 0.5);
        before = *time;
        let (range_min, range_max) = recording.limits;
        let scan = view(&recording.lidar, ranges, *time);
        zones.scan(&ScanView { range_min, range_max, ..scan }, at(*time));
        if let Some(stop) = zones.fault(at(*time)) {
            *account.faults.entry(stop.as_str()).or_default() += 1;
        }
        triggers.push(zones.watches[0].triggered);
    }
    account.triggered = triggers.iter().filter(|triggered| **triggered).count();
    account.single = triggers.windows(3).filter(|three| **three == [false, true, false]).count();
    account
}

#[test]
fn recordings_give_at_most_one_stop_of_a_single_scan_and_no_false_time_out() {
    for name in NAMES {
        let Some(recording) = read(name) else {
            println!("SKIPPED: recordings not found");
            return;
        };
        let account = account(&recording);
        println!("{name}: {account:?}");
        assert!(account.scans > 80, "{name} is a recording");
        assert!(account.single <= 1, "{name}: {account:?}");
        assert_eq!(account.timeouts, account.gaps, "{name}: {account:?}");
    }
}
