//! What a conversation leaves in the audit log: an entry with each answer, and for a stop when it is latched.

use std::time::Duration;

use super::{Asked, Output, Session, Time};
use crate::protocol::{
    Failure,
    audit::{Deed, Ending, Entry},
    client::RobotCommand,
};

impl Session {
    /// Answers a command, and keeps that it was answered.
    pub(super) fn answer(
        &self,
        asked: &Asked,
        outcome: Result<String, Failure>,
        time: Time,
        out: &mut Vec<Output>,
    ) {
        out.push(Output::Send(asked.response(&outcome, time.unix)));
        self.record(asked.deed(), Ending::Answered(outcome), time, out);
    }

    /// Keeps what somebody asked for and what came of it.
    pub(super) fn record(&self, deed: Deed, ending: Ending, time: Time, out: &mut Vec<Output>) {
        out.push(Output::Audit(self.entry(deed, ending, time.unix)));
    }

    /// Keeps a stop that was latched. Of a flood there is one entry at once, and then one a second.
    pub(super) fn record_stop(&mut self, command: RobotCommand, time: Time, out: &mut Vec<Output>) {
        self.stops.of(command).untold += 1;
        self.record_due_stops(time, out);
    }

    /// Keeps the repetitions whose time has come.
    pub(super) fn record_due_stops(&mut self, time: Time, out: &mut Vec<Output>) {
        for command in Stops::COMMANDS {
            if let Some(count) = self.stops.of(command).take_due(time.now) {
                self.record(Deed::Robot(command), Ending::Latched(count), time, out);
            }
        }
    }

    /// What is still to be kept when the conversation is over: repeated stops, and commands without an answer.
    pub fn last_entries(&mut self, unix: Duration) -> Vec<Entry> {
        let mut entries = Vec::new();
        for command in Stops::COMMANDS {
            let count = std::mem::take(&mut self.stops.of(command).untold);
            if count > 0 {
                entries.push(self.entry(Deed::Robot(command), Ending::Latched(count), unix));
            }
        }
        for asked in self.pending.take_all() {
            entries.push(self.entry(asked.deed(), Ending::Unanswered, unix));
        }
        entries
    }

    fn entry(&self, deed: Deed, ending: Ending, unix: Duration) -> Entry {
        Entry { unix, caller: self.caller.clone(), role: self.principal.role, deed, ending }
    }
}

/// The stops of a connection, as far as they were not kept yet.
#[derive(Default)]
pub struct Stops {
    stop: Repeated,
    emergency_stop: Repeated,
}

#[derive(Default)]
struct Repeated {
    untold: u64,
    told: Option<Duration>,
}

impl Stops {
    const COMMANDS: [RobotCommand; 2] = [RobotCommand::Stop, RobotCommand::EmergencyStop];

    /// When there is something to be kept, monotonic.
    pub fn deadline(&self) -> Option<Duration> {
        [&self.stop, &self.emergency_stop].into_iter().filter_map(Repeated::due).min()
    }

    fn of(&mut self, command: RobotCommand) -> &mut Repeated {
        match command {
            RobotCommand::EmergencyStop => &mut self.emergency_stop,
            _ => &mut self.stop,
        }
    }
}

impl Repeated {
    fn due(&self) -> Option<Duration> {
        (self.untold > 0).then(|| self.told.map_or(Duration::ZERO, |told| told + AGAIN))
    }

    fn take_due(&mut self, now: Duration) -> Option<u64> {
        let due = self.due().is_some_and(|due| now >= due);
        due.then(|| {
            self.told = Some(now);
            std::mem::take(&mut self.untold)
        })
    }
}

/// Between two entries of the same stop by the same connection.
const AGAIN: Duration = Duration::from_secs(1);
