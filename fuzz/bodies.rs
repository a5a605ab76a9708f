//! What each fuzz target does with its input, and what must hold whatever that is. `test/corpus.rs` does the same with
//! the seeds, on a stable compiler.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a target that unwraps fails, which is its job

use std::{
    f64::consts::PI,
    sync::{Arc, LazyLock},
    time::Duration,
};

use nalgebra::{Isometry2, Point2, Vector2};
use oht50_bridge::{
    auth::{Principal, Role, Verifier},
    lidar::{LidarConfig, Perception, RawScan, Scan, own::OwnBody},
    protocol::client,
    safety::{
        Caller, ConnectionId, DockingController, GateConfig, LinkLoss, MotionKind, MotionRequest,
        Speed, StopSource, Surroundings, Velocity,
        facts::{Graph, Measured},
        gate::{Gate, Ticket},
        zone::{ScanView, ZoneConfig, Zones},
    },
    server::conformance::read_frames,
};

/// A text frame of a client: understood, or refused with a short text.
pub fn client_message(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match client::parse(text) {
        Ok(request) => {
            let id = request.id.as_deref().unwrap_or_default();
            assert!(id.chars().count() <= 64);
        }
        Err(refused) => {
            // An echoed value is cut at 64 characters; a sentence goes with it.
            assert!((1..200).contains(&refused.message.chars().count()), "{}", refused.message);
        }
    }
}

/// What a client sends behind the handshake: messages, and an end that is none or one of the known codes.
pub fn frames(input: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (messages, code) = runtime.block_on(read_frames(input));
    assert!(messages <= input.len());
    assert!(code.is_none_or(|code| (1000..5000).contains(&code)), "{code:?}");
}

/// A token whose signature is good, so that header and claims are reached: two lines, or one that is the whole token.
pub fn token(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let verified = match text.split_once('\n') {
        Some((header, claims)) => verify(&signed(header, claims)),
        None => verify(text),
    };
    let Some(principal) = verified else { return };
    assert!(principal.user_id > 0);
    assert!(!principal.username.is_empty());
    assert!(principal.expires_at > NOW);
}

/// Scans of any kind, one behind the other: nothing that is no number comes out.
pub fn scan(input: &[u8]) {
    let mut bytes = Bytes(input);
    let base_from_laser = Isometry2::new(Vector2::new(0.2, -0.1), 3.0);
    let own_body = OwnBody::new(footprint(), Vec::new());
    let mut perception =
        Perception::new(LidarConfig { base_from_laser, scan_period: 0.05, own_body });
    let config = ZoneConfig::around(footprint(), base_from_laser, "laser".into());
    let mut zones = Zones::new(config).unwrap();
    for number in 1..=4 {
        let raw = raw_scan(&mut bytes);
        let Ok(scan) = Scan::new(&raw) else { continue };
        let now = Duration::from_millis(50 * number);
        let pose = bytes.flag().then(|| Isometry2::new(Vector2::new(bytes.number(), 0.0), 0.1));
        let picture = perception.look(&scan, pose, now, now);
        assert!((0.0..=1.0).contains(&picture.quality));
        assert!(picture.points.as_flattened().iter().all(|it| it.is_finite()));
        for it in &picture.obstacles {
            let numbers = [it.position, it.velocity, [it.radius, it.confidence]];
            assert!(numbers.as_flattened().iter().all(|number| number.is_finite()), "{it:?}");
        }
        zones.scan(&view(&raw), now);
        let wanted = Velocity { linear: bytes.number(), angular: bytes.number() };
        let _ = zones.verdict(wanted, Some(Velocity { linear: 0.1, angular: 0.0 }), now);
    }
}

