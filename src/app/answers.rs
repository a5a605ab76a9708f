//! What the robot's side refuses or cannot do, as a client is told.

use crate::{
    protocol::{ErrorCode, Failure},
    robot::CallError,
    safety::{Reason, Refusal, zone::Stop},
};

/// The refusal as a client sees it.
pub fn failure(refusal: &Refusal) -> Failure {
    let code = match refusal {
        Refusal::NotInControl(_)
        | Refusal::NotYours
        | Refusal::DriverLost
        | Refusal::StoppedByOther => ErrorCode::NotInControl,
        Refusal::EmergencyStopActive => ErrorCode::EmergencyStopActive,
        Refusal::Held(stop, _) | Refusal::Aborted(Reason::Held(stop)) => held(*stop),
        Refusal::ScanShared | Refusal::Aborted(Reason::ScanShared) => ErrorCode::ScanInvalid,
        Refusal::CmdVelShared | Refusal::Aborted(Reason::CmdVelShared) => ErrorCode::CmdVelShared,
        Refusal::HardwareStop(_) => ErrorCode::EmergencyStopActive,
        Refusal::NoDocking => ErrorCode::ServiceUnavailable,
        Refusal::DriveAbsent | Refusal::Aborted(Reason::DriveAbsent) => {
            ErrorCode::ServiceUnavailable
        }
        Refusal::AuditUnavailable => ErrorCode::AuditUnavailable,
        Refusal::Docking | Refusal::ShuttingDown => ErrorCode::Busy,
        Refusal::NotLatched => ErrorCode::EmergencyStopNotActive,
        Refusal::NotAtRest => ErrorCode::NotAtRest,
        Refusal::Aborted(Reason::DockingTimeout) => ErrorCode::Timeout,
        Refusal::Aborted(_) | Refusal::Replaced => ErrorCode::Aborted,
    };
    Failure::new(code, refusal.to_string())
}

fn held(stop: Stop) -> ErrorCode {
    match stop {
        Stop::Zone(_) => ErrorCode::ZoneBlocked,
        Stop::NotCovered => ErrorCode::NotCovered,
        Stop::NoOdometry => ErrorCode::OdometryStale,
        Stop::NoScan | Stop::ScanStale | Stop::StampOld => ErrorCode::ScanStale,
        Stop::WrongFrame | Stop::StampFuture | Stop::FewHits | Stop::Blackout | Stop::Frozen => {
            ErrorCode::ScanInvalid
        }
    }
}

/// A failed service call as a client sees it.
pub fn call_failure(error: &CallError) -> Failure {
    let code = match error {
        CallError::Unavailable(_) => ErrorCode::ServiceUnavailable,
        CallError::Failed(_) => ErrorCode::ServiceFailed,
    };
    Failure::new(code, error.to_string())
}
