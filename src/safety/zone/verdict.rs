//! What the zones say of a motion, and why.

use super::super::Velocity;

/// What the surroundings allow; the most restrictive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// Nothing: zero, now.
    Stop(Stop),
    /// The motion, at most this fast.
    Limit(Limit),
    /// The motion as asked; something is in this safe zone.
    Report(ZoneId),
    /// The motion as asked.
    Clear,
}

/// Why the robot must stand, from the most restrictive reason on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// No scan ever came.
    NoScan,
    /// The scans ceased: what the newest one shows is too long ago, however it is reckoned.
    ScanStale,
    /// The newest scan is of another LiDAR, or of one whose place is not known.
    WrongFrame,
    /// Its stamp is ahead of the clock, so its age is not known.
    StampFuture,
    /// What it shows was too long ago when it came.
    StampOld,
    /// Hardly a beam of it met anything: blind, or the wrong place for a LiDAR.
    FewHits,
    /// A part of it went dark from one scan to the next.
    Blackout,
    /// It is the same as the ones before, to the last bit.
    Frozen,
    /// Something is in this critical zone, or too near for the actual speed.
    Zone(ZoneId),
    /// The motion leads to where the LiDAR does not see.
    NotCovered,
    /// The actual speed is not known.
    NoOdometry,
}

/// A motion that must not be faster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Highest speed, m/s, without sign.
    pub linear: f64,
    /// Highest turn rate, rad/s, without sign.
    pub angular: f64,
    /// What limits most.
    pub cause: Cause,
}

/// What limits a motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// It leaves this critical zone, slowly.
    Escape(ZoneId),
    /// Faster, the robot would not stand before what is ahead.
    StopDistance,
    /// Faster, it would not stand within what this LiDAR can recognise.
    Sight,
    /// Something is in this warning zone.
    Warning(ZoneId),
}

/// Place of a zone in [`ZoneConfig::zones`](super::ZoneConfig::zones).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub usize);

impl Limit {
    /// As much of a velocity as this allows; both components shrink alike, so that a curve stays the same curve.
    pub fn of(&self, velocity: Velocity) -> Velocity {
        let share =
            |most: f64, value: f64| if value.abs() > most { most / value.abs() } else { 1.0 };
        let share = share(self.linear, velocity.linear).min(share(self.angular, velocity.angular));
        Velocity { linear: velocity.linear * share, angular: velocity.angular * share }
    }
}

impl Cause {
    /// The name on the wire and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Escape(_) => "zone_escape",
            Cause::StopDistance => "stop_distance",
            Cause::Sight => "sight",
            Cause::Warning(_) => "zone_warning",
        }
    }

    /// The zone behind it.
    pub fn zone(self) -> Option<ZoneId> {
        match self {
            Cause::Escape(zone) | Cause::Warning(zone) => Some(zone),
            Cause::StopDistance | Cause::Sight => None,
        }
    }
}

impl Stop {
    /// For people.
    pub fn in_words(self) -> &'static str {
        match self {
            Stop::NoScan | Stop::ScanStale => "No fresh LiDAR scan",
            Stop::WrongFrame => "The LiDAR scans have another frame_id than laser_frame",
            Stop::StampFuture => "The LiDAR scans are stamped ahead of the clock",
            Stop::StampOld => "The LiDAR scans are stamped too long ago",
            Stop::FewHits => "The LiDAR sees hardly anything",
            Stop::Blackout => "A part of the LiDAR's view went dark",
            Stop::Frozen => "The LiDAR sends the same scan again and again",
            Stop::Zone(_) => "Something is too near",
            Stop::NotCovered => "The LiDAR does not see where that leads",
            Stop::NoOdometry => "No fresh odometry",
        }
    }

    /// The zone behind it.
    pub fn zone(self) -> Option<ZoneId> {
        match self {
            Stop::Zone(zone) => Some(zone),
            _ => None,
        }
    }

    /// The name on the wire and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Stop::NoScan => "no_scan",
            Stop::ScanStale => "scan_stale",
            Stop::WrongFrame => "wrong_frame",
            Stop::StampFuture => "stamp_future",
            Stop::StampOld => "stamp_old",
            Stop::FewHits => "few_hits",
            Stop::Blackout => "blackout",
            Stop::Frozen => "frozen",
            Stop::Zone(_) => "zone_blocked",
            Stop::NotCovered => "not_covered",
            Stop::NoOdometry => "no_odometry",
        }
    }
}
