//! What cannot wait until the node's thread has ended its turn.
//!
//! Once r2r has put a message into the stream's queue, it still asks every other topic and service, and takes its wait
//! set apart. Whoever polls the stream is woken before that, on the same thread; here the waker itself takes the message.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use futures::{Stream, StreamExt};

/// Hands each item to `take` as soon as the stream has it, on the thread that put it there, until the stream ends.
pub(super) fn at_once<T: 'static>(
    mut stream: impl Stream<Item = T> + Unpin + Send + 'static,
    mut take: impl FnMut(T) + Send + 'static,
) {
    let poll = move |context: &mut Context| {
        while let Poll::Ready(Some(item)) = stream.poll_next_unpin(context) {
            take(item);
        }
    };
    // Whoever feeds the stream keeps the waker alive, and with it everything here.
    Arc::new(Taker(Mutex::new(poll))).wake();
}

struct Taker<F>(Mutex<F>);

impl<F: FnMut(&mut Context) + Send + 'static> Wake for Taker<F> {
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut poll = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        poll(&mut Context::from_waker(&waker));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn an_item_is_taken_before_whoever_sent_it_goes_on() {
        let (mut sender, stream) = futures::channel::mpsc::channel(1);
        let (taken, takes) = mpsc::channel();
        at_once(stream, move |item| taken.send(item).unwrap());
        for item in 0..100 {
            sender.try_send(item).unwrap();
            assert_eq!(takes.try_recv(), Ok(item));
        }
    }

    #[test]
    fn what_waited_is_taken_too_and_with_the_sender_everything_goes() {
        let (mut sender, stream) = futures::channel::mpsc::channel(1);
        let (taken, takes) = mpsc::channel();
        sender.try_send(1).unwrap();
        at_once(stream, move |item| taken.send(item).unwrap());
        sender.try_send(2).unwrap();
        drop(sender);
        assert_eq!(takes.try_iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(takes.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }
}
