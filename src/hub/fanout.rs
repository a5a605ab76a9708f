//! Streams to those who listen: a few at a time, so that nobody else on the thread waits for long.

use std::{
    convert::Infallible,
    hint::black_box,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::{sync::Notify, task::yield_now};

/// Somebody who takes a stream's newest value himself.
pub trait Listener: Send + Sync {
    /// There is a newer one. Takes what it can at once and never blocks; what it cannot take now, it takes later by itself.
    fn newer(&self);

    /// It will be told in a moment: reads what it will need then.
    fn approach(&self);
}

/// Everybody who listens to one form of a stream.
///
/// They are not woken one by one: a thousand tasks that wake up, look around and fall asleep again cost as much as the
/// sending itself, and stand before whoever wants to stop the robot.
#[derive(Default)]
pub(super) struct Listeners {
    all: Mutex<Arc<Vec<Weak<dyn Listener>>>>,
    published: Notify,
}

impl Listeners {
    pub(super) fn add(&self, listener: Weak<dyn Listener>) {
        Arc::make_mut(&mut *self.lock()).push(listener);
    }

    pub(super) fn remove(&self, listener: &Weak<dyn Listener>) {
        let mut all = self.lock();
        if let Some(at) = all.iter().position(|other| other.ptr_eq(listener)) {
            Arc::make_mut(&mut *all).swap_remove(at);
        }
    }

    /// A newer value is there. A few are told at once, which is sooner than that another thread wakes up; more are left to
    /// [`Listeners::serve`].
    pub(super) fn publish(&self) {
        let all = self.lock().clone();
        if all.len() <= AT_A_TIME {
            tell(&all);
        } else {
            self.published.notify_one();
        }
    }

    /// Tells everybody of each newer value. A value that comes while this is under way is told to those who are left, and
    /// to the others after that.
    pub(super) async fn serve(&self) -> Infallible {
        loop {
            self.published.notified().await;
            let all = self.lock().clone();
            for few in all.chunks(AT_A_TIME) {
                tell(few);
                yield_now().await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Vec<Weak<dyn Listener>>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What each of a thousand needs has left the processor's caches since the last value. Reads that do not wait for each other
/// are fetched at the same time; a system call waits for them all. So everybody's come first.
fn tell(few: &[Weak<dyn Listener>]) {
    black_box(few.iter().map(Weak::strong_count).sum::<usize>());
    let there: Vec<_> = few.iter().filter_map(Weak::upgrade).collect();
    there.iter().for_each(|listener| listener.approach());
    there.iter().for_each(|listener| listener.newer());
}

/// Listeners between two turns of everybody else on the thread: about 0.2 ms.
const AT_A_TIME: usize = 16;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Ear(AtomicUsize);

    impl Listener for Ear {
        fn newer(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn approach(&self) {}
    }

    impl Ear {
        fn heard(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn weak(ear: &Arc<Ear>) -> Weak<dyn Listener> {
        let ear: Weak<Ear> = Arc::downgrade(ear);
        ear
    }

    #[tokio::test]
    async fn a_few_are_told_at_a_time_and_then_others_have_their_turn() {
        let listeners = Listeners::default();
        let ears: Vec<Arc<Ear>> = (0..3 * AT_A_TIME).map(|_| Arc::default()).collect();
        for ear in &ears {
            listeners.add(weak(ear));
        }
        listeners.publish();
        let mut serving = std::pin::pin!(listeners.serve());
        let mut told = Vec::new();
        for _ in 0..5 {
            assert!(futures::poll!(serving.as_mut()).is_pending());
            told.push(ears.iter().map(|ear| ear.heard()).sum::<usize>() / AT_A_TIME);
        }
        assert_eq!(told, [1, 2, 3, 3, 3]);
    }

    struct Diary(Arc<Mutex<String>>);

    impl Listener for Diary {
        fn newer(&self) {
            self.0.lock().unwrap().push('n');
        }

        fn approach(&self) {
            self.0.lock().unwrap().push('a');
        }
    }

    #[test]
    fn all_of_a_few_are_approached_before_the_first_is_told() {
        let (listeners, diary) = (Listeners::default(), Arc::<Mutex<String>>::default());
        let written = [(); 3].map(|()| Arc::new(Diary(diary.clone())));
        for each in &written {
            let each: Weak<Diary> = Arc::downgrade(each);
            listeners.add(each);
        }
        listeners.publish();
        assert_eq!(*diary.lock().unwrap(), "aaannn");
    }

    #[test]
    fn who_has_left_or_is_gone_is_not_told() {
        let listeners = Listeners::default();
        let [stays, left, gone] = [(); 3].map(|()| Arc::<Ear>::default());
        for ear in [&gone, &left, &stays] {
            listeners.add(weak(ear));
        }
        listeners.remove(&weak(&left));
        drop(gone);
        listeners.publish();
        assert_eq!([stays.heard(), left.heard()], [1, 0], "a few are told at once");
    }
}
