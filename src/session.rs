//! One conversation with a client as a state machine: what came in and the time in, what goes out out.
//!
//! It knows neither sockets nor clocks. `server/connection.rs` feeds it and carries out its [`Output`]s in order.
//! A stop goes to the [`StopLatch`] right here, before anything else is asked: not whether the client is within
//! its rate, nor who drives.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    auth::{Principal, Verifier},
    protocol::{
        CloseReason, ErrorCode, Failure,
        audit::{Deed, Ending},
        client::{self, ClientMessage, Request, RobotCommand},
        server::{self, Event, EventName, Severity},
    },
    safety::{
        Caller, ConnectionId, LinkLoss,
        latch::{Link, StopLatch},
    },
};

mod authenticate;
mod budget;
mod exchange;
mod expiry;
mod liveness;
mod pending;
mod record;
#[cfg(test)]
mod tests;

use budget::{Bucket, Window};
pub use exchange::{Action, Command, Input, Output};
use expiry::Expiry;
pub use liveness::Payload;
use liveness::{FRESH, Liveness};
use pending::{Asked, Pending};
use record::Stops;

/// The two times a conversation needs.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// Monotonic, for every deadline.
    pub now: Duration,
    /// Since the Unix epoch, for time stamps and token expiry.
    pub unix: Duration,
}

/// What is the same for every conversation.
#[derive(Clone)]
pub struct Terms {
    /// Checks newer tokens, and whether the one that was shown still counts; replaced as a whole.
    pub verifier: watch::Receiver<Arc<Verifier>>,
    /// The stops' own lane.
    pub latch: StopLatch,
    /// Told to the client so that it configures itself.
    pub robot_id: u64,
    /// Highest speed, m/s.
    pub max_linear_speed: f64,
    /// Highest turn rate, rad/s.
    pub max_angular_speed: f64,
    /// Time between pings.
    pub heartbeat_interval: Duration,
    /// Silence that ends the conversation.
    pub heartbeat_timeout: Duration,
    /// Silence that ends control.
    pub link_timeout: Duration,
    /// The robot from above.
    pub plan: Arc<server::Plan>,
}

/// One conversation.
pub struct Session {
    terms: Terms,
    principal: Principal,
    caller: Caller,
    expiry: Expiry,
    heard: Duration,
    liveness: Liveness,
    /// Since when this connection drives, while it does.
    driving: Option<Duration>,
    errors: Window,
    refusals: Window,
    rate: Bucket,
    pending: Pending,
    /// What the client said last, for those who count.
    heard_last: &'static str,
    /// For the audit log.
    stops: Stops,
    /// However the connection ends, by a panic too, its motion ends with this.
    link: Link,
    closing: bool,
}

impl Session {
    /// Starts a conversation with a client whose token was accepted.
    ///
    /// `connection_id` is what the client is told: unguessable, unlike `connection`.
    pub fn open(
        terms: Terms,
        principal: Principal,
        connection: ConnectionId,
        connection_id: &str,
        time: Time,
        out: &mut Vec<Output>,
    ) -> Session {
        let caller =
            Caller { connection, user_id: principal.user_id, username: principal.username.clone() };
        // Before the welcome: a client that has read it has answered this.
        let mut liveness = Liveness::new(time.now);
        let interval = liveness::interval(terms.heartbeat_interval, principal.role, false);
        out.push(Output::Ping(liveness.ping(interval, time.now)));
        out.push(Output::Send(server::connection_established(
            &server::Welcome {
                user_id: principal.user_id,
                username: &principal.username,
                connection_id,
                connection: connection.0,
                role: principal.role,
                robot_id: terms.robot_id,
                token_expires_at: principal.expires_at,
                max_linear_speed: terms.max_linear_speed,
                max_angular_speed: terms.max_angular_speed,
                heartbeat_interval: terms.heartbeat_interval,
                plan: &terms.plan,
            },
            time.unix,
        )));
        Session {
            expiry: Expiry::of(&principal, time),
            heard: time.now,
            liveness,
            driving: None,
            errors: Window::new(ERRORS, ERROR_WINDOW),
            refusals: Window::new(REFUSALS, REFUSAL_WINDOW),
            rate: Bucket::new(COMMANDS_PER_SECOND, COMMAND_BURST, time.now),
            pending: Pending::default(),
            heard_last: client::NOT_UNDERSTOOD,
            stops: Stops::default(),
            link: terms.latch.link(connection),
            closing: false,
            terms,
            principal,
            caller,
        }
    }

