//! What a person does next: chance, and a little of what was heard.

use std::time::Duration;

use oht50_bridge::sim::Velocity;
use serde_json::{Value, json};

use super::{
    dice::Dice,
    record::{Role, Said, Wanted},
};

/// One person's intentions.
pub struct Script {
    role: Role,
    dice: Dice,
    /// Makes velocities unique.
    number: u32,
    /// A button or a joystick that is held, and how often it will be repeated.
    held: Option<(&'static str, u32)>,
    /// The last thing was said just now.
    hasty: bool,
    latched: bool,
    code: String,
}

/// What a person does.
#[derive(Debug, Clone)]
pub enum Deed {
    Say(Said, Value),
    /// The client reads nothing for this long.
    Hang(Duration),
    Close,
    HalfClose,
    Drop,
}

#[derive(Debug, Clone, Copy)]
enum Idea {
    Move,
    Hold,
    Joystick,
    Journey,
    Stop,
    EmergencyStop,
    Reset,
    Acquire,
    Release,
    TakeOver,
    Word,
    Hang,
    Close,
    HalfClose,
    Drop,
}

impl Script {
    /// `first` is the first number for a velocity, and the next 1000 are this script's too.
    pub fn new(role: Role, dice: Dice, first: u32) -> Script {
        let code = String::new();
        Script { role, dice, number: first, held: None, hasty: false, latched: false, code }
    }

    /// Takes in what the bridge told.
    pub fn hear(&mut self, message: &Value) {
        match message["event"].as_str() {
            Some("emergency_stop_engaged") => self.latched = true,
            Some("emergency_stop_reset") => self.latched = false,
            _ => {}
        }
        if message["success"].is_boolean() {
            self.code = message["code"].as_str().unwrap_or_default().to_owned();
            self.latched |= self.code == "emergency_stop_active";
        }
    }

    /// What to do now, and how long to wait afterwards.
    pub fn next(&mut self) -> (Deed, Duration) {
        if let Some((command, left)) = self.held.take() {
            if left > 1 {
                self.held = Some((command, left - 1));
            }
            let deed = if command == "drive" { self.drive() } else { self.motion(command, None) };
            return (deed, self.dice.seconds(0.15, 0.45));
        }
        let idea = self.idea();
        let pause = match idea {
            // Two things at once, as from a client that gathers what it sends.
            _ if self.dice.chance(0.15) => Duration::ZERO,
            // Now and then for so long that the bridge asks for a word.
            Idea::Journey if self.dice.chance(0.2) => Duration::from_secs(13),
            Idea::Journey => self.dice.seconds(0.5, 8.0),
            _ => self.dice.seconds(0.05, 1.5),
        };
        self.hasty = pause.is_zero();
        (self.deed(idea), pause)
    }

    fn idea(&mut self) -> Idea {
        use Idea::*;
        if self.role == Role::Viewer {
            return self.dice.pick(&[
                (60, Word),
                (12, Stop),
                (4, EmergencyStop),
                (6, Move),
                (1, Drop),
            ]);
        }
        if self.hasty && self.dice.chance(0.5) {
            return self.dice.pick(&[(6, Stop), (1, Drop), (1, Close)]);
        }
        if self.role == Role::Administrator && self.dice.chance(0.06) {
            return TakeOver;
        }
        if self.latched && self.dice.chance(0.6) {
            return Reset;
        }
        if self.code == "not_in_control" && self.dice.chance(0.4) {
            self.code.clear();
            let take_over = if self.role == Role::Administrator { 4 } else { 0 };
            return self.dice.pick(&[(3, Acquire), (2, Stop), (take_over, TakeOver)]);
        }
        self.dice.pick(&[
            (28, Move),
            (14, Hold),
            (14, Joystick),
            (18, Journey),
            (8, Stop),
            (3, EmergencyStop),
            (2, Reset),
            (3, Acquire),
            (2, Release),
            (1, TakeOver),
            (4, Word),
            (3, Hang),
            (1, Close),
            (1, HalfClose),
            (1, Drop),
        ])
    }

