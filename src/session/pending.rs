//! The commands of one connection that still wait for their answer.

use std::time::Duration;

use super::Action;
use crate::{
    auth::Principal,
    protocol::{
        ErrorCode, Failure,
        audit::Deed,
        client::{ControlAction, LidarCommand, RobotCommand},
        server,
    },
};

/// A command as it was asked, with its `request_id`.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// `robot_control`
    Robot(RobotCommand, Option<String>),
    /// `lidar_control`
    Lidar(LidarCommand, Option<String>),
    /// `control`
    Control(ControlAction, Option<String>),
}

/// What waits; bounded.
#[derive(Default)]
pub struct Pending {
    next_ticket: u64,
    commands: Vec<(u64, Asked)>,
    /// With the time at which each came.
    stops: Vec<(u64, Asked, Duration)>,
}

impl Pending {
    /// Remembers a command; its ticket, or `busy`.
    pub fn add(&mut self, asked: Asked) -> Result<u64, Failure> {
        if self.commands.len() >= MOST {
            return Err(Failure::new(
                ErrorCode::Busy,
                "Too many commands are waiting for their answer",
            ));
        }
        self.next_ticket += 1;
        self.commands.push((self.next_ticket, asked));
        Ok(self.next_ticket)
    }

    /// Remembers a stop under its number in the latch, or returns it if there are too many.
    pub fn add_stop(&mut self, asked: Asked, sequence: u64, at: Duration) -> Result<(), Asked> {
        if self.stops.len() >= MOST {
            return Err(asked);
        }
        self.stops.push((sequence, asked, at));
        Ok(())
    }

    /// The command of this ticket, which waits no longer.
    pub fn take(&mut self, ticket: u64) -> Option<Asked> {
        let at = self.commands.iter().position(|(known, _)| *known == ticket)?;
        Some(self.commands.remove(at).1)
    }

    /// All commands, which wait no longer. Of a stop it was kept already what there is to keep.
    pub fn take_all(&mut self) -> Vec<Asked> {
        self.commands.drain(..).map(|(_, asked)| asked).collect()
    }

    /// Whether a stop waits.
    pub fn has_stop(&self) -> bool {
        !self.stops.is_empty()
    }

    /// The stops up to this number, which wait no longer, and when each came.
    pub fn take_served(&mut self, sequence: u64) -> Vec<(Asked, Duration)> {
        let served = self.stops.iter().take_while(|(number, ..)| *number <= sequence).count();
        self.stops.drain(..served).map(|(_, asked, at)| (asked, at)).collect()
    }
}

impl Asked {
    /// The command for the robot's side, if the caller may give it.
    pub fn action(&self, principal: &Principal) -> Result<Action, Failure> {
        let operator = principal
            .operator()
            .ok_or_else(|| Failure::new(ErrorCode::Forbidden, "This needs the role operator"))?;
        match self {
            Asked::Robot(command, _) => match *command {
                RobotCommand::Motion(request) => Ok(Action::Motion(operator, request)),
                RobotCommand::Dock => Ok(Action::Dock(operator)),
                RobotCommand::Undock => Ok(Action::Undock(operator)),
                RobotCommand::ResetEmergencyStop { confirmed: true } => {
                    Ok(Action::ResetEmergencyStop(operator))
                }
                RobotCommand::ResetEmergencyStop { confirmed: false } => Err(Failure::new(
                    ErrorCode::ConfirmationRequired,
                    "Releasing the emergency stop needs parameters.confirm: true",
                )),
                RobotCommand::Stop | RobotCommand::EmergencyStop => {
                    Err(Failure::new(ErrorCode::Internal, "Stops go through the latch"))
                }
            },
            Asked::Lidar(command, _) => Ok(Action::Lidar(operator, *command)),
            Asked::Control(ControlAction::Acquire, _) => Ok(Action::Acquire(operator)),
            Asked::Control(ControlAction::Release, _) => Ok(Action::Release(operator)),
            Asked::Control(ControlAction::TakeOver, _) => {
                let needs = "Taking over needs the role administrator";
                let proof = principal.administrator();
                proof.map(Action::TakeOver).ok_or_else(|| Failure::new(ErrorCode::Forbidden, needs))
            }
        }
    }

    /// Whether carrying it out may move the robot, or lets what comes behind it do so.
    pub fn may_move(&self) -> bool {
        use ControlAction::{Acquire, TakeOver};
        use RobotCommand::{Dock, Motion, ResetEmergencyStop, Undock};
        matches!(
            self,
            Asked::Robot(Motion(_) | Dock | Undock | ResetEmergencyStop { .. }, _)
                | Asked::Control(Acquire | TakeOver, _)
        )
    }

    /// The answer's text.
    pub fn response(&self, outcome: &Result<String, Failure>, unix: Duration) -> String {
        match self {
            Asked::Robot(command, id) => {
                server::robot_control_response(command, outcome, id.as_deref(), unix)
            }
            Asked::Lidar(command, id) => {
                server::lidar_control_response(command, outcome, id.as_deref(), unix)
            }
            Asked::Control(action, id) => {
                server::control_response(*action, outcome, id.as_deref(), unix)
            }
        }
    }

    /// As the audit log names it.
    pub fn deed(&self) -> Deed {
        match self {
            Asked::Robot(command, _) => Deed::Robot(*command),
            Asked::Lidar(command, _) => Deed::Lidar(*command),
            Asked::Control(action, _) => Deed::Control(*action),
        }
    }

    /// What a served stop says.
    pub fn done_text(&self) -> &'static str {
        match self {
            Asked::Robot(RobotCommand::EmergencyStop, _) => "Emergency stop latched",
            _ => "Stopped",
        }
    }
}

/// Answers that one connection may wait for, of each kind.
const MOST: usize = 64;
