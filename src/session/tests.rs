//! Whole conversations, without a socket and with a clock that stands still until told.

use serde_json::Value;

use super::*;
use crate::{
    auth::Role,
    protocol::{Answer, Options, Stream, audit::Entry},
};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const START: Duration = Duration::from_secs(1_750_000_000);

mod link;
mod record;

struct Talk {
    session: Session,
    latch: StopLatch,
    now: Duration,
    out: Vec<Output>,
    /// What was kept for the audit log.
    kept: Vec<Entry>,
    /// How long stops took.
    stopped: Vec<Duration>,
    /// Whether pings are answered.
    answers: bool,
}

fn principal(role: Role, seconds: u64) -> Principal {
    Principal {
        user_id: 7,
        username: "lan".into(),
        role,
        expires_at: START + Duration::from_secs(seconds),
        pass: Default::default(),
    }
}

impl Talk {
    fn new(role: Role) -> Talk {
        Talk::lasting(role, 3600)
    }

    fn lasting(role: Role, seconds: u64) -> Talk {
        let latch = StopLatch::default();
        let verifier = Verifier::hs256(SECRET, Role::Operator).unwrap();
        let access = watch::Sender::new(Arc::new(verifier));
        let terms = Terms {
            verifier: access.subscribe(),
            latch: latch.clone(),
            robot_id: 1,
            max_linear_speed: 1.0,
            max_angular_speed: 1.0,
            heartbeat_interval: Duration::from_secs(10),
            heartbeat_timeout: Duration::from_secs(25),
            link_timeout: Duration::from_millis(600),
            plan: Arc::default(),
        };
        let time = Time { now: Duration::ZERO, unix: START };
        let mut out = Vec::new();
        let mut session = Session::open(
            terms,
            principal(role, seconds),
            ConnectionId(3),
            "secret-id",
            time,
            &mut out,
        );
        // As a client does that has read the welcome.
        let Output::Ping(payload) = out.remove(0) else { panic!("{:?} before a ping", out[0]) };
        session.handle(Input::Pong(&payload), time, &mut out);
        let (kept, stopped) = (Vec::new(), Vec::new());
        Talk { session, latch, now: Duration::ZERO, out, kept, stopped, answers: true }
    }

    fn feed(&mut self, input: Input<'_>) -> Vec<Output> {
        let time = Time { now: self.now, unix: START + self.now };
        self.session.handle(input, time, &mut self.out);
        let mut rest = Vec::new();
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Audit(entry) => self.kept.push(entry),
                Output::Stopped(took) => self.stopped.push(took),
                output => rest.push(output),
            }
        }
        rest
    }

    fn say(&mut self, text: &str) -> Vec<Output> {
        self.feed(Input::Text(text))
    }

    /// Lets time pass, ticking whenever the session wants to.
    fn pass(&mut self, seconds: f64) -> Vec<Output> {
        let end = self.now + Duration::from_secs_f64(seconds);
        let mut all = Vec::new();
        while self.session.deadline() <= end {
            self.now = self.now.max(self.session.deadline());
            let out = self.feed(Input::Tick);
            for output in &out {
                if let Output::Ping(payload) = output
                    && self.answers
                {
                    self.feed(Input::Pong(payload));
                }
            }
            let closed = out.iter().any(|output| matches!(output, Output::Close(_)));
            all.extend(out);
            if closed {
                break;
            }
        }
        self.now = end;
        all
    }
}

fn sent(output: &Output) -> Value {
    match output {
        Output::Send(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?} is not sent"),
    }
}

fn closes(out: &[Output]) -> Option<CloseReason> {
    out.iter().find_map(|output| match output {
        Output::Close(reason) => Some(*reason),
        _ => None,
    })
}

fn command(output: &Output) -> &Command {
    match output {
        Output::Command(command) => command,
        other => panic!("{other:?} is not a command"),
    }
}

const MOVE: &str = r#"{"type":"robot_control","command":"move_forward","request_id":"m"}"#;
const STOP: &str = r#"{"type":"robot_control","command":"stop","request_id":"s"}"#;
const EMERGENCY_STOP: &str = r#"{"type":"robot_control","command":"emergency_stop"}"#;

#[test]
fn the_first_message_says_who_and_what() {
    let mut talk = Talk::new(Role::Operator);
    let welcome = sent(&talk.out.remove(0));
    assert_eq!(welcome["type"], "connection_established");
    assert_eq!(welcome["user_id"], 7);
    assert_eq!(welcome["username"], "lan");
    assert_eq!(welcome["connection_id"], "secret-id");
    assert_eq!(welcome["role"], "operator");
}

