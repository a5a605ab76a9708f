//! What it means that a part of the bridge ends: the bridge ends, too.

use tokio::task::{JoinError, JoinSet};

/// A part of the bridge ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} ended: {cause}")]
pub struct Fault {
    part: &'static str,
    cause: String,
}

impl Fault {
    /// A fault of this part.
    pub fn new(part: &'static str, cause: impl ToString) -> Fault {
        Fault { part, cause: cause.to_string() }
    }
}

/// Starts a part that must not end.
pub fn spawn(
    tasks: &mut JoinSet<Fault>,
    part: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    tasks.spawn(async move {
        task.await;
        Fault::new(part, "it returned")
    });
}

/// Waits for the first part that ends.
pub async fn first(tasks: &mut JoinSet<Fault>) -> Fault {
    match tasks.join_next().await {
        Some(Ok(fault)) => fault,
        Some(Err(error)) => Fault::new("a task", error),
        None => Fault::new("everything", "no task is left"),
    }
}

/// Why a task ended that must not have.
pub fn why<T>(ended: Result<T, JoinError>) -> String {
    match ended {
        Ok(_) => "it returned".to_owned(),
        Err(error) => error.to_string(),
    }
}