    /// Takes one input; what has to be done is appended to `out`.
    pub fn handle(&mut self, input: Input<'_>, time: Time, out: &mut Vec<Output>) {
        if matches!(input, Input::Text(_) | Input::Binary | Input::Ping | Input::Pong(_)) {
            self.heard = time.now;
        }
        if !self.closing && self.expiry.passed(time) {
            self.close(CloseReason::TokenExpired, out);
        }
        match input {
            Input::Text(text) => self.text(text, time, out),
            Input::Binary => self.close(CloseReason::BinaryRefused, out),
            Input::Ping => {}
            Input::Pong(payload) => self.liveness.pong(payload, time.now),
            Input::Control(driving) => self.control(driving, time),
            Input::Answer(answer) => {
                if let Some(asked) = self.pending.take(answer.ticket) {
                    self.answer(&asked, answer.outcome, time, out);
                }
            }
            Input::StopsServed(sequence) => {
                for (asked, at) in self.pending.take_served(sequence) {
                    out.push(Output::Stopped(time.now.saturating_sub(at)));
                    let done = Ok(asked.done_text().to_owned());
                    out.push(Output::Send(asked.response(&done, time.unix)));
                }
            }
            Input::AccessChanged => self.check_access(out),
            Input::Tick => self.tick(time, out),
            Input::Close(reason) => self.close(reason, out),
        }
    }

    /// Whether [`Input::StopsServed`] is wanted.
    pub fn awaits_stop(&self) -> bool {
        self.pending.has_stop()
    }

    /// When [`Input::Tick`] is wanted next, monotonic.
    pub fn deadline(&self) -> Duration {
        let silent = self.heard + self.terms.heartbeat_timeout;
        let lost = self.driver_lost_at().unwrap_or(Duration::MAX);
        let repeated = self.stops.deadline().unwrap_or(Duration::MAX);
        self.liveness.due().min(silent).min(lost).min(repeated).min(self.expiry.deadline())
    }

