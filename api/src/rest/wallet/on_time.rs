//! The seat of a report, for as long as its client goes on reading: a client that is too slow loses it by the clock, even
//! while the connection asks for nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::seats::Seat;

/// Given back when dropped, or when the time is over.
pub(super) struct OnTime {
    seat: Arc<Mutex<Option<Seat>>>,
    pause: Duration,
    /// When the next piece must have been asked for.
    due: watch::Sender<Instant>,
}

impl OnTime {
    /// `pause`: longest time for each piece. `whole`: for all of them.
    pub(super) fn new(seat: Seat, pause: Duration, whole: Duration) -> Self {
        let seat = Arc::new(Mutex::new(Some(seat)));
        let now = Instant::now();
        let (due, asked) = watch::channel(now + pause);
        tokio::spawn(end_in_time(Arc::clone(&seat), asked, now + whole));
        Self { seat, pause, due }
    }

    /// Says that a piece was asked for, or handed out; `false` once the time is over.
    pub(super) fn goes_on(&self) -> bool {
        self.due.send(Instant::now() + self.pause).is_ok() && lock(&self.seat).is_some()
    }
}

impl Drop for OnTime {
    fn drop(&mut self) {
        lock(&self.seat).take();
    }
}

async fn end_in_time(seat: Arc<Mutex<Option<Seat>>>, mut asked: watch::Receiver<Instant>, last: Instant) {
    loop {
        let due = (*asked.borrow_and_update()).min(last);
        tokio::select! {
            () = sleep_until(due) => break,
            asked = asked.changed() => if asked.is_err() {
                break;
            },
        }
    }
    lock(&seat).take();
}

fn lock(seat: &Mutex<Option<Seat>>) -> std::sync::MutexGuard<'_, Option<Seat>> {
    seat.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use lumbung_domain::UserId;
    use uuid::Uuid;

    use super::*;
    use crate::seats::Seats;

    const LONG: Duration = Duration::from_secs(600);
    const SHORT: Duration = Duration::from_millis(20);

    async fn free(seats: &Arc<Seats>) -> Seat {
        let started = Instant::now();
        loop {
            if let Some(seat) = seats.take(UserId(Uuid::nil())) {
                return seat;
            }
            assert!(started.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn who_reads_nothing_loses_the_seat() {
        let seats = Seats::new(1, 1);
        let idle = OnTime::new(free(&seats).await, SHORT, LONG);
        // Nobody asks for a piece meanwhile.
        let _seat = free(&seats).await;
        assert!(!idle.goes_on());
    }

    #[tokio::test]
    async fn who_trickles_loses_the_seat() {
        let seats = Seats::new(1, 1);
        let trickling = OnTime::new(free(&seats).await, LONG, SHORT);
        while trickling.goes_on() {
            tokio::task::yield_now().await;
        }
        assert!(seats.take(UserId(Uuid::nil())).is_some());
    }

    #[tokio::test]
    async fn who_is_done_gives_the_seat_back_at_once() {
        let seats = Seats::new(1, 1);
        let quick = OnTime::new(free(&seats).await, LONG, LONG);
        assert!(quick.goes_on());
        assert!(seats.take(UserId(Uuid::nil())).is_none());
        drop(quick);
        assert!(seats.take(UserId(Uuid::nil())).is_some());
    }
}
