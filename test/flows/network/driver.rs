//! Who drives: one connection at a time, and by the rules.

use std::time::Duration;

use super::{
    record::{Role, Said},
    rules::{AT_ONCE, FRESH, Judge, LINK_TIMEOUT},
};

impl Judge<'_> {
    /// Control changes hands when somebody asks for it who may have it.
    pub fn control_changes_hands_by_the_rules(&mut self) {
        let mut holder: Option<usize> = None;
        let mut lost: Option<Duration> = None;
        let mut violations = Vec::new();
        for event in &self.control {
            if let Some(taker) = event.holder
                && let Err(why) = self.may_take(taker, holder, lost, event.at)
            {
                violations.push(format!("{event:?} after {holder:?}: {why}"));
            }
            let left = |holder: usize| {
                let connection = &self.run.connections[holder];
                connection.closed && connection.gone.is_some_and(|at| at <= event.at)
            };
            match event.holder {
                None if event.cause == "link_lost" && !holder.is_some_and(left) => {
                    lost = Some(event.at);
                }
                // Whoever drives now asked for it, or nobody was lost.
                Some(_) => lost = None,
                None => {}
            }
            holder = event.holder;
        }
        self.violations.append(&mut violations);
    }

    /// Whether this connection may begin to drive at `at`; `lost`: when the driver before it was.
    fn may_take(
        &self,
        taker: usize,
        holder: Option<usize>,
        lost: Option<Duration>,
        at: Duration,
    ) -> Result<(), String> {
        let asked = |wanted: fn(&Said) -> bool| {
            self.run.messages.iter().any(|message| {
                message.connection == taker
                    && wanted(&message.said)
                    && message.arrived.is_some_and(|arrived| {
                        arrived <= at && at <= arrived + AT_ONCE && arrived <= message.sent + FRESH
                    })
            })
        };
        let role = self.run.connections[taker].role;
        let takes_over = asked(|said| *said == Said::TakeOver) && role == Role::Administrator;
        let acquires = asked(|said| *said == Said::Acquire);
        let moves = asked(|said| matches!(said, Said::Motion(_)));
        if role < Role::Operator || !(takes_over || acquires || moves) {
            return Err("it did not ask, or may not".to_owned());
        }
        if holder.is_some_and(|holder| holder != taker) && !takes_over {
            return Err("somebody else was in control".to_owned());
        }
        let said_so = |lost: Duration| {
            self.stops.iter().filter(|stop| stop.said == Said::Stop).any(|stop| {
                // How old a viewer's word is, nobody knows: viewers are pinged too seldom.
                let viewer = self.run.connections[stop.connection].role < Role::Operator;
                let fresh = |stopped| viewer || stopped <= stop.sent + FRESH;
                let now = |stopped| lost <= stopped && stopped <= at && fresh(stopped);
                stop.arrived.is_some_and(now)
            })
        };
        if lost.is_some_and(|lost| !said_so(lost)) && !takes_over && !acquires {
            return Err(format!(
                "the driver was lost at {lost:?}, and nobody has said a word since"
            ));
        }
        let barred = self.stops.iter().find(|stop| {
            stop.said == Said::Stop
                && stop.connection != taker
                && stop.arrived.is_some_and(|stopped| {
                    stopped < at && at < stopped + BARRED && self.drives_before(taker, stopped)
                })
        });
        barred.map_or(Ok(()), |stop| Err(format!("barred by {stop:?}")))
    }

    /// How old a motion of this connection may be when it comes.
    pub fn oldest(&self, connection: usize, at: Duration) -> Duration {
        // The instant at which somebody begins to drive belongs to both bounds.
        let settled = self.drives(connection, at).is_some_and(|since| at > since + FRESH);
        if settled && self.drives_before(connection, at) { LINK_TIMEOUT } else { FRESH }
    }

    /// Since when this connection drives, if it does at `at` or did until then.
    pub fn drives(&self, connection: usize, at: Duration) -> Option<Duration> {
        let until = self.control.partition_point(|event| event.at <= at);
        let since = self.control[..until].partition_point(|event| event.at < at);
        let relevant = &self.control[since.saturating_sub(1)..until];
        relevant.iter().find(|event| event.holder == Some(connection)).map(|event| event.at)
    }

    fn drives_before(&self, connection: usize, at: Duration) -> bool {
        let before = self.control.partition_point(|event| event.at < at);
        before > 0 && self.control[before - 1].holder == Some(connection)
    }
}

/// Somebody else's stop takes control away for this long.
const BARRED: Duration = Duration::from_secs(2);