#[test]
fn a_motion_goes_out_as_a_command_and_its_answer_comes_back_with_its_request_id() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    let out = talk.say(MOVE);
    let ticket = command(&out[0]).ticket;
    let answered = talk.feed(Input::Answer(Answer { ticket, outcome: Ok("moving".to_owned()) }));
    let answer = sent(&answered[0]);
    assert_eq!(answer["type"], "robot_control_response");
    assert_eq!((&answer["success"], &answer["request_id"]), (&Value::Bool(true), &"m".into()));
    let again = talk.feed(Input::Answer(Answer { ticket, outcome: Ok("moving".to_owned()) }));
    assert!(again.is_empty(), "a ticket is answered once");
}

#[test]
fn a_stop_is_in_the_latch_before_it_is_answered() {
    for (text, name) in [(STOP, "stop"), (EMERGENCY_STOP, "emergency_stop")] {
        let mut talk = Talk::new(Role::Viewer);
        talk.out.clear();
        assert!(talk.say(text).is_empty(), "the answer waits for zero");
        let waiting = talk.latch.take();
        let callers = [waiting.stops, waiting.emergency_stops].concat();
        assert_eq!(callers.len(), 1);
        talk.now += Duration::from_millis(7);
        let out = talk.feed(Input::StopsServed(waiting.sequence));
        assert_eq!(talk.stopped, [Duration::from_millis(7)]);
        let answer = sent(&out[0]);
        assert_eq!((&answer["command"], &answer["success"]), (&name.into(), &true.into()));
    }
}

#[test]
fn a_flood_of_stops_is_one_caller_and_never_limited() {
    let mut talk = Talk::new(Role::Viewer);
    talk.out.clear();
    let answers: usize = (0..1000).map(|_| talk.say(EMERGENCY_STOP).len()).sum();
    assert_eq!(answers, 1000 - 64, "what cannot be remembered is answered at once");
    let waiting = talk.latch.take();
    assert_eq!(waiting.emergency_stops.len(), 1);
    assert_eq!(waiting.sequence, 1000);
    assert_eq!(talk.feed(Input::StopsServed(1000)).len(), 64);
}

#[test]
fn a_motion_knows_which_stops_came_before_it() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    assert_eq!(command(&talk.say(MOVE)[0]).after, 0);
    talk.say(STOP);
    assert_eq!(command(&talk.say(MOVE)[0]).after, 1);
}

