//! One connection's task: pumps a [`Session`], and never lets writing hold up reading.

use std::{fmt::Write as _, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use tokio::{sync::watch, task::yield_now, time::sleep};
use tracing::{Instrument, Span, info, info_span};

use super::{
    Place, Server, Surroundings,
    line::{Line, Upgraded, Wire},
    reader::{Incoming, LONGEST_MESSAGE},
    register::{Counts, Registered},
    sender::{Broken, STALL},
    token::{NoToken, Token},
};
use crate::{
    auth::{Principal, Verifier},
    clock::Clock,
    hub::{Delivery, Frame, Member, Overflow, Seat},
    protocol::{
        Answer, CloseReason, ErrorCode, Failure, Form,
        audit::{self, Entry},
    },
    session::{Input, Output, Session},
    telemetry::{audit::Audit, metrics::Metrics},
};

/// A client that has just become a WebSocket.
pub struct Arrival<Io> {
    /// Its byte stream.
    pub upgraded: Upgraded<Io>,
    /// What it showed.
    pub token: Result<Token, NoToken>,
    /// Where it comes from.
    pub peer: SocketAddr,
}

/// Serves the client until it is gone.
pub async fn run(server: Server, arrival: Arrival<impl Wire>) {
    let Arrival { upgraded, token, peer } = arrival;
    let line = Line::new(upgraded, LONGEST_MESSAGE, server.0.surroundings.clock.clone()).await;
    match open(server, line, token, peer) {
        Ok((connection, span)) => connection.serve().instrument(span).await,
        Err(mut line) => line.part(REFUSED_LINGER).await,
    }
}

/// A client that was let in, or one that is to be told why not.
type Opened<Io> = Result<(Box<Connection<Io>>, Span), Box<Line<Io>>>;

/// Lets the client in, or puts into its line why not. Boxed, since what is moved within a task counts twice in its size, for as
/// long as the connection lasts.
fn open<Io: Wire>(
    server: Server,
    line: Line<Io>,
    token: Result<Token, NoToken>,
    peer: SocketAddr,
) -> Opened<Io> {
    let opened = identify(&server, token, peer).and_then(|principal| {
        let span = info_span!(
            "connection",
            number = tracing::field::Empty,
            id = tracing::field::Empty,
            user = %principal.username,
            role = principal.role.as_str(),
            %peer,
        );
        Ok((Guest::enter(&server, &line, principal, peer)?, span))
    });
    match opened {
        Ok((guest, span)) => {
            span.record("number", guest.session.caller().connection.0);
            span.record("id", guest.public_id.as_str());
            Ok((Box::new(Connection { server, line, guest, closing: None }), span))
        }
        Err(reason) => {
            info!(%peer, code = reason.code(), reason = reason.text(), "refused");
            line.sender.outbox(|outbox| outbox.close(reason));
            server.metrics().connection_refused(reason.code());
            Err(Box::new(line))
        }
    }
}

fn identify(
    server: &Server,
    token: Result<Token, NoToken>,
    peer: SocketAddr,
) -> Result<Principal, CloseReason> {
    let token = token.map_err(|NoToken| CloseReason::InvalidToken)?;
    let verifier = server.0.surroundings.terms.verifier.borrow().clone();
    verifier.verify(token.as_str(), server.time().unix).map_err(|error| {
        info!(%peer, %error, "token refused");
        CloseReason::InvalidToken
    })
}

/// The bridge's side of a connection. Dropping it ends the motion, leaves the hub and frees the place.
struct Guest {
    session: Session,
    seat: Seat,
    served: watch::Receiver<u64>,
    /// Who is let in. A copy of one that nobody has looked at, so that a change since this client's login is seen.
    access: watch::Receiver<Arc<Verifier>>,
    place: Place,
    /// What the client knows this connection by.
    public_id: String,
    greeting: Vec<Output>,
    audit: Audit,
    peer: SocketAddr,
    clock: Clock,
    metrics: Arc<Metrics>,
    /// The close code it ends with.
    code: u16,
}

struct Connection<Io> {
    server: Server,
    line: Line<Io>,
    guest: Guest,
    /// Why our Close is under way, and until when the client's is waited for.
    closing: Option<(CloseReason, Duration)>,
}

/// How a conversation ended.
enum Ending {
    /// Nobody is there to be told anything.
    Gone,
    /// What waits is still to be written, a Close last.
    Parting,
}

impl Guest {
    fn enter(
        server: &Server,
        line: &Line<impl Wire>,
        principal: Principal,
        peer: SocketAddr,
    ) -> Result<Guest, CloseReason> {
        let connection = server.next_connection();
        let public_id = unguessable().map_err(|_| CloseReason::ConnectionFailed)?;
        let member = Member { connection, user_id: principal.user_id, role: principal.role };
        // In the hub before in the pool: who can be evicted can be told so.
        let seat = server.hub().join(member);
        let entry = Registered { expires_at: principal.expires_at, counts: line.sender.clone() };
        let place = server.admit(member, entry).map_err(|_| CloseReason::PoolFull)?;
        if server.is_stopping() {
            return Err(CloseReason::ServerStopping);
        }
        let terms = server.0.surroundings.terms.clone();
        let served = terms.latch.served();
        let access = terms.verifier.clone();
        let Surroundings { audit, clock, metrics, .. } = &server.0.surroundings;
        let (audit, clock, metrics) = (audit.clone(), clock.clone(), metrics.clone());
        let mut greeting = Vec::new();
        let session =
            Session::open(terms, principal, connection, &public_id, server.time(), &mut greeting);
        metrics.connection_opened();
        Ok(Guest {
            session,
            seat,
            served,
            access,
            place,
            public_id,
            greeting,
            audit,
            peer,
            clock,
            metrics,
            code: WITHOUT_CLOSE,
        })
    }

    fn record(&self, entry: &Entry) {
        if let Some((command, result, count)) = entry.tally() {
            self.metrics.answered(command, result, count);
        }
        let line = audit::line(entry, self.peer);
        if entry.is_stop() { self.audit.record_stop(line) } else { self.audit.record(line) }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        for entry in self.session.last_entries(self.clock.unix()) {
            self.record(&entry);
        }
        self.metrics.connection_closed(self.code);
    }
}

impl<Io: Wire> Connection<Io> {
    async fn serve(mut self: Box<Self>) {
        info!("opened");
        for output in std::mem::take(&mut self.guest.greeting) {
            self.carry_out(output);
        }
        let ending = self.pump().await;
        match self.closing {
            Some((reason, _)) => {
                info!(code = reason.code(), reason = reason.text(), "closed");
            }
            None => info!("gone"),
        }
        let (mut line, metrics) = self.leave();
        if let Ending::Parting = ending {
            line.part(LINGER).await;
        }
        line.sender.hand_over(&metrics);
    }

    /// Ends the motion, leaves the hub and frees the place; the line stays for the good-bye.
    fn leave(self: Box<Self>) -> (Line<Io>, Arc<Metrics>) {
        let Connection { line, guest, .. } = *self;
        (line, guest.metrics.clone())
    }

    /// Moves inputs and outputs until the conversation ends. Reading comes first, since a stop may be among it.
    async fn pump(&mut self) -> Ending {
        let mut timer = pin!(sleep(Duration::ZERO));
        let mut armed = None;
        let mut read = 0;
        loop {
            let sender = &self.line.sender;
            if self.closing.is_none() && sender.outbox(|outbox| outbox.is_overfull()) {
                self.feed(Input::Close(CloseReason::TooSlow));
            }
            let now = self.server.now();
            let Line { reader, sender } = &mut self.line;
            let deadline = match self.closing {
                Some((_, until)) => until,
                None => {
                    let stalled = sender.waiting_since().map_or(Duration::MAX, |at| at + STALL);
                    self.guest.session.deadline().min(stalled)
                }
            };
            // Looked at in every turn: under a flood the timer's branch below may never have its turn.
            if now >= deadline {
                armed = None;
                if self.closing.is_some() {
                    return Ending::Gone;
                }
                self.tick(now);
                continue;
            }
            let wake = sender.arm(deadline);
            if armed != Some(wake) {
                timer.set(sleep(wake.saturating_sub(now)));
                armed = Some(wake);
            }
            tokio::select! {
                biased;
                incoming = reader.next(), if read < READS_AT_A_TIME => {
                    read += 1;
                    if let Some(ending) = self.incoming(incoming) {
                        return ending;
                    }
                    continue;
                }
                delivery = self.guest.seat.mailbox.next() => match delivery {
                    Ok(delivery) => self.deliver(delivery),
                    Err(Overflow) => self.feed(Input::Close(CloseReason::TooSlow)),
                },
                Ok(()) = self.guest.access.changed() => self.feed(Input::AccessChanged),
                // Or everybody would wake up for everybody's stop.
                Ok(()) = self.guest.served.changed(), if self.guest.session.awaits_stop() => {
                    let sequence = *self.guest.served.borrow_and_update();
                    self.feed(Input::StopsServed(sequence));
                }
                sent = sender.broken() => if sent == Err(Broken) {
                    return Ending::Gone;
                },
                () = timer.as_mut() => {}
                () = yield_now(), if read >= READS_AT_A_TIME => {}
            }
            read = 0;
        }
    }

    fn incoming(&mut self, incoming: Incoming) -> Option<Ending> {
        match incoming {
            Incoming::Text(text) => {
                self.feed(Input::Text(&text));
                self.line.sender.received(self.guest.session.heard_last());
            }
            Incoming::Binary(_) => self.feed(Input::Binary),
            Incoming::Pong(payload) => self.feed(Input::Pong(&payload)),
            Incoming::Ping(payload) => {
                self.line.sender.outbox(|outbox| outbox.pong(&payload));
                self.feed(Input::Ping);
            }
            Incoming::Close(code) => {
                self.line.sender.outbox(|outbox| outbox.echo_close(code));
                self.feed(Input::Close(CloseReason::Normal));
                return Some(Ending::Parting);
            }
            Incoming::Violation(reason) => {
                self.feed(Input::Close(reason));
                return Some(Ending::Parting);
            }
            Incoming::Gone => return Some(Ending::Gone),
        }
        None
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Event(frame) => self.line.sender.outbox(|outbox| outbox.push(frame)),
            Delivery::Answer(answer) => self.feed(Input::Answer(answer)),
            Delivery::Control(drives) => self.feed(Input::Control(drives)),
            Delivery::Close(reason) => self.feed(Input::Close(reason)),
        }
    }

    fn tick(&mut self, now: Duration) {
        if self.line.sender.waiting_since().is_some_and(|since| now >= since + STALL) {
            self.feed(Input::Close(CloseReason::TooSlow));
        } else {
            self.feed(Input::Tick);
        }
    }

    fn feed(&mut self, input: Input<'_>) {
        let mut outputs = Vec::new();
        self.guest.session.handle(input, self.server.time(), &mut outputs);
        for output in outputs {
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
        let Guest { seat, place, .. } = &self.guest;
        let sender = &self.line.sender;
        match output {
            Output::Send(text) => sender.outbox(|outbox| outbox.push(Frame::text(&text))),
            Output::Ping(payload) => sender.outbox(|outbox| outbox.push(Frame::ping(&payload))),
            Output::Subscribe(stream, options) => {
                let form = Form::of(stream, &options);
                let start = || seat.subscribe(form, sender.listener());
                sender.outbox(|outbox| outbox.subscribe(stream, options, start));
            }
            Output::Acknowledge(stream, seq) => {
                sender.outbox(|outbox| outbox.acknowledge(stream, seq));
            }
            Output::Unsubscribe(stream) => {
                sender.outbox(|outbox| outbox.unsubscribe(stream));
                seat.unsubscribe(stream);
            }
            Output::Renewed { role, expires_at } => {
                seat.set_role(role);
                place.renew(role, expires_at);
            }
            Output::Command(command) => {
                if let Err(refused) = self.server.0.surroundings.commands.try_send(command) {
                    let failure = Failure::new(ErrorCode::Busy, CROWDED);
                    let ticket = refused.into_inner().ticket;
                    self.feed(Input::Answer(Answer { ticket, outcome: Err(failure) }));
                }
            }
            Output::Stopped(took) => self.guest.metrics.stop_to_zero(took),
            Output::Audit(entry) => self.guest.record(&entry),
            Output::Close(reason) => {
                self.guest.code = reason.code();
                sender.outbox(|outbox| outbox.close(reason));
                self.closing = Some((reason, self.server.now() + LINGER));
            }
        }
    }
}

/// 128 random bits in hexadecimal.
fn unguessable() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// What nobody says and everybody means by an end without a Close (RFC 6455 section 7.1.5).
const WITHOUT_CLOSE: u16 = 1006;

/// What a client is told when the robot's side has no room.
const CROWDED: &str = "The robot's command queue is full";

/// Messages that are read before everything else gets its turn.
const READS_AT_A_TIME: u32 = 32;

/// How long the client's Close is waited for after ours.
const LINGER: Duration = Duration::from_secs(2);

/// The same, where there never was a conversation.
const REFUSED_LINGER: Duration = Duration::from_secs(1);
