//! Any network and any people: whatever they do, the robot obeys the rules of [`rules`].
//!
//! One to three clients say what comes to their minds, over links that delay, hold back, cut off and reset, each by the
//! seed. `OHT50_SEEDS=1000` runs that many seeds; `OHT50_SEED=17` runs that one and prints its record.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use nalgebra::{Isometry2, Point2};
use oht50_bridge::sim::{Hall, Wall, WorldConfig};
use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

use super::{client::Client, robot::Bench, seconds};

#[path = "network/dice.rs"]
mod dice;
#[path = "network/driver.rs"]
mod driver;
#[path = "network/link.rs"]
mod link;
#[path = "network/person.rs"]
mod person;
#[path = "network/record.rs"]
mod record;
#[path = "network/rules.rs"]
mod rules;
#[path = "network/script.rs"]
mod script;
#[path = "network/socket.rs"]
mod socket;
#[path = "network/tally.rs"]
mod tally;

use dice::Dice;
use person::Person;
use record::{Event, Role, Run};
use rules::Judge;
use tally::Tally;

#[test]
fn on_any_network_zero_is_on_time_nothing_late_moves_the_robot_and_every_stop_is_executed() {
    if let Some(seed) = from_environment("OHT50_SEED") {
        let run = run(seed);
        println!("{run}");
        let mut judge = Judge::new(&run);
        judge.judge();
        assert!(judge.violations.is_empty(), "seed {seed}: {:#?}", judge.violations);
        return;
    }
    let seeds = from_environment("OHT50_SEEDS").unwrap_or(SEEDS);
    let (tally, failures) = run_all(seeds);
    println!("{seeds} seeds: {tally:#?}");
    let told: String = failures
        .iter()
        .take(10)
        .map(|(seed, violations)| format!("\nOHT50_SEED={seed}: {}", violations[0]))
        .collect();
    assert!(failures.is_empty(), "{} of {seeds} seeds failed:{told}", failures.len());
    tally.check(seeds);
}

#[test]
fn a_seed_is_the_same_run_each_time() {
    for seed in [1, 2] {
        let [once, again] = [(); 2].map(|()| run(seed).to_string());
        assert!(once == again, "seed {seed}");
    }
}

/// The seeds from 1 on, on every processor.
fn run_all(seeds: u64) -> (Tally, BTreeMap<u64, Vec<String>>) {
    let next = AtomicU64::new(1);
    let results = Mutex::new((Tally::default(), BTreeMap::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > seeds {
                return;
            }
            let judged = catch_unwind(AssertUnwindSafe(|| {
                let run = run(seed);
                let mut judge = Judge::new(&run);
                judge.judge();
                (Tally::of(&run), judge.violations)
            }));
            let (tally, failures) = &mut *results.lock().unwrap();
            match judged {
                Ok((of_run, violations)) => {
                    tally.add(&of_run);
                    if !violations.is_empty() {
                        failures.insert(seed, violations);
                    }
                }
                Err(_) => {
                    failures.insert(seed, vec!["panicked, as told above".to_owned()]);
                }
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    results.into_inner().unwrap()
}

/// One seed from beginning to end, with its own runtime.
fn run(seed: u64) -> Run {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(scenario(seed))
}

async fn scenario(seed: u64) -> Run {
    let bench = Bench::within(open_air()).await;
    let mut dice = Dice::new(seed);
    let mut witness =
        Client::of(&bench, json!({"user_id": 1_000_000, "sub": "hoa", "role": "viewer"})).await;
    witness.subscribe("robot_status").await;
    let run = Arc::new(Mutex::new(Run::default()));
    let end = Instant::now() + PLAY;
    let mut people = JoinSet::new();
    for number in 0..1 + dice.next() as u32 % 3 {
        let others = [(3, Role::Operator), (2, Role::Administrator), (2, Role::Viewer)];
        let role = if number == 0 { Role::Operator } else { dice.pick(&others) };
        let person = Person::new(role, dice.split(), number * 1000, bench.door(), Arc::clone(&run));
        people.spawn(person.live(end));
    }
    // What was held back comes, and the last motion ends.
    witness.listen(PLAY + seconds(11.0)).await;
    assert_eq!(witness.closed, None);
    people.join_all().await;
    let mut run = std::mem::take(&mut *run.lock().unwrap());
    run.events = witness.heard.iter().filter_map(Event::of).collect();
    run.published = bench.robot.published();
    run.complete();
    run
}

/// Walls that the LiDAR sees and the robot does not reach.
fn open_air() -> WorldConfig {
    let corner = |x: f64, y: f64| Point2::new(x * WIDE, y * WIDE);
    let corners = [corner(1.0, 1.0), corner(-1.0, 1.0), corner(-1.0, -1.0), corner(1.0, -1.0)];
    let walls = (0..4).map(|i| Wall::solid(corners[i], corners[(i + 1) % 4])).collect();
    let mut world = WorldConfig {
        hall: Hall { walls, columns: Vec::new() },
        people: Vec::new(),
        ..WorldConfig::default()
    };
    world.dock.pose = Isometry2::translation(-WIDE, 0.0);
    (world.lidar.beams, world.lidar.frequency) = (360, 10.0);
    world
}

#[allow(clippy::disallowed_methods)] // seeds are the test's own, and nothing that the bridge is configured by
fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

/// As many as everyday tests have time for.
const SEEDS: u64 = 100;

/// How long people go on.
const PLAY: Duration = Duration::from_secs(18);

/// From the middle to the walls, m.
const WIDE: f64 = 18.0;