#[test]
fn a_viewer_sees_and_stops_but_does_not_drive() {
    let mut talk = Talk::new(Role::Viewer);
    talk.out.clear();
    for text in [
        MOVE,
        r#"{"type":"robot_control","command":"dock"}"#,
        r#"{"type":"robot_control","command":"reset_emergency_stop","parameters":{"confirm":true}}"#,
        r#"{"type":"lidar_control","command":"start_scan"}"#,
    ] {
        let answer = sent(&talk.say(text)[0]);
        assert_eq!((&answer["success"], &answer["code"]), (&false.into(), &"forbidden".into()));
    }
    let out = talk.say(r#"{"type":"subscribe","subscription_type":"lidar"}"#);
    assert!(
        matches!(out[1], Output::Subscribe(Stream::Lidar, options) if options == Options::default())
    );
    assert_eq!(sent(&talk.say(r#"{"type":"ping"}"#)[0])["type"], "pong");
}

#[test]
fn a_reset_must_be_confirmed() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    let out = talk.say(r#"{"type":"robot_control","command":"reset_emergency_stop"}"#);
    assert_eq!(sent(&out[0])["code"], "confirmation_required");
    let text = r#"{"type":"robot_control","command":"reset_emergency_stop","parameters":{"confirm":true}}"#;
    assert!(matches!(command(&talk.say(text)[0]).action, Action::ResetEmergencyStop(_)));
}

#[test]
fn the_fifth_error_within_a_minute_closes_and_valid_messages_do_not_pay_for_it() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    for _ in 0..4 {
        assert_eq!(closes(&talk.say("nonsense")), None);
        talk.say(r#"{"type":"ping"}"#);
    }
    assert_eq!(closes(&talk.say("nonsense")), Some(CloseReason::TooManyErrors));
    let mut patient = Talk::new(Role::Operator);
    for _ in 0..20 {
        assert_eq!(closes(&patient.say("nonsense")), None);
        patient.now += Duration::from_secs(15);
    }
}

#[test]
fn refused_commands_do_not_count_as_errors() {
    let mut talk = Talk::new(Role::Viewer);
    let out: Vec<_> = (0..10).flat_map(|_| talk.say(MOVE)).collect();
    assert_eq!(closes(&out), None);
}

#[test]
fn commands_beyond_the_rate_are_refused_and_a_flood_is_closed() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    let mut limited = 0;
    let mut closed = None;
    for _ in 0..200 {
        talk.session.pending = Pending::default();
        let out = talk.say(MOVE);
        limited +=
            usize::from(matches!(&out[0], Output::Send(text) if text.contains("rate_limited")));
        closed = closes(&out);
        if closed.is_some() {
            break;
        }
    }
    assert_eq!((limited, closed), (40, Some(CloseReason::RateLimited)));
}

#[test]
fn more_commands_than_can_be_remembered_are_busy() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    let mut busy = 0;
    for _ in 0..80 {
        talk.pass(0.1);
        let out = talk.say(MOVE);
        busy += usize::from(matches!(&out[0], Output::Send(text) if text.contains("\"busy\"")));
    }
    assert_eq!(busy, 80 - 64);
}

#[test]
fn taking_over_needs_an_administrator() {
    let take_over = r#"{"type":"control","action":"take_over","request_id":"t"}"#;
    let mut operator = Talk::new(Role::Operator);
    operator.out.clear();
    let refused = sent(&operator.say(take_over)[0]);
    assert_eq!(refused["type"], "control_response");
    assert_eq!((&refused["action"], &refused["code"]), (&"take_over".into(), &"forbidden".into()));
    let mut administrator = Talk::new(Role::Administrator);
    administrator.out.clear();
    assert!(matches!(command(&administrator.say(take_over)[0]).action, Action::TakeOver(_)));
}

#[test]
fn a_token_is_warned_about_a_minute_before_it_ends_and_then_the_motion_ends_first() {
    let mut talk = Talk::lasting(Role::Viewer, 120);
    talk.out.clear();
    let out = talk.pass(59.9);
    assert!(out.iter().all(|output| matches!(output, Output::Ping(_))));
    let out = talk.pass(0.2);
    let warning = out.iter().find(|output| matches!(output, Output::Send(_))).unwrap();
    assert_eq!(sent(warning)["event"], "token_expiring");
    assert_eq!(closes(&talk.pass(59.8)), None);
    assert_eq!(closes(&talk.pass(0.2)), Some(CloseReason::TokenExpired));
    assert_eq!(talk.latch.take().lost, [(ConnectionId(3), LinkLoss::TokenExpired)]);
}

#[test]
fn a_token_that_ran_out_ends_the_conversation_at_the_next_word_at_the_latest() {
    let mut talk = Talk::lasting(Role::Operator, 2);
    talk.out.clear();
    talk.now = Duration::from_secs(3);
    let out = talk.say(MOVE);
    assert!(matches!(out[..], [Output::Close(CloseReason::TokenExpired)]), "{out:?}");
}

#[test]
fn a_newer_token_of_the_same_user_extends_the_connection() {
    const NEWER_END: Duration = Duration::from_secs(START.as_secs() + 1000);
    #[derive(serde::Serialize)]
    struct Claims {
        user_id: u64,
        sub: &'static str,
        exp: u64,
        role: &'static str,
    }
    let authenticate = |user_id| {
        let claims = Claims { user_id, sub: "lan", exp: NEWER_END.as_secs(), role: "viewer" };
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        format!(r#"{{"type":"authenticate","token":"{token}"}}"#)
    };
    let mut talk = Talk::lasting(Role::Operator, 100);
    talk.out.clear();
    let queued = talk.say(MOVE);
    let out = talk.say(&authenticate(8));
    assert_eq!(sent(&out[0])["code"], "unauthorized");
    let out = talk.say(&authenticate(7));
    assert!(matches!(out[0], Output::Renewed { role: Role::Viewer, expires_at: NEWER_END }));
    assert_eq!(sent(&out[1])["type"], "authenticated");
    assert_eq!(talk.latch.take().lost.len(), 1, "who may no longer drive does not go on driving");
    assert!(!command(&queued[0]).alive.get(), "nor does what is on its way");
    assert_eq!(closes(&talk.pass(200.0)), None);
    let answer = sent(&talk.say(MOVE)[0]);
    assert_eq!(answer["code"], "forbidden", "the newer token's role counts");
}

#[test]
fn while_closing_stops_are_obeyed_and_nothing_else() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    assert_eq!(closes(&talk.feed(Input::Close(CloseReason::Evicted))), Some(CloseReason::Evicted));
    assert!(talk.say(MOVE).is_empty());
    assert!(talk.say("nonsense").is_empty());
    talk.say(EMERGENCY_STOP);
    assert_eq!(talk.latch.take().emergency_stops.len(), 1);
    assert!(talk.feed(Input::Close(CloseReason::Normal)).is_empty(), "once");
}

#[test]
fn a_binary_message_closes() {
    let mut talk = Talk::new(Role::Operator);
    assert_eq!(closes(&talk.feed(Input::Binary)), Some(CloseReason::BinaryRefused));
}

#[test]
fn however_a_session_ends_its_link_is_lost_once_and_its_commands_are_void() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    let out = talk.say(MOVE);
    let latch = talk.latch.clone();
    drop(talk);
    assert_eq!(latch.take().lost, [(ConnectionId(3), LinkLoss::Closed)]);
    assert!(!command(&out[0]).alive.get());
}
