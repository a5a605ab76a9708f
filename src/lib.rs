//! oht50_bridge: a robot on ROS 2, seen and driven from the web.

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
