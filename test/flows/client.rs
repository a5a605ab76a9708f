//! A client that speaks the protocol over an in-memory stream.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::robot::{Bench, SECRET, UNIX};

/// A token of these claims, good for a day.
pub fn token(mut claims: Value) -> String {
    claims["exp"] = (UNIX.as_secs() + 86_400).into();
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

pub struct Client {
    socket: WebSocketStream<DuplexStream>,
    /// Everything since [`Client::forget`].
    pub heard: Vec<Value>,
    /// The close code, once the server closed.
    pub closed: Option<u16>,
}

impl Client {
    /// As a token of the documented form: no role.
    pub async fn operator(bench: &Bench) -> Client {
        Client::of(bench, json!({"user_id": 7, "sub": "lan"})).await
    }

    pub async fn viewer(bench: &Bench) -> Client {
        Client::of(bench, json!({"user_id": 9, "sub": "hoa", "role": "viewer"})).await
    }

    pub async fn of(bench: &Bench, claims: Value) -> Client {
        Client::with(bench, &token(claims)).await
    }

    /// With a token of one's own.
    pub async fn with(bench: &Bench, token: &str) -> Client {
        let mut client = Client::dial(bench, token).await;
        client.answer("connection_established").await;
        client
    }

    /// The code with which a token is refused.
    pub async fn refused(bench: &Bench, token: &str) -> u16 {
        let mut client = Client::dial(bench, token).await;
        let first = client.next().await;
        assert_eq!(first, None, "let in");
        client.closed.unwrap()
    }

    async fn dial(bench: &Bench, token: &str) -> Client {
        let (ours, theirs) = duplex(64 * 1024);
        bench.door().serve(theirs);
        let (socket, _) = client_async(format!("ws://robot/ws?token={token}"), ours).await.unwrap();
        Client { socket, heard: Vec::new(), closed: None }
    }

    pub async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// False where nobody takes it any more.
    pub async fn try_say(&mut self, message: Value) -> bool {
        self.socket.send(Message::text(message.to_string())).await.is_ok()
    }

    /// Says all of these, one after `pause` each, and listens meanwhile, as a program does that waits for no answer.
    pub async fn shout(&mut self, messages: &[Value], pause: Duration) {
        let (mut sink, mut stream) = (&mut self.socket).split();
        let saying = async {
            for message in messages {
                tokio::time::sleep(pause).await;
                sink.send(Message::text(message.to_string())).await.unwrap();
            }
        };
        tokio::pin!(saying);
        loop {
            tokio::select! {
                () = &mut saying => return,
                Some(Ok(Message::Text(text))) = stream.next() => {
                    self.heard.push(serde_json::from_str(&text).unwrap());
                }
            }
        }
    }

    pub async fn subscribe(&mut self, stream: &str) {
        self.say(json!({"type": "subscribe", "subscription_type": stream})).await;
        self.answer("subscription_confirmed").await;
    }

    /// Listens until a message of this type comes.
    pub async fn answer(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.unwrap_or_else(|| panic!("closed before {kind}"));
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Listens for this long, or until the server closes.
    pub async fn listen(&mut self, duration: Duration) {
        let end = tokio::time::sleep(duration);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return,
                message = self.next(), if self.closed.is_none() => {
                    if message.is_none() && self.closed.is_none() {
                        self.closed = Some(1006);
                    }
                }
            }
        }
    }

    pub fn last(&self, kind: &str) -> &Value {
        let found = self.heard.iter().rev().find(|message| message["type"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} among {} messages", self.heard.len()))
    }

    pub fn forget(&mut self) {
        self.heard.clear();
    }

    pub async fn close(&mut self) {
        self.socket.close(None).await.unwrap();
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Text(text)) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    self.heard.push(message.clone());
                    return Some(message);
                }
                Ok(Message::Close(frame)) => {
                    self.closed = frame.map(|frame| frame.code.into());
                    return None;
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