/// Anything that can happen to the Gate, in any order: never beyond the limits, never other than zero while latched.
pub fn motion(input: &[u8]) {
    let mut bytes = Bytes(input);
    let zones =
        || Zones::new(ZoneConfig::around(footprint(), Isometry2::identity(), "laser".into()));
    let surroundings = Surroundings::new(zones().unwrap(), zones().unwrap());
    let mut gate = Gate::new(gate_config(), surroundings, None);
    let mut now = Duration::from_secs(10);
    let mut sequence = 0;
    let mut actual = Velocity::default();
    gate.audited(true);
    gate.graph(Graph { drive_present: true, ..Graph::default() });
    for number in 0..MOST_HAPPENINGS {
        let Some(what) = bytes.next() else { break };
        let who = u64::from(what >> 6);
        let ticket = Ticket { connection: ConnectionId(who), number, after: sequence };
        let caller = Caller {
            connection: ConnectionId(who),
            user_id: who + 1,
            username: Arc::clone(&SOMEBODY.username),
        };
        let (Some(operator), Some(administrator)) = (SOMEBODY.operator(), SOMEBODY.administrator())
        else {
            unreachable!("an administrator is both");
        };
        match what & 0x3F {
            0 => now += Duration::from_millis(u64::from(bytes.byte())),
            1 => {
                let range = 0.5 + f32::from(bytes.byte()) / 50.0;
                let ranges: Vec<f32> = (0..BEAMS as u64)
                    .map(|beam| range + ((number + beam) % 7) as f32 * 1e-4)
                    .collect();
                let raw = RawScan { ranges: ranges.into(), ..usual_scan(now) };
                gate.scan(&view(&raw), now);
            }
            2 => {
                let (linear, angular) = (bytes.number(), bytes.number());
                gate.odometry(Measured { linear, lateral: 0.0, angular }, now);
            }
            3 => gate.graph(Graph {
                drive_present: bytes.flag(),
                cmd_vel_shared: bytes.flag(),
                scan_shared: bytes.flag(),
            }),
            4 => gate.audited(bytes.flag()),
            5 => gate.hardware_stop(bytes.flag(), now),
            6 => {
                sequence += 1;
                gate.stop(ConnectionId(who), sequence, now);
            }
            7 => {
                sequence += 1;
                gate.emergency_stop(StopSource::Web, Some(caller), sequence, now);
                assert!(gate.latched().is_some());
            }
            8 => drop(gate.reset(&caller, ticket, operator, now)),
            9 => drop(gate.reset_by_service(sequence, now)),
            10 => drop(gate.acquire(&caller, ticket, operator, now)),
            11 => drop(gate.release(&caller, ticket, now)),
            12 => drop(gate.take_over(&caller, ticket, administrator, now)),
            13 => drop(gate.begin_docking(&caller, ticket, operator, now)),
            14 => gate
                .dock_velocity(Velocity { linear: bytes.number(), angular: bytes.number() }, now),
            15 => drop(gate.docking().map(|ticket| gate.docking_ended(ticket, now))),
            16 => gate.link_lost(ConnectionId(who), LinkLoss::Silent, now),
            17 => gate.heard(ConnectionId(who), now),
            18 => gate.shut_down(now),
            19..32 => {
                let request = motion_request(&mut bytes);
                drop(gate.command(&caller, ticket, operator, request, now));
            }
            _ => {
                // As a robot that works: a scan and the odometry, then a decision.
                now += Duration::from_millis(20);
                gate.scan(&view(&usual_scan(now)), now);
                let Velocity { linear, angular } = actual;
                gate.odometry(Measured { linear, lateral: 0.0, angular }, now);
            }
        }
        let decision = gate.tick(now);
        actual = decision.velocity.map_or(Velocity::default(), |safe| Velocity {
            linear: safe.linear(),
            angular: safe.angular(),
        });
        assert!(actual.linear.abs() <= 1.0 && actual.angular.abs() <= 1.0, "{actual:?}");
        assert!(actual.is_zero() || gate.latched().is_none(), "moves while latched");
        assert!(actual.is_zero() || gate.holder().is_some(), "moves for nobody");
        gate.take_outcomes();
        gate.take_events();
    }
}

/// Numbers out of bytes; zeros where there are no more.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or_default()
    }

    fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Mostly between -3 and 3, now and then anything.
    fn number(&mut self) -> f64 {
        match self.byte() {
            0xFF => f64::from_bits(u64::from_le_bytes([(); 8].map(|()| self.byte()))),
            byte => (f64::from(byte) - 127.0) / 42.0,
        }
    }
}

fn motion_request(bytes: &mut Bytes<'_>) -> MotionRequest {
    let kinds = [
        MotionKind::MoveForward,
        MotionKind::MoveBackward,
        MotionKind::TurnLeft,
        MotionKind::TurnRight,
    ];
    let choice = bytes.byte();
    let magnitude = f64::from(bytes.byte()) / 25.5;
    let duration = bytes.flag().then(|| Duration::from_millis(20 * u64::from(bytes.byte())));
    let hold_to_run = bytes.flag();
    match choice {
        0..16 => {
            let velocity = Velocity { linear: bytes.number(), angular: bytes.number() };
            MotionRequest {
                kind: MotionKind::Drive,
                speed: Speed::Velocity(velocity),
                duration,
                hold_to_run,
            }
        }
        _ => MotionRequest {
            kind: kinds[usize::from(choice % 4)],
            speed: if choice & 4 == 0 { Speed::Default } else { Speed::Magnitude(magnitude) },
            duration,
            hold_to_run,
        },
    }
}

