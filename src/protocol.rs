//! The JSON protocol: what a client may say, what the bridge answers, and nothing else.
//!
//! This module alone knows JSON. [`client::parse`] turns a text frame straight into a [`client::Request`];
//! [`server`] turns answers, streams and events into text.

/// Declares a closed enumeration together with its names on the wire.
macro_rules! wire_names {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every one, in the order of the document.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub mod audit;
pub mod client;
mod json;
mod options;
pub mod ready;
pub mod server;

pub use options::{Form, Options, Points};

/// Version of the protocol, as `connection_established` tells it.
pub const PROTOCOL_VERSION: u32 = 1;

/// A stream that a connection can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Position, speed, battery, temperature; 10 Hz.
    Telemetry,
    /// One message for each scan, at most 20 Hz.
    Lidar,
    /// State of the robot, of its control and of its safety; on change and at 1 Hz.
    RobotStatus,
}

impl Stream {
    /// All streams, in the order of [`Stream::index`].
    pub const ALL: [Stream; 3] = [Stream::Telemetry, Stream::Lidar, Stream::RobotStatus];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Stream::Telemetry => "telemetry",
            Stream::Lidar => "lidar",
            Stream::RobotStatus => "robot_status",
        }
    }

    /// Position in [`Stream::ALL`].
    pub fn index(self) -> usize {
        match self {
            Stream::Telemetry => 0,
            Stream::Lidar => 1,
            Stream::RobotStatus => 2,
        }
    }
}

wire_names! {
    /// How a stream's messages are written.
    pub enum Encoding {
        /// Text.
        Json = "json",
        /// Binary frames; `lidar` alone has them.
        Binary = "binary",
    }
}

wire_names! {
    /// Why something was refused, for programs; the closed list of the protocol.
    #[allow(missing_docs)] // each says what its wire name says
    pub enum ErrorCode {
        InvalidJson = "invalid_json",
        InvalidMessage = "invalid_message",
        InvalidParameter = "invalid_parameter",
        Unauthorized = "unauthorized",
        Forbidden = "forbidden",
        RateLimited = "rate_limited",
        Busy = "busy",
        Internal = "internal",
        NotInControl = "not_in_control",
        StaleCommand = "stale_command",
        EmergencyStopActive = "emergency_stop_active",
        EmergencyStopNotActive = "emergency_stop_not_active",
        NotAtRest = "not_at_rest",
        ConfirmationRequired = "confirmation_required",
        ScanStale = "scan_stale",
        ScanInvalid = "scan_invalid",
        OdometryStale = "odometry_stale",
        ZoneBlocked = "zone_blocked",
        NotCovered = "not_covered",
        CmdVelShared = "cmd_vel_shared",
        ServiceUnavailable = "service_unavailable",
        ServiceFailed = "service_failed",
        Timeout = "timeout",
        Aborted = "aborted",
        RobotMoving = "robot_moving",
        AuditUnavailable = "audit_unavailable",
    }
}

/// How the robot's side answers a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The number under which the command was handed over.
    pub ticket: u64,
    /// What was done, for people; or why it was not.
    pub outcome: Result<String, Failure>,
}

/// Why a command that was understood came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
}

impl Failure {
    /// A failure with its text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into() }
    }
}

/// Why the bridge closes a connection: the WebSocket close code and its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// 1000: answer to the client's own Close.
    Normal,
    /// 1001: the bridge stops.
    ServerStopping,
    /// 1002: not RFC 6455.
    ProtocolError,
    /// 1003: a binary message from a client.
    BinaryRefused,
    /// 1007: text that is not UTF-8.
    InvalidUtf8,
    /// 1009: a message beyond the limit.
    TooBig,
    /// 4000: the connection could not be set up.
    ConnectionFailed,
    /// 4001: the token is missing, malformed, forged or expired.
    InvalidToken,
    /// 4001: the token ran out during the connection.
    TokenExpired,
    /// 4001: the token, or the key behind it, was withdrawn during the connection.
    TokenRevoked,
    /// 4008: too many errors within a minute.
    TooManyErrors,
    /// 4009: silent for too long.
    NoHeartbeat,
    /// 4010: made room for a newer connection.
    Evicted,
    /// 4011: does not read what it asked for.
    TooSlow,
    /// 4013: no room.
    PoolFull,
    /// 4029: went on after `rate_limited`.
    RateLimited,
}

impl CloseReason {
    /// Every one, in the order of the codes.
    pub const ALL: [CloseReason; 16] = [
        CloseReason::Normal,
        CloseReason::ServerStopping,
        CloseReason::ProtocolError,
        CloseReason::BinaryRefused,
        CloseReason::InvalidUtf8,
        CloseReason::TooBig,
        CloseReason::ConnectionFailed,
        CloseReason::InvalidToken,
        CloseReason::TokenExpired,
        CloseReason::TokenRevoked,
        CloseReason::TooManyErrors,
        CloseReason::NoHeartbeat,
        CloseReason::Evicted,
        CloseReason::TooSlow,
        CloseReason::PoolFull,
        CloseReason::RateLimited,
    ];

    /// The close code, RFC 6455 section 7.4 and the protocol's own.
    pub fn code(self) -> u16 {
        match self {
            CloseReason::Normal => 1000,
            CloseReason::ServerStopping => 1001,
            CloseReason::ProtocolError => 1002,
            CloseReason::BinaryRefused => 1003,
            CloseReason::InvalidUtf8 => 1007,
            CloseReason::TooBig => 1009,
            CloseReason::ConnectionFailed => 4000,
            CloseReason::InvalidToken | CloseReason::TokenExpired | CloseReason::TokenRevoked => {
                4001
            }
            CloseReason::TooManyErrors => 4008,
            CloseReason::NoHeartbeat => 4009,
            CloseReason::Evicted => 4010,
            CloseReason::TooSlow => 4011,
            CloseReason::PoolFull => 4013,
            CloseReason::RateLimited => 4029,
        }
    }

    /// The reason sent with the code.
    pub fn text(self) -> &'static str {
        match self {
            CloseReason::Normal => "",
            CloseReason::ServerStopping => "Server stopping",
            CloseReason::ProtocolError => "Protocol error",
            CloseReason::BinaryRefused => "Binary messages are not accepted",
            CloseReason::InvalidUtf8 => "Invalid UTF-8",
            CloseReason::TooBig => "Message too big",
            CloseReason::ConnectionFailed => "Connection failed",
            CloseReason::InvalidToken => "Invalid token",
            CloseReason::TokenExpired => "Token expired",
            CloseReason::TokenRevoked => "Token revoked",
            CloseReason::TooManyErrors => "Too many errors",
            CloseReason::NoHeartbeat => "No heartbeat",
            CloseReason::Evicted => "Evicted by a newer connection",
            CloseReason::TooSlow => "Too slow",
            CloseReason::PoolFull => "Connection pool full",
            CloseReason::RateLimited => "Rate limit exceeded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_on_the_wire_is_used_once() {
        let codes: std::collections::HashSet<_> =
            ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        let streams: std::collections::HashSet<_> =
            Stream::ALL.iter().map(|stream| stream.as_str()).collect();
        assert_eq!(streams.len(), Stream::ALL.len());
    }

    #[test]
    fn a_close_reason_fits_its_frame() {
        for reason in CloseReason::ALL {
            assert!(reason.text().len() <= 123, "{reason:?}");
            assert!(
                (1000..=1011).contains(&reason.code()) || (4000..5000).contains(&reason.code())
            );
        }
    }
}
