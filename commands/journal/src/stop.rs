//! Telling tasks to end.

use tokio::sync::watch;

/// Ends the tasks that were given its [`Stop`], on request or when it is dropped.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Held by a task; raised once and for ever.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Asks the tasks to end; they finish what they have begun.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    #[must_use]
    pub fn is_raised(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Returns once it is raised.
    pub async fn raised(&self) {
        // An error means that the stopper is gone, which raises it too.
        drop(self.0.clone().wait_for(|raised| *raised).await);
    }
}
