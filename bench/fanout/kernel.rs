//! The lower bound: what nobody who sends the same bytes to as many sockets can go below.

use std::{
    io::{ErrorKind, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Instant,
};

use oht50_bridge::hub::Frame;

use super::{
    PERIOD,
    clients::{unix, written},
};

/// One thread, one buffer, one `send` a socket. Prints its port.
pub fn serve() {
    let listener = listen();
    println!("{}", listener.local_addr().unwrap().port());
    let mut guests: Vec<Guest> = Vec::new();
    let mut due = Instant::now();
    for seq in 0_u64.. {
        while let Ok((socket, _)) = listener.accept() {
            socket.set_nodelay(true).unwrap();
            socket.set_nonblocking(true).unwrap();
            guests.push(Guest { socket, rest: None });
        }
        let buffer: Arc<[u8]> = Frame::text(&message(seq, &written(unix()))).bytes()[..].into();
        guests.retain_mut(|guest| guest.send(&buffer));
        due += PERIOD;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// A client, and what it did not take yet of a message that it began to take.
struct Guest {
    socket: TcpStream,
    rest: Option<(Arc<[u8]>, usize)>,
}

impl Guest {
    /// Whether it is still there.
    fn send(&mut self, newest: &Arc<[u8]>) -> bool {
        if let Some((buffer, from)) = self.rest.take()
            && !self.write(&buffer, from)
        {
            return false;
        }
        self.rest.is_some() || self.write(newest, 0)
    }

    fn write(&mut self, buffer: &Arc<[u8]>, from: usize) -> bool {
        match self.socket.write(&buffer[from..]) {
            Ok(length) if from + length == buffer.len() => {}
            Ok(length) => self.rest = Some((buffer.clone(), from + length)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // What was not begun is left out: the next one is newer.
                self.rest = (from > 0).then(|| (buffer.clone(), from));
            }
            Err(_) => return false,
        }
        true
    }
}

/// As long as a scan of 720 beams from the simulated hall.
pub fn message(seq: u64, stamp: &str) -> String {
    let points = vec!["[-3.142,12.345]"; 780].join(",");
    format!(r#"{{"type":"lidar_update","data":[{points}],"seq":{seq},"stamp":"{stamp}"}}"#)
}

/// With the same send buffers as the bridge's, which accepted sockets inherit.
fn listen() -> TcpListener {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(32 * 1024).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        socket.listen(1024).unwrap().into_std().unwrap()
    })
}
