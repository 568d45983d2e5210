//! The access view holds what the log says, whoever reads and writes meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use lumbung_domain::*;
use lumbung_projections::{AccessView, Stopper};

use crate::log::Log;
use crate::people::{session, user};

const PATIENCE: Duration = Duration::from_secs(20);

fn start(log: &Log) -> (Arc<AccessView>, Stopper) {
    follow(AccessView::new(log.pool.clone(), Arc::clone(&log.feed)))
}

fn follow(view: Arc<AccessView>) -> (Arc<AccessView>, Stopper) {
    let (stopper, stop) = Stopper::new();
    let following = Arc::clone(&view);
    tokio::spawn(async move { following.follow(&stop).await.unwrap() });
    (view, stopper)
}

#[tokio::test]
async fn who_is_it_and_what_may_they_do() {
    let mut log = Log::new().await;
    log.define_role(RoleId::CUSTOMER, &[Permission::LoanCreate]);
    log.register(1);
    log.log_in(1, 1);
    log.commit().await;
    let (view, _stopper) = start(&log);

    let identity = view.identify(session(1)).await.unwrap().unwrap();
    assert_eq!(identity.person().unwrap().user_id, user(1));
    assert_eq!(identity.session(), session(1));
    assert!(identity.allows(Permission::LoanCreate) && !identity.allows(Permission::PlafondRead));
    assert!(view.identify(session(2)).await.unwrap().is_none());

    let command = RoleCommand::ReplacePermissions { grants: Grants::only(&[Permission::PlafondRead]) };
    log.run::<Role>(RoleId::CUSTOMER, command).unwrap();
    log.log_in(2, 1);
    log.commit().await;
    view.wait_until_current(PATIENCE).await.unwrap();
    // Session 2 was looked for before it was opened: that it was not there must not be remembered.
    let identity = view.identify(session(2)).await.unwrap().unwrap();
    assert!(!identity.allows(Permission::LoanCreate) && identity.allows(Permission::PlafondRead));

    log.run::<Session>(session(2), SessionCommand::End).unwrap();
    let position = log.commit().await;
    view.wait_until_applied(position, PATIENCE).await.unwrap();
    assert!(view.identify(session(2)).await.unwrap().is_none());
    assert!(view.identify(session(1)).await.unwrap().is_some());

    log.run::<User>(user(1), UserCommand::Deactivate).unwrap();
    log.commit().await;
    view.wait_until_current(PATIENCE).await.unwrap();
    assert!(view.identify(session(1)).await.unwrap().is_none());
    let behind = view.wait_until_applied(log.position() + 1, Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(behind.projected, log.position());
}

/// One writer, many readers. The view drops streams all the time (its shelf of wallets is smaller than their
/// number), so loads race with the feed at every moment. A reader that waited for a position must find at least the
/// version that the stream had there, and every state must be the fold of exactly its version.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn coherent_under_load() {
    const WALLETS: usize = 40;
    const BATCHES: usize = 1_500;
    const READS: u64 = 1_000;
    let mut log = Log::new().await;
    let (view, stopper) = follow(AccessView::bounded(log.pool.clone(), Arc::clone(&log.feed), |_| 8));
    let versions: Arc<Vec<AtomicI64>> = Arc::new((0..WALLETS).map(|_| AtomicI64::new(0)).collect());
    let done = Arc::new(AtomicI64::new(0));
    let reads = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = (0..16_usize)
        .map(|reader| {
            let (view, versions, done) = (Arc::clone(&view), Arc::clone(&versions), Arc::clone(&done));
            let reads = Arc::clone(&reads);
            tokio::spawn(async move {
                let mut number = reader;
                while done.load(Ordering::Acquire) == 0 {
                    number = (number * 31 + 17) % WALLETS;
                    let acknowledged = versions[number].load(Ordering::Acquire);
                    view.wait_until_current(PATIENCE).await.unwrap();
                    let (wallet, version) = view.get::<Wallet>(user(number as u128)).await.unwrap();
                    assert!(version >= acknowledged, "read version {version}, acknowledged {acknowledged}");
                    check(&wallet, version);
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    // On a slow machine the writer goes on until enough was read.
    for batch in 0..100 * BATCHES {
        if batch >= BATCHES && reads.load(Ordering::Relaxed) >= READS {
            break;
        }
        let touched: Vec<usize> =
            (0..1 + batch % 7).map(|step| (batch * 13 + step * step) % WALLETS).collect();
        for number in &touched {
            credit(&mut log, *number);
        }
        log.commit().await;
        for number in touched {
            let version = log.state::<Wallet>(user(number as u128)).1;
            versions[number].store(version, Ordering::Release);
        }
        if batch % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    done.store(1, Ordering::Release);
    for reader in readers {
        reader.await.unwrap();
    }
    view.wait_until_current(PATIENCE).await.unwrap();
    for number in 0..WALLETS {
        let (wallet, version) = view.get::<Wallet>(user(number as u128)).await.unwrap();
        assert_eq!((wallet.as_ref().clone(), version), log.state::<Wallet>(user(number as u128)));
    }
    let reads = reads.load(Ordering::Relaxed);
    assert!(reads >= READS, "only {reads} reads");
    stopper.stop();
}

/// The first event opens, every further one adds one rupiah.
fn check(wallet: &Wallet, version: i64) {
    assert_eq!(wallet.balance().get(), (version - 1).max(0), "at version {version}");
}

fn credit(log: &mut Log, number: usize) {
    let owner = user(number as u128);
    let source = WalletSource::TopUp { top_up_id: TopUpId(owner.0) };
    let amount = crate::people::rupiah(1);
    let command =
        WalletCommand::Credit { owner, amount, source, remarks: None, business_on: crate::people::today() };
    log.run::<Wallet>(owner, command).unwrap();
}
