//! Somebody with a client: says whatever comes to mind, over links that break, and connects again as naive clients do.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    dice::Dice,
    link::{Link, Quality, Way},
    record::{Connection, Message, Role, Run, Said, stamp},
    script::{Deed, Script},
    socket::{Frame, Socket},
};
use crate::{client::token, door::Door};

/// One person.
pub struct Person {
    role: Role,
    dice: Dice,
    door: Door,
    run: Arc<Mutex<Run>>,
    script: Script,
    /// What was sent and not answered: said again after a reconnect.
    queue: Vec<(Said, Value)>,
}

/// One connection of a person.
struct Visit {
    number: usize,
    socket: Socket,
    /// The client hangs: it reads nothing, and so answers no ping.
    hangs_until: Instant,
    heard: Instant,
    /// Whoever hears nothing for this long leaves.
    patience: Duration,
    /// When the next thing is said.
    next: Instant,
    welcome: bool,
    closing: bool,
}

impl Person {
    pub fn new(role: Role, mut dice: Dice, first: u32, door: Door, run: Arc<Mutex<Run>>) -> Person {
        let script = Script::new(role, dice.split(), first);
        Person { role, dice, door, run, script, queue: Vec::new() }
    }

    /// Connects and talks until `end`.
    pub async fn live(mut self, end: Instant) {
        let mut disturbances = 1 + self.dice.next() % 3;
        while Instant::now() < end {
            let mut visit = self.arrive(disturbances);
            disturbances = self.dice.next() % 2;
            let _ = self.visit(&mut visit, end).await;
            drop(visit);
            sleep(self.dice.seconds(0.05, 2.0)).await;
        }
    }

    /// A new connection, and what will happen to it.
    fn arrive(&mut self, disturbances: u64) -> Visit {
        // The slowest are so slow that what a driver says is too old.
        let delays = [(8, 0.0), (8, 0.02), (4, 0.1), (2, 0.35), (3, 0.62)];
        let quality = [(); 2].map(|()| {
            let delay = self.dice.pick(&delays);
            Quality { delay, jitter: self.dice.between(0.0, delay / 4.0 + 0.02) }
        });
        let clock = self.door.clock.clone();
        let (link, ours, theirs) = Link::new(clock, quality, self.dice.split());
        let mut run = self.run.lock().unwrap();
        let number = run.connections.len();
        let role = self.role;
        run.connections.push(Connection { role, link: link.clone(), gone: None, closed: false });
        drop(run);
        self.door.serve(theirs);
        for _ in 0..disturbances {
            self.disturb(link.clone());
        }
        let token = token(json!({
            "user_id": number + 1,
            "sub": format!("user{}", number + 1),
            "role": format!("{role:?}").to_lowercase(),
        }));
        let now = Instant::now();
        Visit {
            number,
            socket: Socket::open(ours, &token),
            hangs_until: now,
            heard: now,
            patience: self.dice.seconds(3.0, 15.0),
            next: now,
            welcome: false,
            closing: false,
        }
    }

    fn disturb(&mut self, link: Link) {
        use Way::{Down, Up};
        let dice = &mut self.dice;
        let begin = dice.seconds(0.5, 9.0);
        let ways: &[Way] = dice.pick(&[(4, &[Up, Down][..]), (2, &[Up]), (2, &[Down]), (2, &[])]);
        let short = dice.seconds(0.2, 1.5);
        let [long, longer, forever] = [2, 10, 1000].map(Duration::from_secs);
        let length = dice.pick(&[(3, long), (3, longer), (3, short), (1, forever)]);
        let clock = self.door.clock.clone();
        tokio::spawn(async move {
            sleep(begin).await;
            let until = clock.now() + length;
            for way in ways {
                link.hold(*way, until);
            }
            if ways.is_empty() {
                link.reset();
            }
        });
    }