    fn deed(&mut self, idea: Idea) -> Deed {
        let robot = |command: &str| json!({"type": "robot_control", "command": command});
        let control = |action: &str| json!({"type": "control", "action": action});
        match idea {
            Idea::Move => {
                let command = self.direction();
                let short = self.dice.between(0.2, 3.0);
                let duration = self.dice.pick(&[(1, None), (3, Some(short))]);
                self.motion(command, duration)
            }
            Idea::Journey => {
                let command = self.direction();
                let duration = self.dice.between(5.0, 60.0);
                self.motion(command, Some(duration))
            }
            Idea::Hold => {
                let command = self.direction();
                self.held = Some((command, 2 + self.dice.next() as u32 % 10));
                self.motion(command, None)
            }
            Idea::Joystick => {
                self.held = Some(("drive", 2 + self.dice.next() as u32 % 12));
                self.drive()
            }
            Idea::Stop => Deed::Say(Said::Stop, robot("stop")),
            Idea::EmergencyStop => Deed::Say(Said::EmergencyStop, robot("emergency_stop")),
            Idea::Reset => {
                let mut reset = robot("reset_emergency_stop");
                reset["parameters"] = json!({"confirm": true});
                Deed::Say(Said::Reset, reset)
            }
            Idea::Acquire => Deed::Say(Said::Acquire, control("acquire")),
            Idea::Release => Deed::Say(Said::Release, control("release")),
            Idea::TakeOver => Deed::Say(Said::TakeOver, control("take_over")),
            Idea::Word => Deed::Say(Said::Word, json!({"type": "ping"})),
            Idea::Hang => Deed::Hang(self.dice.seconds(0.3, 6.0)),
            Idea::Close => Deed::Close,
            Idea::HalfClose => Deed::HalfClose,
            Idea::Drop => Deed::Drop,
        }
    }

    fn direction(&mut self) -> &'static str {
        self.dice
            .pick(&["move_forward", "move_backward", "turn_left", "turn_right"].map(|it| (1, it)))
    }

    /// A speed that nobody else asks for: below the ramp's first step, as usual, or above the limit.
    fn speed(&mut self) -> f64 {
        self.number += 1;
        let usual = (self.dice.between(0.1, 0.8) * 100.0).round() / 100.0;
        let speed = self.dice.pick(&[(3, 0.005), (6, usual), (1, 3.0)]);
        speed + f64::from(self.number) * 1e-7
    }

    fn motion(&mut self, command: &'static str, duration: Option<f64>) -> Deed {
        let speed = self.speed();
        let held = duration.is_some() && self.dice.chance(0.2);
        let mut parameters = json!({"speed": speed, "hold_to_run": held});
        if let Some(duration) = duration {
            parameters["duration"] = duration.into();
        }
        let within = speed.min(LIMIT);
        let (linear, angular) = match command {
            "move_forward" => (within, 0.0),
            "move_backward" => (-within, 0.0),
            "turn_left" => (0.0, within),
            _ => (0.0, -within),
        };
        let runs_for = match duration {
            Some(duration) if !held => duration,
            Some(duration) => duration.min(COMMAND_HOLD),
            None => COMMAND_HOLD,
        };
        let wanted = Wanted {
            velocity: Velocity { linear, angular },
            runs_for: Duration::from_secs_f64(runs_for),
            unique: speed < LIMIT,
        };
        let message =
            json!({"type": "robot_control", "command": command, "parameters": parameters});
        Deed::Say(Said::Motion(wanted), message)
    }

    fn drive(&mut self) -> Deed {
        let sign = |right: bool| if right { -1.0 } else { 1.0 };
        let linear = self.speed() * sign(self.dice.chance(0.5));
        let angular = self.speed() * sign(self.dice.chance(0.5));
        let wanted = Wanted {
            velocity: Velocity {
                linear: linear.clamp(-LIMIT, LIMIT),
                angular: angular.clamp(-LIMIT, LIMIT),
            },
            runs_for: Duration::from_secs_f64(COMMAND_HOLD),
            unique: linear.abs() < LIMIT && angular.abs() < LIMIT,
        };
        let parameters = json!({"linear": linear, "angular": angular});
        let message =
            json!({"type": "robot_control", "command": "drive", "parameters": parameters});
        Deed::Say(Said::Motion(wanted), message)
    }
}

/// `max_linear_speed` and `max_angular_speed` as shipped, m/s and rad/s.
const LIMIT: f64 = 1.0;

/// `command_hold` as shipped, s.
const COMMAND_HOLD: f64 = 1.0;
