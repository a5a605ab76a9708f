use futures::FutureExt;

use super::*;

fn caller(connection: u64) -> Caller {
    Caller { connection: ConnectionId(connection), user_id: 1, username: "lan".into() }
}

fn connections(callers: &[Caller]) -> Vec<u64> {
    callers.iter().map(|caller| caller.connection.0).collect()
}

fn is_waiting(latch: &StopLatch) -> bool {
    latch.wait().now_or_never().is_some()
}

#[test]
fn every_stop_has_its_number_and_wakes_the_owner_as_a_loss_does() {
    let latch = StopLatch::default();
    let link = latch.link(ConnectionId(4));
    type Stop<'a> = &'a dyn Fn() -> u64;
    let stops: [Stop; 3] =
        [&|| latch.emergency_stop(caller(1)), &|| latch.emergency_stop_by_service(), &|| {
            latch.stop(caller(2), true)
        }];
    for (stop, number) in stops.iter().zip(1..) {
        assert!(!is_waiting(&latch));
        assert_eq!(stop(), number);
        assert!(is_waiting(&latch));
        assert_eq!(latch.sequence(), number);
    }
    type Loss<'a> = &'a dyn Fn();
    let losses: [Loss; 2] = [&|| link.silent(), &|| link.lose(LinkLoss::Closed)];
    for loss in losses {
        loss();
        assert!(is_waiting(&latch));
        assert_eq!(latch.sequence(), 3, "no stop: it voids nothing");
    }
    let waiting = latch.take();
    assert_eq!(connections(&waiting.emergency_stops), [1]);
    assert!(waiting.called);
    assert_eq!(connections(&waiting.stops), [2]);
    let lost = [(ConnectionId(4), LinkLoss::Silent), (ConnectionId(4), LinkLoss::Closed)];
    assert_eq!(waiting.lost, lost);
    assert_eq!(waiting.sequence, 3);
}

#[test]
fn what_was_taken_is_gone_but_the_numbers_go_on() {
    let latch = StopLatch::default();
    latch.emergency_stop(caller(1));
    latch.emergency_stop_by_service();
    latch.take();
    let waiting = latch.take();
    assert!(waiting.emergency_stops.is_empty() && !waiting.called);
    assert_eq!(waiting.sequence, 2);
    assert_eq!(latch.mark(), 3);
    assert_eq!(latch.stop(caller(1), true), 4);
}

#[test]
fn a_flood_of_one_connection_is_one_entry() {
    let latch = StopLatch::default();
    let link = latch.link(ConnectionId(1));
    for _ in 0..1000 {
        latch.stop(caller(1), true);
        latch.emergency_stop(caller(1));
        link.silent();
    }
    latch.stop(caller(2), true);
    latch.emergency_stop(caller(2));
    let waiting = latch.take();
    assert_eq!(connections(&waiting.stops), [1, 2]);
    assert_eq!(connections(&waiting.emergency_stops), [1, 2]);
    assert_eq!(waiting.lost.len(), 1);
}

#[test]
fn served_tells_for_which_stop_zero_was_published() {
    let latch = StopLatch::default();
    let served = latch.served();
    assert_eq!(*served.borrow(), 0);
    latch.serve(latch.stop(caller(1), true));
    assert_eq!(*served.borrow(), 1);
}

#[test]
fn a_link_is_lost_once_however_it_ends_and_its_commands_with_it() {
    let latch = StopLatch::default();
    let link = latch.link(ConnectionId(1));
    let alive = link.alive();
    link.silent();
    assert!(alive.get(), "its connection may still be there");
    link.lose(LinkLoss::Left);
    assert!(!alive.get());
    link.lose(LinkLoss::TokenExpired);
    drop(link);
    let lost = [(ConnectionId(1), LinkLoss::Silent), (ConnectionId(1), LinkLoss::Left)];
    assert_eq!(latch.take().lost, lost);

    let dropped = latch.link(ConnectionId(2)).alive();
    assert!(!dropped.get());
    assert_eq!(latch.take().lost, [(ConnectionId(2), LinkLoss::Closed)]);
}

#[test]
fn a_link_knows_when_its_client_spoke_last() {
    let link = StopLatch::default().link(ConnectionId(1));
    let alive = link.alive();
    assert_eq!(alive.heard(), Duration::ZERO);
    link.hear(Duration::from_millis(1500));
    assert_eq!(alive.heard(), Duration::from_millis(1500));
}

#[test]
fn a_panic_of_whoever_held_the_lock_does_not_take_the_stop_away() {
    let latch = StopLatch::default();
    let panicking = std::panic::AssertUnwindSafe(|| latch.put(|_| panic!("on purpose")));
    assert!(std::panic::catch_unwind(panicking).is_err());
    assert_eq!(latch.stop(caller(1), true), 1);
    assert_eq!(connections(&latch.take().stops), [1]);
}
