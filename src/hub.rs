//! From the robot to the connections: streams where the newest value wins, and deliveries that are never dropped.
//!
//! A stream's value is framed once and the same bytes go to every subscriber. A delivery (an answer, an event, a
//! request to close) goes into the connection's own bounded queue; a connection that cannot take one is closed.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use crate::{
    auth::Role,
    protocol::{Answer, CloseReason, Form, Stream},
    safety::ConnectionId,
};

mod fanout;
mod frame;
mod mailbox;
mod pace;

pub use fanout::Listener;
use fanout::Listeners;
pub use frame::Frame;
pub use mailbox::{Mailbox, Overflow};
pub use pace::Pace;

/// What a connection is handed apart from its streams.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// An event, ready for the socket.
    Event(Frame),
    /// The answer to one of its commands.
    Answer(Answer),
    /// It drives from now on, or does not any more.
    Control(bool),
    /// It must close.
    Close(CloseReason),
}

/// Who gets an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Audience {
    /// Every connection.
    All,
    /// The connections of one user.
    User(u64),
    /// The connections of one group: a role's name, or `default`.
    Group(String),
    /// The connections subscribed to a stream.
    Subscribers(Stream),
    /// One connection.
    Connection(ConnectionId),
}

/// A connection as the hub knows it.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its number.
    pub connection: ConnectionId,
    /// Its user.
    pub user_id: u64,
    /// Its role, which is also a group.
    pub role: Role,
}

/// The switchboard; cheap to clone.
#[derive(Clone, Default)]
pub struct Hub(Arc<Shared>);

struct Shared {
    forms: [StreamState; Form::COUNT],
    members: Mutex<HashMap<ConnectionId, Entry>>,
    arrived: Notify,
}

impl Default for Shared {
    fn default() -> Shared {
        let forms = std::array::from_fn(|_| StreamState::default());
        Shared { forms, members: Mutex::default(), arrived: Notify::new() }
    }
}

#[derive(Default)]
struct StreamState {
    newest: watch::Sender<Option<Frame>>,
    wanted: Notify,
    listeners: Listeners,
}

struct Entry {
    member: Member,
    mailbox: Arc<Mailbox>,
    subscriptions: HashSet<Stream>,
}

/// One form of a stream, as one connection gets it; ending it is dropping it.
pub struct Subscription {
    hub: Hub,
    form: Form,
    newest: watch::Receiver<Option<Frame>>,
    listener: Weak<dyn Listener>,
}

/// A connection's end of the hub; leaving is dropping it.
pub struct Seat {
    hub: Hub,
    connection: ConnectionId,
    /// Answers, events and requests to close.
    pub mailbox: Arc<Mailbox>,
}

impl Hub {
    /// A hub with nobody in it.
    pub fn new() -> Hub {
        Hub::default()
    }

    /// Makes `frame` the newest value of a stream's form; what was not sent of the one before is replaced.
    pub fn publish(&self, form: impl Into<Form>, frame: Frame) {
        let state = self.state(form.into());
        state.newest.send_replace(Some(frame));
        state.listeners.publish();
    }

    /// Tells listeners of newer values, each form on a task of its own; returns only if one of them panicked.
    pub async fn fan_out(self) {
        let mut tasks = JoinSet::new();
        for form in Form::all() {
            let hub = self.clone();
            tasks.spawn(async move { hub.state(form).listeners.serve().await });
        }
        tasks.join_next().await;
    }

    /// Starts a stream; the first value is the next that is published, and `listener` is told of it.
    pub fn subscribe(&self, form: Form, listener: Weak<dyn Listener>) -> Subscription {
        let state = self.state(form);
        let mut newest = state.newest.subscribe();
        newest.mark_unchanged();
        state.listeners.add(listener.clone());
        state.wanted.notify_one();
        Subscription { hub: self.clone(), form, newest, listener }
    }

    /// How many connections get this form; 0 means that encoding it would be waste.
    pub fn subscribers(&self, form: impl Into<Form>) -> usize {
        self.state(form.into()).newest.receiver_count()
    }

    /// Waits until a connection subscribes to the form.
    pub async fn wanted(&self, form: impl Into<Form>) {
        self.state(form.into()).wanted.notified().await;
    }

