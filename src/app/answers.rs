//! What the robot's side refuses or cannot do, as a client is told.

use crate::{
    protocol::{ErrorCode, Failure},
    robot::CallError,
    safety::{Reason, Refusal},
};

/// The refusal as a client sees it.
pub fn failure(refusal: &Refusal) -> Failure {
    let code = match refusal {
        Refusal::NotInControl(_)
        | Refusal::NotYours
        | Refusal::DriverLost
        | Refusal::StoppedByOther => ErrorCode::NotInControl,
        Refusal::EmergencyStopActive => ErrorCode::EmergencyStopActive,
        Refusal::ScanStale | Refusal::Aborted(Reason::ScanStale) => ErrorCode::ScanStale,
        Refusal::DriveAbsent | Refusal::Aborted(Reason::DriveAbsent) => {
            ErrorCode::ServiceUnavailable
        }
        Refusal::Docking | Refusal::ShuttingDown => ErrorCode::Busy,
        Refusal::NotLatched => ErrorCode::EmergencyStopNotActive,
        Refusal::NotAtRest => ErrorCode::NotAtRest,
        Refusal::Aborted(Reason::DockingTimeout) => ErrorCode::Timeout,
        Refusal::Aborted(_) | Refusal::Replaced => ErrorCode::Aborted,
    };
    Failure::new(code, refusal.to_string())
}

/// A failed service call as a client sees it.
pub fn call_failure(error: &CallError) -> Failure {
    let code = match error {
        CallError::Unavailable(_) => ErrorCode::ServiceUnavailable,
        CallError::Failed(_) => ErrorCode::ServiceFailed,
    };
    Failure::new(code, error.to_string())
}
