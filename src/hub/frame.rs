//! Server frames of RFC 6455, ready for the socket: made once, sent to every subscriber.

use bytes::{BufMut, Bytes, BytesMut};

use crate::protocol::Encoding;

/// One unfragmented, unmasked frame, header included (RFC 6455 section 5.2). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    bytes: Bytes,
    seq: u64,
}

impl Frame {
    /// A text message.
    pub fn text(payload: &str) -> Frame {
        Frame::new(TEXT, payload.as_bytes())
    }

    /// A binary message.
    pub fn binary(payload: &[u8]) -> Frame {
        Frame::new(BINARY, payload)
    }

    /// A ping; `payload` is cut at 125 bytes.
    pub fn ping(payload: &[u8]) -> Frame {
        Frame::new(PING, control(payload))
    }

    /// A pong; `payload` is cut at 125 bytes.
    pub fn pong(payload: &[u8]) -> Frame {
        Frame::new(PONG, control(payload))
    }

    /// A close with its code and reason.
    pub fn close(code: u16, reason: &str) -> Frame {
        let mut payload = Vec::with_capacity(2 + reason.len());
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(reason.as_bytes());
        Frame::new(CLOSE, control(&payload))
    }

    /// The same as the value of a stream with this number, by which it is acknowledged.
    pub fn numbered(self, seq: u64) -> Frame {
        Frame { seq, ..self }
    }

    /// How a message is written; `None` for a control frame.
    pub fn encoding(&self) -> Option<Encoding> {
        match self.bytes.first() {
            Some(&TEXT_MESSAGE) => Some(Encoding::Json),
            Some(&BINARY_MESSAGE) => Some(Encoding::Binary),
            _ => None,
        }
    }

    /// Its number in its stream; 0 without one.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// What goes to the socket, and nothing else of it.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// What goes to the socket.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    fn new(opcode: u8, payload: &[u8]) -> Frame {
        let mut bytes = BytesMut::with_capacity(payload.len() + LONGEST_HEADER);
        bytes.put_u8(FINAL | opcode);
        match payload.len() {
            short @ 0..=125 => bytes.put_u8(short as u8),
            medium @ 126..=0xFFFF => {
                bytes.put_u8(126);
                bytes.put_u16(medium as u16);
            }
            long => {
                bytes.put_u8(127);
                bytes.put_u64(long as u64);
            }
        }
        bytes.put_slice(payload);
        Frame { bytes: bytes.freeze(), seq: 0 }
    }
}

fn control(payload: &[u8]) -> &[u8] {
    &payload[..payload.len().min(LONGEST_CONTROL)]
}

const FINAL: u8 = 0x80;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const TEXT_MESSAGE: u8 = FINAL | TEXT;
const BINARY_MESSAGE: u8 = FINAL | BINARY;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const LONGEST_HEADER: usize = 10;
const LONGEST_CONTROL: usize = 125;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(frame: Frame, header: &[u8], payload: &[u8]) {
        assert_eq!(&frame.bytes()[..header.len()], header);
        assert_eq!(&frame.bytes()[header.len()..], payload);
    }

    #[test]
    fn headers_are_as_rfc_6455_section_5_7_shows_them() {
        check(Frame::text("Hello"), &[0x81, 0x05], b"Hello");
        check(Frame::pong(b"Hello"), &[0x8a, 0x05], b"Hello");
        check(Frame::ping(b""), &[0x89, 0x00], b"");
        check(Frame::text(&"a".repeat(125)), &[0x81, 125], &[b'a'; 125]);
        check(Frame::text(&"a".repeat(126)), &[0x81, 126, 0, 126], &[b'a'; 126]);
        check(Frame::text(&"a".repeat(256)), &[0x81, 126, 1, 0], &[b'a'; 256]);
        check(
            Frame::text(&"a".repeat(65536)),
            &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0],
            &[b'a'; 65536],
        );
        check(Frame::close(4001, "Invalid token"), &[0x88, 15, 0x0f, 0xa1], b"Invalid token");
    }

    #[test]
    fn a_control_frame_never_exceeds_125_bytes() {
        check(Frame::pong(&[7; 300]), &[0x8a, 125], &[7; 125]);
        assert_eq!(Frame::close(1000, &"x".repeat(300)).bytes().len(), 127);
    }
}