    /// Takes a connection in.
    pub fn join(&self, member: Member) -> Seat {
        let mailbox = Arc::<Mailbox>::default();
        let entry = Entry { member, mailbox: mailbox.clone(), subscriptions: HashSet::new() };
        self.members().insert(member.connection, entry);
        self.0.arrived.notify_one();
        Seat { hub: self.clone(), connection: member.connection, mailbox }
    }

    /// Waits until somebody has come since the last call. For one task.
    pub async fn arrival(&self) {
        self.0.arrived.notified().await;
    }

    /// Hands an event to everyone it concerns.
    pub fn notify(&self, audience: &Audience, event: &Frame) {
        for entry in self.members().values() {
            if entry.concerned(audience) {
                entry.mailbox.put(Delivery::Event(event.clone()));
            }
        }
    }

    /// Hands an answer to the connection that asked; it may be gone.
    pub fn answer(&self, connection: ConnectionId, answer: Answer) {
        if let Some(entry) = self.members().get(&connection) {
            entry.mailbox.put(Delivery::Answer(answer));
        }
    }

    /// Tells one connection whether it drives; it may be gone.
    pub fn control(&self, connection: ConnectionId, drives: bool) {
        if let Some(entry) = self.members().get(&connection) {
            entry.mailbox.put(Delivery::Control(drives));
        }
    }

    /// Asks one connection to close.
    pub fn close(&self, connection: ConnectionId, reason: CloseReason) {
        if let Some(entry) = self.members().get(&connection) {
            entry.mailbox.put(Delivery::Close(reason));
        }
    }

    /// Asks every connection to close.
    pub fn close_all(&self, reason: CloseReason) {
        for entry in self.members().values() {
            entry.mailbox.put(Delivery::Close(reason));
        }
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.members().len()
    }

    /// How many connections there are of each role, in the order of [`Role::ALL`].
    pub fn roles(&self) -> [usize; Role::ALL.len()] {
        let mut counts = [0; Role::ALL.len()];
        self.members().values().for_each(|entry| counts[entry.member.role as usize] += 1);
        counts
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members().is_empty()
    }

    fn state(&self, form: Form) -> &StreamState {
        &self.0.forms[form.index()]
    }

    fn members(&self) -> MutexGuard<'_, HashMap<ConnectionId, Entry>> {
        self.0.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Starts a stream, as [`Hub::subscribe`] does, and the events that go with it.
    pub fn subscribe(&self, form: Form, listener: Weak<dyn Listener>) -> Subscription {
        if let Some(entry) = self.hub.members().get_mut(&self.connection) {
            entry.subscriptions.insert(form.stream);
        }
        self.hub.subscribe(form, listener)
    }

    /// Ends the events of a stream; the subscription is the caller's to drop.
    pub fn unsubscribe(&self, stream: Stream) {
        if let Some(entry) = self.hub.members().get_mut(&self.connection) {
            entry.subscriptions.remove(&stream);
        }
    }

    /// Changes the role after a newer token.
    pub fn set_role(&self, role: Role) {
        if let Some(entry) = self.hub.members().get_mut(&self.connection) {
            entry.member.role = role;
        }
    }
}

impl Subscription {
    /// The newest value, unless it was taken before.
    pub fn take(&mut self) -> Option<Frame> {
        if self.is_newer() { self.newest.borrow_and_update().clone() } else { None }
    }

    /// Whether the newest value was not taken before.
    pub fn is_newer(&self) -> bool {
        // The hub lives as long as this does, so there is always a sender.
        self.newest.has_changed().is_ok_and(|changed| changed)
    }

    /// As if what was taken last had not been.
    pub fn put_back(&mut self) {
        self.newest.mark_changed();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.state(self.form).listeners.remove(&self.listener);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.members().remove(&self.connection);
    }
}

impl Entry {
    fn concerned(&self, audience: &Audience) -> bool {
        match audience {
            Audience::All => true,
            Audience::User(user_id) => self.member.user_id == *user_id,
            Audience::Group(name) => name == EVERYONE || name == self.member.role.as_str(),
            Audience::Subscribers(stream) => self.subscriptions.contains(stream),
            Audience::Connection(connection) => self.member.connection == *connection,
        }
    }
}

/// The group that every connection is in.
const EVERYONE: &str = "default";
