//! A WebSocket client that does nothing by itself: each pong is a message like any other.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::link::End;

/// The client's side of a WebSocket.
pub struct Socket {
    end: End,
    token: String,
    inbox: Vec<u8>,
    upgraded: bool,
}

/// What came.
pub enum Frame {
    Text(Value),
    Ping(Vec<u8>),
    Close,
    /// The answer to the opening handshake.
    Nothing,
}

impl Socket {
    pub fn open(end: End, token: &str) -> Socket {
        Socket { end, token: token.to_owned(), inbox: Vec::new(), upgraded: false }
    }

    /// Asks for the upgrade.
    pub async fn greet(&mut self) -> io::Result<()> {
        let request = format!(
            "GET /ws?token={} HTTP/1.1\r\nHost: robot\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.token
        );
        self.end.write_all(request.as_bytes()).await
    }

    /// Sends one frame; the number of its last byte on the link.
    pub async fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<u64> {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            length @ ..126 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        // The mask may be anything, and zero leaves the payload as it is.
        frame.extend([0; 4]);
        frame.extend(payload);
        self.end.write_all(&frame).await?;
        Ok(self.end.written())
    }

    /// Says that nothing more will come, and goes on reading.
    pub async fn half_close(&mut self) -> io::Result<()> {
        self.end.shutdown().await
    }

    /// The next frame. Cancel safe.
    pub async fn next(&mut self) -> io::Result<Frame> {
        loop {
            if let Some(frame) = self.take() {
                return Ok(frame);
            }
            if self.end.read_buf(&mut self.inbox).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn take(&mut self) -> Option<Frame> {
        if !self.upgraded {
            let end = self.inbox.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
            assert!(self.inbox.starts_with(b"HTTP/1.1 101"), "the upgrade was refused");
            self.inbox.drain(..end);
            self.upgraded = true;
            return Some(Frame::Nothing);
        }
        let inbox = &self.inbox;
        let (head, length) = match inbox.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes([*inbox.get(2)?, *inbox.get(3)?]))),
            127 => panic!("nothing that long was asked for"),
            length => (2, usize::from(*length)),
        };
        let payload = inbox.get(head..head + length)?.to_vec();
        let opcode = inbox[0] & 0x0f;
        self.inbox.drain(..head + length);
        Some(match opcode {
            1 => Frame::Text(serde_json::from_slice(&payload).unwrap()),
            8 => Frame::Close,
            9 => Frame::Ping(payload),
            other => panic!("opcode {other}"),
        })
    }
}
