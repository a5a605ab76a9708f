//! One stream on its way to one connection: the newest value, as often as was asked for, and no more of them under way than
//! the client has acknowledged.

use std::{collections::VecDeque, time::Duration};

use crate::{
    hub::{Frame, Pace, Subscription},
    protocol::Options,
};

/// Where a stream stands.
pub struct Flow {
    values: Subscription,
    options: Options,
    period: Duration,
    pace: Pace,
    /// Numbers of values that were sent and not acknowledged, oldest first; empty where that is not asked for.
    under_way: VecDeque<u64>,
    /// The pace before the newest value was taken, in case it comes back.
    before: Pace,
    /// Number of the newest value that was taken, and of the one before it; 0: none was.
    taken: [u64; 2],
    /// Below zero: values that came back had been told already.
    replaced: i64,
}

impl Flow {
    /// Nothing was sent yet.
    pub fn new(values: Subscription, options: Options) -> Flow {
        let period = options.rate.and_then(|rate| Duration::try_from_secs_f64(rate.recip()).ok());
        let (pace, before) = (Pace::default(), Pace::default());
        let period = period.unwrap_or_default();
        Flow {
            values,
            options,
            period,
            pace,
            under_way: VecDeque::new(),
            before,
            taken: [0; 2],
            replaced: 0,
        }
    }

    /// A look at whatever taking looks at.
    pub fn glance(&self) -> impl Sized + use<> {
        let Flow { options, pace, taken, .. } = self;
        (options.in_flight, *pace, *taken, self.under_way.len(), self.values.is_newer())
    }

    /// As they were asked for.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// From when on the next value may go, by its rate.
    pub fn opens(&self) -> Duration {
        self.pace.opens(self.period)
    }

    /// The newest value, if it was not sent and may go now.
    pub fn take(&mut self, now: Duration) -> Option<Frame> {
        if !self.is_open(now) {
            return None;
        }
        let frame = self.values.take()?;
        self.replaced += skipped(self.taken[0], frame.seq());
        self.taken = [frame.seq(), self.taken[0]];
        self.before = self.pace;
        self.pace.allows(now, self.period);
        if self.options.in_flight.is_some() {
            self.under_way.push_back(frame.seq());
        }
        Some(frame)
    }

    /// Takes back the value that was taken last: nothing of it was sent.
    pub fn put_back(&mut self) {
        self.values.put_back();
        self.pace = self.before;
        self.replaced -= skipped(self.taken[1], self.taken[0]);
        self.taken[0] = self.taken[1];
        self.under_way.pop_back();
    }

    /// How many values gave way to newer ones since the last call.
    pub fn take_replaced(&mut self) -> u64 {
        let told = self.replaced.max(0);
        self.replaced -= told;
        told.unsigned_abs()
    }

    /// The client has dealt with the values up to this one.
    pub fn acknowledge(&mut self, seq: u64) {
        while self.under_way.front().is_some_and(|sent| *sent <= seq) {
            self.under_way.pop_front();
        }
    }

    fn is_open(&self, now: Duration) -> bool {
        let room = self.options.in_flight.is_none_or(|most| self.under_way.len() < most);
        room && now >= self.opens()
    }
}

/// Values between two that were taken; a stream's numbers have no gaps.
fn skipped(before: u64, taken: u64) -> i64 {
    let between = if before == 0 { 0 } else { taken.saturating_sub(before).saturating_sub(1) };
    i64::try_from(between).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hub::Hub, protocol::Stream, server::tests::deaf};

    fn flow(options: Options) -> (Flow, impl FnMut(u64)) {
        let hub = Hub::new();
        let flow = Flow::new(hub.subscribe(Stream::Lidar.into(), deaf()), options);
        let publish =
            move |seq: u64| hub.publish(Stream::Lidar, Frame::text("value").numbered(seq));
        (flow, publish)
    }

    fn taken(flow: &mut Flow, milliseconds: u64) -> Option<u64> {
        flow.take(Duration::from_millis(milliseconds)).map(|frame| frame.seq())
    }

    #[test]
    fn no_more_are_under_way_than_were_asked_for_and_then_the_newest_goes() {
        let (mut flow, mut publish) = flow(Options { in_flight: Some(2), ..Options::default() });
        let mut sent = Vec::new();
        for seq in 1..=5 {
            publish(seq);
            sent.extend(taken(&mut flow, 50 * seq));
        }
        assert_eq!(sent, [1, 2]);
        flow.acknowledge(1);
        assert_eq!(taken(&mut flow, 300), Some(5));
        publish(6);
        assert_eq!(taken(&mut flow, 350), None);
        // One acknowledgement stands for all before it; one of nothing that was sent, for none.
        flow.acknowledge(4);
        assert_eq!(taken(&mut flow, 400), Some(6));
        publish(7);
        flow.acknowledge(4);
        assert_eq!(taken(&mut flow, 450), None);
        flow.acknowledge(u64::MAX);
        assert_eq!(taken(&mut flow, 450), Some(7));
    }

    #[test]
    fn a_value_that_comes_back_is_neither_under_way_nor_counted() {
        let options = Options { in_flight: Some(1), rate: Some(1.0), ..Options::default() };
        let (mut flow, mut publish) = flow(options);
        publish(1);
        assert_eq!(taken(&mut flow, 10_000), Some(1));
        flow.put_back();
        publish(2);
        assert_eq!(taken(&mut flow, 10_001), Some(2));
        flow.acknowledge(2);
        assert_eq!(taken(&mut flow, 10_002), None, "nothing new");
    }

    #[test]
    fn each_value_that_gave_way_is_counted_once() {
        let (mut flow, mut publish) = flow(Options::default());
        let mut counted = Vec::new();
        for (seq, comes_back) in
            [(3, false), (4, false), (7, false), (9, true), (10, true), (12, false)]
        {
            publish(seq);
            assert_eq!(taken(&mut flow, 50 * seq), Some(seq));
            counted.push(flow.take_replaced());
            if comes_back {
                flow.put_back();
            }
        }
        // Of 3, 4, 7 and 12 that left: 5, 6; 8, 9, 10, 11.
        assert_eq!(counted, [0, 0, 2, 1, 1, 2]);
    }

    #[test]
    fn the_rate_is_kept_on_average() {
        let (mut flow, mut publish) = flow(Options { rate: Some(4.0), ..Options::default() });
        let mut sent = 0;
        for scan in 0..200 {
            publish(scan);
            sent += u64::from(taken(&mut flow, 10_000 + 50 * scan).is_some());
        }
        assert!((40..=41).contains(&sent), "{sent} in 10 s");
        assert!(flow.opens() > Duration::from_millis(19_950));
        let (mut all, mut publish) = self::flow(Options { rate: Some(50.0), ..Options::default() });
        for scan in 0..200 {
            publish(scan);
            assert!(taken(&mut all, 10_000 + 50 * scan).is_some());
        }
    }
}