    /// Talks and listens until the connection ends, this way or that.
    async fn visit(&mut self, visit: &mut Visit, end: Instant) -> io::Result<()> {
        visit.socket.greet().await?;
        loop {
            let deaf = Instant::now() < visit.hangs_until;
            let until = if deaf { visit.hangs_until } else { visit.heard + visit.patience };
            tokio::select! {
                biased;
                () = sleep_until(end) => return Ok(()),
                () = sleep_until(visit.next), if visit.welcome && !visit.closing => {
                    let pause = self.act(visit).await?;
                    visit.next += pause;
                }
                () = sleep_until(until) => if !deaf { return Ok(()) },
                frame = visit.socket.next(), if !deaf => {
                    visit.heard = Instant::now();
                    self.take(visit, frame?).await?;
                }
            }
        }
    }

    async fn take(&mut self, visit: &mut Visit, frame: Frame) -> io::Result<()> {
        match frame {
            Frame::Text(message) => {
                if message["type"] == "connection_established" {
                    visit.welcome = true;
                    visit.next = Instant::now();
                    self.say_again(visit).await?;
                }
                self.hear(&message);
            }
            Frame::Ping(payload) => {
                let end = visit.socket.send(PONG, &payload).await?;
                self.note(visit, Said::Pong, end);
            }
            Frame::Close => return Err(io::ErrorKind::ConnectionAborted.into()),
            Frame::Nothing => {}
        }
        Ok(())
    }

    /// What a naive client does: what it never got an answer for, it says again.
    async fn say_again(&mut self, visit: &mut Visit) -> io::Result<()> {
        for (said, message) in std::mem::take(&mut self.queue) {
            self.say(visit, said, message).await?;
        }
        let streams =
            [(4, None), (4, Some("telemetry")), (2, Some("lidar")), (2, Some("robot_status"))];
        let Some(stream) = self.dice.pick(&streams) else { return Ok(()) };
        let word = json!({"type": "subscribe", "subscription_type": stream});
        self.say(visit, Said::Word, word).await
    }

    async fn act(&mut self, visit: &mut Visit) -> io::Result<Duration> {
        let (deed, mut pause) = self.script.next();
        match deed {
            Deed::Say(said, message) => self.say(visit, said, message).await?,
            Deed::Hang(time) => {
                visit.hangs_until = Instant::now() + time;
                // Half of them go on talking.
                if self.dice.chance(0.5) {
                    pause = time;
                }
            }
            Deed::Close => {
                let end = visit.socket.send(CLOSE, &1000_u16.to_be_bytes()).await?;
                self.note(visit, Said::Close, end);
                visit.closing = true;
            }
            Deed::HalfClose => {
                visit.socket.half_close().await?;
                visit.closing = true;
            }
            Deed::Drop => return Err(io::ErrorKind::NotConnected.into()),
        }
        Ok(pause)
    }

    async fn say(&mut self, visit: &mut Visit, said: Said, mut message: Value) -> io::Result<()> {
        if said != Said::Word {
            self.queue.push((said, message.clone()));
        }
        let number = self.run.lock().unwrap().messages.len();
        message["request_id"] = number.to_string().into();
        let end = visit.socket.send(TEXT, message.to_string().as_bytes()).await?;
        self.note(visit, said, end);
        Ok(())
    }

    fn note(&self, visit: &Visit, said: Said, end: u64) {
        let sent = self.door.clock.now();
        let connection = visit.number;
        let message = Message { connection, said, sent, end, arrived: None, answered: None };
        self.run.lock().unwrap().messages.push(message);
    }

    fn hear(&mut self, message: &Value) {
        self.script.hear(message);
        let Some(number) = message["request_id"].as_str() else { return };
        let mut run = self.run.lock().unwrap();
        let asked = &mut run.messages[number.parse::<usize>().unwrap()];
        if let Some(success) = message["success"].as_bool() {
            asked.answered = Some((stamp(message), success));
        }
        let said = asked.said;
        self.queue.retain(|(queued, _)| *queued != said);
    }
}

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PONG: u8 = 10;
