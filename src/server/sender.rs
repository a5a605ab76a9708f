//! The write side of a connection: what waits and how far it got, shared by the connection's task, which puts answers in,
//! and by the hub, which has the newest scan sent at once without waking that task.

use std::{
    future::poll_fn,
    hint::black_box,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::io::AsyncWrite;

use super::{outbox::Outbox, pipe::Pipe, register::Counts};
use crate::{clock::Clock, hub::Listener, telemetry::metrics::Metrics};

/// Sends what is in its [`Outbox`].
///
/// Whoever finds something to send writes it: nothing waits for a task to be scheduled. The lock is held for one
/// non-blocking write at most.
pub struct Sender<W> {
    state: Mutex<State<W>>,
    clock: Clock,
}

struct State<W> {
    pipe: Pipe<W>,
    outbox: Outbox,
    /// Of the connection's task, once it looks.
    waker: Option<Waker>,
    /// When that task will look again by itself.
    armed: Duration,
    failed: bool,
}

/// The peer can be sent nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl<W: AsyncWrite + Send + Unpin + 'static> Sender<W> {
    /// Over the write half of an upgraded stream.
    pub fn new(half: W, clock: Clock) -> Arc<Sender<W>> {
        let (pipe, outbox) = (Pipe::new(half), Outbox::default());
        let state = State { pipe, outbox, waker: None, armed: Duration::MAX, failed: false };
        Arc::new(Sender { state: Mutex::new(state), clock })
    }

    /// To be told of newer values.
    pub fn listener(self: &Arc<Self>) -> Weak<dyn Listener> {
        let listener: Weak<Self> = Arc::downgrade(self);
        listener
    }

    /// Changes what waits; [`Sender::broken`] sends it.
    pub fn outbox<R>(&self, change: impl FnOnce(&mut Outbox) -> R) -> R {
        let State { pipe, outbox, .. } = &mut *self.lock();
        // A value of a subscription that ends now must not come back to the one that begins.
        pipe.unload(outbox);
        change(outbox)
    }

    /// Counts a message of the client, where the rest of the connection is counted.
    pub fn received(&self, kind: &'static str) {
        self.lock().pipe.tally.received(kind);
    }

    /// Since when the peer has taken nothing, if something waits.
    pub fn waiting_since(&self) -> Option<Duration> {
        self.lock().pipe.waiting_since()
    }

    /// When the connection's task must look again: at `deadline`, or earlier for a stream that waits for its time. It is woken
    /// if that changes.
    pub fn arm(&self, deadline: Duration) -> Duration {
        let state = &mut *self.lock();
        state.armed = state.next_turn(self.clock.now()).min(deadline);
        state.armed
    }

    /// Sends what waits, for as long as it is polled. Returns [`Broken`] if it cannot, and nothing where the task must look at
    /// its deadlines again. Cancel safe.
    pub async fn broken(&self) -> Result<(), Broken> {
        poll_fn(|context| {
            let state = &mut *self.lock();
            if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                state.waker = Some(context.waker().clone());
            }
            let now = self.clock.now();
            state.send(now, context);
            match state {
                State { failed: true, .. } => Poll::Ready(Err(Broken)),
                _ if state.next_turn(now) < state.armed => Poll::Ready(Ok(())),
                _ => Poll::Pending,
            }
        })
        .await
    }

    /// Writes everything that waits.
    pub async fn finish(&self) -> io::Result<()> {
        poll_fn(|context| {
            let State { pipe, outbox, .. } = &mut *self.lock();
            // What is left is no stream's, so that no time matters.
            pipe.poll_send(outbox, Duration::ZERO, context)
        })
        .await
    }

    /// Tells the peer that nothing more will come.
    pub async fn shutdown(&self) -> io::Result<()> {
        poll_fn(|context| self.lock().pipe.poll_shutdown(context)).await
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: AsyncWrite + Send + Unpin + 'static> Listener for Sender<W> {
    fn newer(&self) {
        let state = &mut *self.lock();
        // A task that has not looked yet will find the value.
        let Some(waker) = state.waker.take() else { return };
        let now = self.clock.now();
        state.send(now, &mut Context::from_waker(&waker));
        if state.failed || state.next_turn(now) < state.armed {
            waker.wake_by_ref();
        }
        state.waker = Some(waker);
    }

    fn approach(&self) {
        if let Ok(state) = self.state.try_lock() {
            black_box(state.glance());
        }
    }
}

impl<W: AsyncWrite + Send + Unpin + 'static> Counts for Sender<W> {
    fn hand_over(&self, metrics: &Metrics) {
        let mut tally = {
            let State { pipe, outbox, .. } = &mut *self.lock();
            outbox.count_replaced(&mut pipe.tally);
            std::mem::take(&mut pipe.tally)
        };
        tally.hand_over(metrics);
    }
}

impl<W: AsyncWrite + Unpin> State<W> {
    /// A look at whatever sending looks at.
    fn glance(&self) -> impl Sized + use<W> {
        (self.armed, self.waker.is_some(), self.pipe.glance(), self.outbox.glance())
    }

    fn send(&mut self, now: Duration, context: &mut Context<'_>) {
        let sent = self.pipe.poll_send(&mut self.outbox, now, context);
        self.failed |= matches!(sent, Poll::Ready(Err(_)));
    }

    /// When something will have to happen though nobody says anything.
    fn next_turn(&self, now: Duration) -> Duration {
        let stalled = self.pipe.waiting_since().map(|since| since + STALL);
        let turns = self.outbox.due(now).into_iter().chain(stalled);
        turns.filter(|turn| *turn > now).min().unwrap_or(Duration::MAX)
    }
}

/// A peer that takes nothing for this long, while something waits, is closed. Who stops reading scans is gone within 10 s: at
/// first the buffers of both sides take some, and a good-bye may take 2 s.
pub const STALL: Duration = Duration::from_secs(7);
