//! The sole owner of [`Perception`]: scans in, pictures out to whoever looks. The Gate takes its scans from the same source by
//! itself: perception may be slow, wrong or dead, and the robot still stops.

use std::{sync::Arc, time::Duration};

use nalgebra::Isometry2;
use tokio::{sync::watch, time::interval};

use super::{lidar::Settings, motion::Report};

use crate::{
    clock::Clock,
    hub::{Frame, Hub, Pace},
    lidar::{Perception, RawScan, Scan},
    protocol::{Encoding, Form},
    robot::{Newest, Odometry, Outputs, Received, Told},
    safety::surroundings::FieldSet,
    telemetry::metrics::Metrics,
};

mod shown;
mod zones;

pub use shown::Shown;
pub use zones::ShownZones;

/// What the perception task is wired to.
pub struct Wiring {
    /// Scans, newest first.
    pub scan: Newest<Arc<RawScan>>,
    /// Where the robot is.
    pub odometry: Newest<Odometry>,
    /// Where others learn of each valid scan.
    pub scanned: watch::Sender<Option<Duration>>,
    /// What was commanded of the LiDAR.
    pub settings: watch::Receiver<Settings>,
    /// Which zones are occupied.
    pub report: watch::Receiver<Report>,
    /// Where the LiDAR stands on the robot.
    pub base_from_laser: Isometry2<f64>,
    /// The zones as they are shown.
    pub zones: ShownZones,
    /// Where pictures go on the graph,
    pub outputs: Arc<dyn Outputs>,
    /// and to operators.
    pub hub: Hub,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Clock,
}

/// Runs until the scans' source is gone; a return is a fault.
pub async fn run(mut perception: Perception, mut wiring: Wiring) {
    let mut paces = Paces::default();
    let mut seq = 0;
    let mut outlines = interval(OUTLINES);
    loop {
        tokio::select! {
            changed = wiring.scan.changed() => {
                if changed.is_err() {
                    return;
                }
                wiring.look(&mut perception, &mut paces, &mut seq);
            }
            _ = outlines.tick() => {
                if !wiring.outputs.is_watched(Told::Outline) {
                    outlines.reset_after(wiring.clock.until_next(LISTENERS));
                    continue;
                }
                outlines.reset();
                let zones = wiring.zones.now(&wiring.report.borrow().zones);
                let outcome = wiring.outputs.outline(zones);
                paces.complain(wiring.clock.now(), "the outlines", outcome);
            }
        }
    }
}

/// What does not happen with every scan.
#[derive(Default)]
struct Paces {
    pictures: Pace,
    complaints: Pace,
}

impl Paces {
    /// What is only shown may fail: the robot goes on.
    fn complain<E: std::fmt::Display>(
        &mut self,
        now: Duration,
        what: &str,
        outcome: Result<(), E>,
    ) {
        if let Err(error) = outcome
            && self.complaints.allows(now, COMPLAINTS)
        {
            tracing::warn!(%error, "{what}");
        }
    }
}

impl Wiring {
    fn look(&mut self, perception: &mut Perception, paces: &mut Paces, seq: &mut u64) {
        let Some(raw) = self.scan.borrow_and_update().clone() else {
            return;
        };
        let scan = match Scan::new(&raw.value) {
            Ok(scan) => scan,
            Err(error) => return paces.complain(self.clock.now(), "scan refused", Err(error)),
        };
        self.scanned.send_replace(Some(raw.at));
        self.metrics.scanned();
        let wanted = || Form::of_lidar().filter(|form| self.hub.subscribers(*form) > 0);
        if wanted().next().is_none() && !self.outputs.is_watched(Told::Picture) {
            return perception.rest();
        }
        let settings = *self.settings.borrow();
        perception.set_range(settings.range.unwrap_or(f64::INFINITY));
        let now = self.clock.now();
        let pose = self.odometry.borrow().as_ref().and_then(|it| pose(it, &scan, raw.at));
        let picture = perception.look(&scan, pose, raw.at, now);
        self.metrics.perceived(self.clock.now().saturating_sub(now));
        // Nothing is made while this is held: the Gate's owner would wait for it.
        let (docking, zones) = {
            let reported = &self.report.borrow().zones;
            (reported.set == FieldSet::Docking, self.zones.now(reported))
        };
        if wanted().next().is_some() && paces.pictures.allows(now, period(settings)) {
            *seq += 1;
            let shown = Shown::new(picture, zones, docking, *seq);
            let range = settings.range.unwrap_or(f64::INFINITY);
            let unix = self.clock.unix();
            for form in wanted() {
                let most = form.points.most();
                let frame = match form.encoding {
                    Encoding::Json => Frame::text(&shown.text(most, unix)),
                    Encoding::Binary => {
                        let at = self.base_from_laser;
                        Frame::binary(&shown.binary(&scan, range, most, at, unix))
                    }
                };
                self.hub.publish(form, frame.numbered(*seq));
                self.metrics.encoded(form.stream.as_str(), form.encoding.as_str());
            }
            if let Some(age) = age(&raw, self.clock.now()) {
                self.metrics.scan_to_clients(age);
            }
        }
        // Operators first: the middleware may take its time.
        paces.complain(now, "what the scan shows", self.outputs.show(picture, zones));
    }
}

/// How old a scan is, by the clock that stamped it; `None` where that clock is not known, or runs ahead.
fn age(scan: &Received<Arc<RawScan>>, now: Duration) -> Option<Duration> {
    let on_arrival = Duration::try_from_secs_f64(scan.value.ros_now - scan.value.stamp).ok()?;
    Some(on_arrival + now.saturating_sub(scan.at))
}

/// Time between pictures.
fn period(settings: Settings) -> Duration {
    let cap = settings.frequency.filter(|_| settings.capped).map(|hertz| hertz.recip());
    cap.map_or(PERIOD, |cap| PERIOD.max(Duration::try_from_secs_f64(cap).unwrap_or(PERIOD)))
}

/// Where the robot stood at the time of a scan that arrived at `at`; `None` by odometry of another time.
fn pose(odometry: &Received<Odometry>, scan: &Scan, at: Duration) -> Option<Isometry2<f64>> {
    let arrived = at.as_secs_f64() - odometry.at.as_secs_f64();
    let stamped = scan.stamp() - odometry.value.stamp;
    // Stamps of one clock tell better than arrivals.
    let dt = if stamped.abs() <= ODOMETRY_AGE { stamped } else { arrived };
    (arrived.abs() <= ODOMETRY_AGE).then(|| odometry.value.pose_after(dt))
}

/// Odometry that lies farther from a scan does not tell where the robot was, s.
const ODOMETRY_AGE: f64 = 0.5;

/// Outlines go out so often, whether scans come or not.
const OUTLINES: Duration = Duration::from_millis(200);

/// While nobody listens to them, how soon somebody is noticed.
const LISTENERS: Duration = Duration::from_secs(1);

/// At most 20 pictures a second.
const PERIOD: Duration = Duration::from_millis(50);

/// What goes wrong again and again is told this often.
const COMPLAINTS: Duration = Duration::from_secs(10);
