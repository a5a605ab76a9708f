//! What a check of the drive found, in values and in words.

use std::{fmt, time::Duration};

use super::{HardwareStop, PATIENCE, WATCHDOG, zone};

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The robot stopped by itself. Both times count from the last velocity that was published.
    Stopped {
        /// Until the drive began to brake.
        acted: Duration,
        /// Until it stood.
        rest: Duration,
    },
    /// It went on until zero was published.
    Off,
    /// It never drove as it was told.
    Disobeyed,
    /// The check was ended, and says nothing of the watchdog.
    Aborted(Hindrance),
}

/// Because of what nothing may be driven, from the most restrictive on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    /// Ctrl-C.
    #[error("it was interrupted")]
    Interrupted,
    /// The process did not run for a while.
    #[error("this computer was too busy to measure: the check did not run for more than 0.1 s")]
    Suspended,
    /// The emergency stop is latched.
    #[error("the emergency stop is latched; start the bridge, and release it there")]
    Latched,
    /// The robot's own emergency stop.
    #[error("the robot's own emergency stop is {}", match .0 { HardwareStop::Pressed => "pressed", HardwareStop::Silent => "silent" })]
    HardwareStop(HardwareStop),
    /// Somebody else drives.
    #[error("somebody else publishes on cmd_vel, such as a bridge that still runs")]
    CmdVelShared,
    /// What the LiDAR shows is a mixture.
    #[error("more than one node publishes on scan")]
    ScanShared,
    /// Nobody listens on `cmd_vel`.
    #[error("no drive listens on cmd_vel")]
    DriveAbsent,
    /// Without odometry nothing is measured.
    #[error("no fresh odometry")]
    OdometryAbsent,
    /// The LiDAR, or what it shows.
    #[error("{}", .0.in_words())]
    Held(zone::Stop),
    /// What stands ahead allows less than the speed of the check.
    #[error("what stands around leaves too little room")]
    NoRoom,
    /// The odometry shows the other direction.
    #[error("the odometry says that the robot drives backwards")]
    Backwards,
    /// The odometry shows far more than was commanded.
    #[error("the odometry says that the robot drives or turns much faster than it was told")]
    TooFast,
    /// It drove as far as the free way allows.
    #[error("the odometry says that the robot has used up its free way")]
    TooFar,
    /// It moves before the check begins.
    #[error("the robot is not at rest")]
    NotAtRest,
    /// Driving cannot be told from standing.
    #[error("rest_speed is too high to tell a robot that creeps from one that stands")]
    RestSpeed,
}

impl Verdict {
    /// Whether the drive stops a robot whose bridge is dead, soon enough.
    pub fn is_pass(&self) -> bool {
        matches!(self, Verdict::Stopped { acted, .. } if *acted <= WATCHDOG)
    }
}

/// For the person at the robot.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = WATCHDOG.as_secs_f64();
        match self {
            Verdict::Stopped { acted, rest } => {
                let (acted, rest) = (acted.as_secs_f64(), rest.as_secs_f64());
                let word = if self.is_pass() { "PASS" } else { "SLOW" };
                write!(
                    f,
                    "{word}: the drive began to brake {acted:.2} s after the last command, and stood after {rest:.2} s"
                )?;
                if self.is_pass() { Ok(()) } else { write!(f, "; {limit} s is the limit") }
            }
            Verdict::Off => write!(
                f,
                "OFF: the drive went on for {} s without a command: its watchdog does not act",
                PATIENCE.as_secs()
            ),
            Verdict::Disobeyed => {
                write!(f, "NO ANSWER: the drive does not obey, or the odometry does not show it")
            }
            Verdict::Aborted(hindrance) => write!(f, "NOT FINISHED: {hindrance}"),
        }
    }
}
