//! The thread that publishes, logs and answers, so that nothing the middleware does holds up the world.
//!
//! Where a process was killed, Fast DDS may hold up every publication of every other one for a third of a second and more;
//! what is logged is published too, on `/rosout`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use r2r::{ServiceRequest, WrappedServiceTypeSupport, log_info, log_warn};
use tokio::sync::oneshot;

use super::topics::Topics;

/// Takes what is to be told, and never waits. Dropping it tells what is left.
pub struct Outlet {
    logger: Arc<str>,
    /// `None` ends the thread.
    jobs: Option<SyncSender<Job>>,
    left_out: Arc<AtomicU64>,
    thread: Option<thread::JoinHandle<()>>,
}

type Job = Box<dyn FnOnce(&Topics) -> r2r::Result<()> + Send>;

impl Outlet {
    /// `logger`: the node's. What comes with it is told the first publication that fails; the thread ends by it.
    pub fn start(
        logger: &str,
        topics: Topics,
    ) -> std::io::Result<(Outlet, oneshot::Receiver<r2r::Error>)> {
        let (jobs, waiting) = sync_channel::<Job>(DEPTH);
        let (failing, failed) = oneshot::channel();
        let logger: Arc<str> = logger.into();
        let left_out = Arc::new(AtomicU64::new(0));
        let (name, uncounted) = (logger.clone(), left_out.clone());
        let thread = thread::Builder::new().name("outlet".to_owned()).spawn(move || {
            for job in waiting {
                if let Err(error) = job(&topics) {
                    // Nobody listens any more at the end of the program.
                    let _ = failing.send(error);
                    return;
                }
                let count = uncounted.swap(0, Ordering::Relaxed);
                if count > 0 {
                    log_warn!(&name, "publishing was held up: {count} publications were left out");
                }
            }
        })?;
        Ok((Outlet { logger, jobs: Some(jobs), left_out, thread: Some(thread) }, failed))
    }

    /// Publishes; what comes while [`DEPTH`] wait already is left out, and its number told later.
    pub fn send(&self, job: impl FnOnce(&Topics) -> r2r::Result<()> + Send + 'static) {
        let outcome = self.jobs.as_ref().map(|jobs| jobs.try_send(Box::new(job)));
        // A thread that has ended has told why.
        if let Some(Err(TrySendError::Full(_))) = outcome {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Logs.
    pub fn info(&self, text: String) {
        let logger = self.logger.clone();
        self.send(move |_| {
            log_info!(&logger, "{text}");
            Ok(())
        });
    }

    /// Logs a warning.
    pub fn warn(&self, text: String) {
        let logger = self.logger.clone();
        self.send(move |_| {
            log_warn!(&logger, "{text}");
            Ok(())
        });
    }

    /// Answers a service; whoever asked may be gone, which concerns nobody but them.
    pub fn answer<S>(&self, request: ServiceRequest<S>, response: S::Response)
    where
        S: WrappedServiceTypeSupport + 'static,
        S::Response: Send,
    {
        let logger = self.logger.clone();
        self.send(move |_| {
            if let Err(error) = request.respond(response) {
                log_warn!(&logger, "a service answer was not sent: {error}");
            }
            Ok(())
        });
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.jobs = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log_warn!(&self.logger, "the thread that publishes panicked");
        }
    }
}

/// More than a second's worth of all topics together.
const DEPTH: usize = 256;