    /// Who this is, as the robot's side knows it.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The type of the message that came last, or [`client::NOT_UNDERSTOOD`].
    pub fn heard_last(&self) -> &'static str {
        self.heard_last
    }

    /// A driver is pinged often, and has to have answered lately.
    fn control(&mut self, driving: bool, time: Time) {
        if driving != self.driving.is_some() {
            self.driving = driving.then_some(time.now);
            self.liveness.hurry(time.now);
        }
    }

    /// Whether what this client says may have been said just now. Of who is pinged too seldom nobody knows.
    fn may_be_fresh(&self, time: Time) -> bool {
        self.ping_interval() > FRESH || self.liveness.is_fresh(FRESH, time.now)
    }

    fn ping_interval(&self) -> Duration {
        liveness::interval(
            self.terms.heartbeat_interval,
            self.principal.role,
            self.driving.is_some(),
        )
    }

    /// When a driver that answers nothing more loses control.
    fn driver_lost_at(&self) -> Option<Duration> {
        let since = self.driving?;
        Some(self.liveness.silent_at(since, self.terms.link_timeout))
    }

    fn text(&mut self, text: &str, time: Time, out: &mut Vec<Output>) {
        self.link.hear(time.now);
        let parsed = client::parse(text);
        self.heard_last = parsed.as_ref().map_or(client::NOT_UNDERSTOOD, |it| it.message.kind());
        match parsed {
            Ok(Request {
                id,
                message:
                    ClientMessage::Robot(command @ (RobotCommand::Stop | RobotCommand::EmergencyStop)),
            }) => {
                self.stop(command, id, time, out);
            }
            _ if self.closing => {}
            Ok(request) => self.request(request, time, out),
            Err(refused) => {
                let id = refused.request_id.as_deref();
                out.push(Output::Send(server::error(
                    refused.code,
                    &refused.message,
                    id,
                    time.unix,
                )));
                let failure = Failure::new(refused.code, refused.message);
                self.record(Deed::Message, Ending::Answered(Err(failure)), time, out);
                if self.errors.full(time.now) {
                    self.close(CloseReason::TooManyErrors, out);
                }
            }
        }
    }

    /// Latches first. Answers follow when zero was published; of a flood, those that can be remembered.
    fn stop(
        &mut self,
        command: RobotCommand,
        id: Option<String>,
        time: Time,
        out: &mut Vec<Output>,
    ) {
        let caller = self.caller.clone();
        let sequence = match command {
            RobotCommand::EmergencyStop => self.terms.latch.emergency_stop(caller),
            _ => self.terms.latch.stop(caller, self.may_be_fresh(time)),
        };
        let asked = Asked::Robot(command, id);
        if let Err(asked) = self.pending.add_stop(asked, sequence, time.now) {
            let crowded =
                Failure::new(ErrorCode::Busy, "Stopping; earlier answers are still on the way");
            out.push(Output::Send(asked.response(&Err(crowded), time.unix)));
        }
        self.record_stop(command, time, out);
    }

    fn request(&mut self, request: Request, time: Time, out: &mut Vec<Output>) {
        let Request { id, message } = request;
        match message {
            ClientMessage::Subscribe(stream, options) => {
                out.push(Output::Send(server::subscription_confirmed(
                    stream,
                    id.as_deref(),
                    time.unix,
                )));
                out.push(Output::Subscribe(stream, options));
            }
            ClientMessage::Acknowledge(stream, seq) => {
                out.push(Output::Acknowledge(stream, seq));
            }
            ClientMessage::Unsubscribe(stream) => {
                out.push(Output::Unsubscribe(stream));
                out.push(Output::Send(server::unsubscription_confirmed(
                    stream,
                    id.as_deref(),
                    time.unix,
                )));
            }
            ClientMessage::Ping => out.push(Output::Send(server::pong(id.as_deref(), time.unix))),
            ClientMessage::Robot(command) => self.command(Asked::Robot(command, id), time, out),
            ClientMessage::Lidar(command) => self.command(Asked::Lidar(command, id), time, out),
            ClientMessage::Control(action) => self.command(Asked::Control(action, id), time, out),
            ClientMessage::Authenticate { token } => self.authenticate(&token, id, time, out),
        }
    }

    /// Alive and understood; within its rate? allowed? then on its way.
    fn command(&mut self, asked: Asked, time: Time, out: &mut Vec<Output>) {
        let action = self
            .within_rate(time)
            .and_then(|()| asked.action(&self.principal))
            .and_then(|action| self.is_fresh(&asked, time).map(|()| action));
        let queued = action.and_then(|action| Ok((action, self.pending.add(asked.clone())?)));
        match queued {
            Ok((action, ticket)) => {
                out.push(Output::Command(Command {
                    caller: self.caller.clone(),
                    ticket,
                    action,
                    after: self.terms.latch.sequence(),
                    alive: self.link.alive(),
                    at: time.now,
                }));
            }
            Err(failure) => {
                let limited = failure.code == ErrorCode::RateLimited;
                self.answer(&asked, Err(failure), time, out);
                if limited && self.refusals.full(time.now) {
                    self.close(CloseReason::RateLimited, out);
                }
            }
        }
    }

    /// What moves the robot must have been sent lately. What is behind the answer to a ping is younger than that ping.
    fn is_fresh(&self, asked: &Asked, time: Time) -> Result<(), Failure> {
        // A new driver's answers come as seldom as before, at first.
        let settled = self.driving.is_some_and(|since| time.now >= since + FRESH);
        let age = if settled { self.terms.link_timeout.min(FRESH) } else { FRESH };
        if !asked.may_move() || self.liveness.is_fresh(age, time.now) {
            return Ok(());
        }
        let text =
            format!("The link does not prove that this was sent within {} s", age.as_secs_f64());
        Err(Failure::new(ErrorCode::StaleCommand, text))
    }

    fn within_rate(&mut self, time: Time) -> Result<(), Failure> {
        if self.rate.take(time.now) {
            Ok(())
        } else {
            let text = format!("At most {COMMANDS_PER_SECOND} commands per second");
            Err(Failure::new(ErrorCode::RateLimited, text))
        }
    }

    fn tick(&mut self, time: Time, out: &mut Vec<Output>) {
        self.record_due_stops(time, out);
        if self.closing {
            return;
        }
        if time.now >= self.heard + self.terms.heartbeat_timeout {
            return self.close(CloseReason::NoHeartbeat, out);
        }
        if self.driver_lost_at().is_some_and(|at| time.now >= at) {
            self.driving = None;
            self.link.silent();
        }
        if time.now >= self.liveness.due() {
            let interval = self.ping_interval();
            out.push(Output::Ping(self.liveness.ping(interval, time.now)));
        }
        if self.expiry.warn(time) {
            out.push(Output::Send(server::event(
                &Event {
                    name: EventName::TokenExpiring,
                    severity: Severity::Warning,
                    message: "The token expires soon; send a new one with authenticate".to_owned(),
                    data: server::EventData::TokenExpiring {
                        expires_at: self.principal.expires_at,
                    },
                },
                time.unix,
            )));
        }
    }

    /// A motion ends before its driver is told that the connection does.
    fn close(&mut self, reason: CloseReason, out: &mut Vec<Output>) {
        if self.closing {
            return;
        }
        self.closing = true;
        let loss = match reason {
            CloseReason::TokenExpired | CloseReason::TokenRevoked => LinkLoss::TokenExpired,
            CloseReason::NoHeartbeat => LinkLoss::Silent,
            CloseReason::Normal => LinkLoss::Left,
            _ => LinkLoss::Closed,
        };
        self.link.lose(loss);
        out.push(Output::Close(reason));
    }
}

/// `error` messages within [`ERROR_WINDOW`] that close the connection.
const ERRORS: usize = 5;
const ERROR_WINDOW: Duration = Duration::from_secs(60);

/// `rate_limited` refusals within [`REFUSAL_WINDOW`] that close the connection.
const REFUSALS: usize = 40;
const REFUSAL_WINDOW: Duration = Duration::from_secs(10);

const COMMANDS_PER_SECOND: u32 = 20;
const COMMAND_BURST: u32 = 40;
