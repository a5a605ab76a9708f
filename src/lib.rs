//! A ROS 2 node that shows an OHT-50 transport robot to people and lets them drive it, over a documented JSON protocol
//! on a WebSocket. The software stop complements the hard-wired emergency stop and replaces nothing.
//!
//! # Map
//!
//! Five words to read the tree by. **Core** decides: [`safety`], [`lidar`], [`auth`], [`sim`]. **Edge** translates:
//! [`protocol`], [`session`], [`config`]. **Shell** moves bytes: [`server`], [`hub`], [`robot`], [`clock`],
//! [`telemetry`]. [`app`] wires, supervises and shuts down. `main` starts.
//!
//! # Rules
//!
//! - Arrows point from the shell to the edge to the core, never back; ARCHITECTURE.md has the table, and
//!   `test/architecture.rs` holds it.
//! - [`safety::SafeVelocity`] is made by the [`safety::Gate`] alone (in its place, by the [`safety::drive_check`]), and
//!   [`robot::Outputs::drive`] accepts nothing else: an unchecked command does not compile. [`auth::Operator`] likewise proves a role.
//! - A stop is never behind anything: it goes through the [`safety::latch::StopLatch`], around every queue.
//! - Nothing resumes by itself. Whatever ended a motion, a new command must begin the next.
//! - The core is handed `now`; [`clock::Clock`] alone reads the machine's clocks.
//! - Every state has one owner, every queue is bounded, and its overflow is designed.
//! - What is not known is `null`, and an old fact is no fact.
//!
//! # A scan's walk
//!
//! The thread of `robot::ros` puts a [`lidar::RawScan`] and its arrival into a newest-value slot of [`robot::Inputs`].
//! [`app::motion`] takes it from there by itself and hands it to the Gate, whose [`safety::zone`]s read the raw points.
//! [`app::perception`] parses it into a [`lidar::Scan`], of which [`lidar::Perception`] makes a picture; if anybody looks, [`protocol::server`] encodes it and [`hub::Hub::publish`] shares it,
//! once for everybody. [`hub::Hub::fan_out`] has each connection of the [`server`] send the newest, on a thread of its own.
//!
//! # A command's walk
//!
//! A connection hands a text frame to its [`session::Session`]; [`protocol::client::parse`] makes a domain command of it.
//! A stop goes to the latch at once. Anything else needs room in its rate and the role's proof, and goes through a bounded
//! queue to [`app::motion`], the sole owner of the Gate. [`safety::Gate::command`] accepts or refuses;
//! [`safety::Gate::tick`], every 20 ms and after every input, decides; [`robot::Outputs::drive`] publishes. Only then is
//! anybody told.

pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod hub;
pub mod lidar;
pub mod protocol;
pub mod robot;
pub mod safety;
pub mod server;
pub mod session;
pub mod sim;
pub mod telemetry;