fn raw_scan(bytes: &mut Bytes<'_>) -> RawScan {
    let usual = usual_scan(Duration::from_secs(1));
    let count = usize::from(bytes.byte()) * 3;
    let odd = bytes.byte();
    let mut or = |bit: u8, usual: f64| if odd & bit == 0 { usual } else { bytes.number() };
    let (angle_min, range_min, range_max, stamp) =
        (or(1, usual.angle_min), or(2, 0.05), or(4, 20.0), or(8, 1.0));
    let angle_increment = or(16, 2.0 * PI / count.max(1) as f64);
    let range = |byte: u8| match byte {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => f32::NEG_INFINITY,
        3 => -1.0,
        4 => 0.0,
        byte => f32::from(byte) / 25.0,
    };
    // Neighbours see the same thing, so that few bytes make many beams.
    let ranges: Vec<f32> = (0..count.div_ceil(3)).flat_map(|_| [range(bytes.byte()); 3]).collect();
    RawScan {
        stamp,
        angle_min,
        angle_increment,
        range_min,
        range_max,
        ranges: ranges.into(),
        ..usual
    }
}

/// Walls all around, 5 m away.
fn usual_scan(now: Duration) -> RawScan {
    let wiggle = (now.as_millis() % 1000) as f32 * 1e-5;
    RawScan {
        stamp: now.as_secs_f64(),
        ros_now: now.as_secs_f64(),
        frame_id: "laser".into(),
        angle_min: -PI,
        angle_increment: 2.0 * PI / BEAMS as f64,
        range_min: 0.05,
        range_max: 20.0,
        ranges: vec![5.0 + wiggle; BEAMS].into(),
        ..RawScan::default()
    }
}

fn view(raw: &RawScan) -> ScanView<'_> {
    ScanView {
        frame_id: "laser",
        stamp: raw.stamp,
        ros_now: raw.stamp,
        angle_min: raw.angle_min,
        angle_increment: raw.angle_increment,
        range_min: raw.range_min,
        range_max: raw.range_max,
        ranges: &raw.ranges,
    }
}

fn footprint() -> Vec<Point2<f64>> {
    [[0.4, 0.3], [-0.4, 0.3], [-0.4, -0.3], [0.4, -0.3]].map(|[x, y]| Point2::new(x, y)).to_vec()
}

fn gate_config() -> GateConfig {
    GateConfig {
        max_linear_speed: 1.0,
        max_angular_speed: 1.0,
        linear_acceleration: 0.5,
        angular_acceleration: 1.0,
        default_linear_speed: 0.2,
        default_angular_speed: 0.4,
        rest_speed: 0.01,
        command_hold: Duration::from_secs(1),
        control_hold: Duration::from_secs(5),
        deceleration: 1.0,
        odom_timeout: Duration::from_millis(500),
        docking_speed: 0.1,
        docking_timeout: Duration::from_secs(45),
        docking_controller: DockingController::Velocities,
        max_unattended_move: Duration::from_secs(10),
        hardware_stop: false,
    }
}

fn verify(token: &str) -> Option<Principal> {
    VERIFIER.verify(token, NOW).ok()
}

fn signed(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", base64url(header), base64url(claims));
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    let algorithm = jsonwebtoken::Algorithm::HS256;
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// RFC 4648 section 5, without padding.
fn base64url(text: &str) -> String {
    let digit = |value: u32| {
        char::from(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[value as usize],
        )
    };
    let of = |three: &[u8]| {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        (0..=three.len()).map(move |at| digit(bits >> (18 - 6 * at) & 0x3F)).collect::<String>()
    };
    text.as_bytes().chunks(3).map(of).collect()
}

static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::hs256(SECRET, Role::Operator).unwrap());

/// May do everything.
static SOMEBODY: LazyLock<Principal> = LazyLock::new(|| {
    let claims = r#"{"user_id":1,"sub":"lan","role":"administrator","exp":2000000000}"#;
    verify(&signed(r#"{"alg":"HS256"}"#, claims)).unwrap()
});

const SECRET: &[u8] = b"a secret of thirty-two bytes, or more";
const NOW: Duration = Duration::from_secs(1_750_000_000);
const MOST_HAPPENINGS: u64 = 200;
/// Most of the time goes into them. With a third fewer the zones see gaps, and the robot stands.
const BEAMS: usize = 180;
