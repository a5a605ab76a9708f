//! The port to the robot: what it tells and what it accepts. `ros` connects it to ROS 2.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use nalgebra::{Isometry2, Vector2};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::{
    lidar::{Picture, RawScan},
    safety::{SafeVelocity, Summary, facts::Graph, zone::Kind},
    telemetry::vitals::Vitals,
};

#[cfg(feature = "ros")]
pub mod ros;
pub mod topics;
pub mod transforms;

/// A value with the monotonic time of its arrival (see [`crate::clock::Clock::now`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Received<T> {
    /// What came.
    pub value: T,
    /// When it came.
    pub at: Duration,
}

/// The newest value of a topic; `None` until one came.
pub type Newest<T> = watch::Receiver<Option<Received<T>>>;

/// Pose and twist, from `nav_msgs/Odometry`.
#[derive(Debug, Clone, PartialEq)]
pub struct Odometry {
    /// Position in the odometry frame, m.
    pub position: [f64; 3],
    /// Heading in the odometry frame, rad.
    pub yaw: f64,
    /// Forward speed in the base frame, m/s.
    pub linear: f64,
    /// Sideways speed in the base frame, m/s.
    pub lateral: f64,
    /// Turn rate, rad/s.
    pub angular: f64,
    /// The message's stamp, s.
    pub stamp: f64,
}

impl Odometry {
    /// The base in the odometry frame, `dt` seconds after this was measured, as the robot moved then; taken as straight along
    /// the middle heading.
    pub fn pose_after(&self, dt: f64) -> Isometry2<f64> {
        let (sin, cos) = (self.angular * dt / 2.0).sin_cos();
        let ahead = Vector2::new(
            self.linear * cos - self.lateral * sin,
            self.linear * sin + self.lateral * cos,
        );
        let pose = Isometry2::new(Vector2::new(self.position[0], self.position[1]), self.yaw);
        pose * Isometry2::new(ahead * dt, self.angular * dt)
    }
}

/// From `sensor_msgs/BatteryState`.
#[derive(Debug, Clone, PartialEq)]
pub struct Battery {
    /// 0 to 1; `None` where the driver says NaN.
    pub fraction: Option<f64>,
    /// Whether power flows in.
    pub charging: bool,
}

/// From the robot's side to operators, on `~/notice`.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// 0 info, 1 warning, 2 critical.
    pub severity: u8,
    /// For people.
    pub text: String,
    /// To one user, unless 0.
    pub user_id: u64,
    /// To one group, unless empty.
    pub group: String,
}

/// A velocity that the docking controller asks for, on `cmd_vel_dock`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DockVelocity {
    /// m/s
    pub linear: f64,
    /// rad/s
    pub angular: f64,
}

/// What the robot tells. Scans, odometry and the like: newest wins. Notices: a bounded queue.
pub struct Inputs {
    /// `scan`
    pub scan: Newest<Arc<RawScan>>,
    /// `odom`
    pub odometry: Newest<Odometry>,
    /// `battery_state`
    pub battery: Newest<Battery>,
    /// `temperature`, degrees Celsius.
    pub temperature: Newest<f64>,
    /// `cmd_vel_dock`
    pub dock_velocity: Newest<DockVelocity>,
    /// The robot's own emergency stop; true: pressed.
    pub hardware_stop: Newest<bool>,
    /// `~/notice`
    pub notices: mpsc::Receiver<Notice>,
    /// `~/reset_emergency_stop`
    pub resets: mpsc::Receiver<Reset>,
    /// Notified when all of this is up to date again after a pause, which [`Outputs::may_doze`] allows.
    pub caught_up: Arc<Notify>,
}

/// A call of `~/reset_emergency_stop`.
#[derive(Debug)]
pub struct Reset {
    /// The newest stop of the latch when the call came.
    pub after: u64,
    /// What came of it, in words.
    pub answer: oneshot::Sender<Result<String, String>>,
}

/// A request to another node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Service {
    /// `dock` (std_srvs/Trigger): answers when docked.
    Dock,
    /// `undock` (std_srvs/Trigger).
    Undock,
    /// `cancel_docking` (std_srvs/Trigger): answers when the docking controller has let go.
    CancelDocking,
    /// `start_motor` (std_srvs/Empty).
    StartMotor,
    /// `stop_motor` (std_srvs/Empty).
    StopMotor,
    /// The LiDAR driver's scan frequency parameter, Hz.
    SetFrequency(f64),
}

/// Why a request to another node came to nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CallError {
    /// Nobody offers the service; known within 200 ms.
    #[error("service {0} is not available")]
    Unavailable(String),
    /// The other node answered that it failed.
    #[error("{0}")]
    Failed(String),
}

/// An area that motion safety watches, as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneOutline {
    /// As configured.
    pub name: Arc<str>,
    /// What follows from something inside.
    pub kind: Kind,
    /// A simple polygon in the base frame, m.
    pub boundary: Vec<[f64; 2]>,
    /// Whether something is inside.
    pub occupied: bool,
}

/// What the bridge tells the graph so often that it matters whether anybody listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// `~/safety`: each decision.
    Safety,
    /// `~/obstacles`, `~/markers`: what each scan shows.
    Picture,
    /// `~/footprint`, `~/safety_zones`: outlines.
    Outline,
    /// `/diagnostics`, `~/status`: how the bridge is.
    Diagnostics,
}

/// Nothing was published.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PublishError {
    /// The ROS node is gone or refused the message.
    #[error("publishing on {topic} failed: {cause}")]
    Failed {
        /// Where.
        topic: &'static str,
        /// What the middleware said.
        cause: String,
    },
}

/// What the robot accepts. Implementations never block.
pub trait Outputs: Send + Sync + 'static {
    /// Publishes on `cmd_vel`.
    fn drive(&self, velocity: SafeVelocity) -> Result<(), PublishError>;
    /// Who is on the topics that matter.
    fn graph(&self) -> Graph;
    /// Whether what the robot tells may come a moment later, since it stands and nobody drives or looks. Said when it changes.
    fn may_doze(&self, quiet: bool);
    /// Whether anybody on the graph listens to it.
    fn is_watched(&self, told: Told) -> bool;
    /// Publishes on `emergency_stop`.
    fn emergency_stop(&self, active: bool) -> Result<(), PublishError>;
    /// Publishes on `~/safety`; `holder`: who is in control.
    fn safety(&self, summary: &Summary, holder: Option<&str>) -> Result<(), PublishError>;
    /// Publishes what a scan shows, for engineers and other nodes.
    fn show(&self, picture: &Picture, zones: &[ZoneOutline]) -> Result<(), PublishError>;
    /// Publishes the robot's outline and those of the zones that count, for engineers.
    fn outline(&self, zones: &[ZoneOutline]) -> Result<(), PublishError>;
    /// Publishes how the bridge is, part by part, on `/diagnostics`.
    fn diagnostics(&self, vitals: &Vitals) -> Result<(), PublishError>;
    /// Publishes how the bridge is on `~/status`.
    fn status(&self, vitals: &Vitals) -> Result<(), PublishError>;
    /// Whether anybody offers a service; known within 200 ms.
    fn offers(&self, service: Service) -> BoxFuture<'static, bool>;
    /// Calls a service; the text is what the service answered. The caller sets the time limit.
    fn call(&self, service: Service) -> BoxFuture<'static, Result<String, CallError>>;
}
