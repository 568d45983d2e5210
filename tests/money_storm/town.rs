//! Who takes part: the owners of the wallets, and an administrator.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::Utc;
use lumbung::auth::Tokens;
use lumbung_commands::{Call, Ledger};
use lumbung_domain::{RoleId, Rupiah, UserId, UserNumber};
use tokio::task::JoinSet;

use crate::crash::dice::Dice;
use crate::served::Folder;
use crate::served::people::{cheap_hash, sign_up_numbered, sign_up_staff};
use crate::support::people::top_up;

/// The wallet that half of the transfers touch.
pub(super) const HOT: usize = 0;
/// So full that what is sent to it comes back after a while.
pub(super) const FULL: usize = 1;
/// Their owners are deactivated and activated all the time; that ends their sessions, so they only receive.
pub(super) const SHAKY: std::ops::Range<usize> = 2..8;
/// With fewer wallets there would be nobody to send anything.
pub(super) const FEWEST: usize = SHAKY.end + 2;

/// What everybody begins with, so that commands of the storm are sometimes refused for want of money.
const FIRST_RUPIAH: i64 = 1_000_000;
/// What the full wallet can still take.
const ROOM_RUPIAH: i64 = 100_000;
/// Amounts differ in these digits, all of them, so that every event tells which command it belongs to.
const SERIALS: i64 = 1_000_000;

pub(super) struct Town {
    pub(super) holders: Vec<Holder>,
    /// The token of someone who may do everything that customers may not.
    pub(super) admin: String,
    /// Everything before was done to set the scene.
    pub(super) settled_at: i64,
    serial: AtomicI64,
}

pub(super) struct Holder {
    pub(super) user: UserId,
    pub(super) number: UserNumber,
    pub(super) token: String,
}

impl Town {
    /// Registers everybody and fills their wallets, by the use cases: real passwords would take longer than the storm.
    pub(super) async fn settle(folder: &Folder, wallets: usize) -> Arc<Self> {
        let attached = folder.attach().await;
        let (ledger, task) = attached.ledger().await;
        let tokens =
            Tokens::new(&folder.secrets().token_key, Duration::from_secs(7_200), Duration::from_secs(7_200));
        let hash = cheap_hash();
        let admin = sign_up_staff(&ledger, "admin@example.com", &hash, RoleId::SUPERADMIN, None).await;
        let admin = tokens.issue(admin.user, admin.session, Utc::now()).unwrap();
        let tokens = Arc::new(tokens);
        let mut settling = JoinSet::new();
        for index in 0..wallets {
            let (ledger, tokens, hash) = (ledger.clone(), Arc::clone(&tokens), hash.clone());
            settling.spawn(async move {
                let email = format!("storm.{index}@example.com");
                let (actor, number) = sign_up_numbered(&ledger, &email, &hash).await;
                let first = if index == FULL { Rupiah::MAX.get() - ROOM_RUPIAH } else { FIRST_RUPIAH };
                fill(&ledger, actor, first).await;
                let token = tokens.issue(actor.user, actor.session, Utc::now()).unwrap();
                (index, Holder { user: actor.user, number, token })
            });
        }
        let mut holders = settling.join_all().await;
        holders.sort_by_key(|(index, _)| *index);
        let settled_at = ledger.feed().reached();
        drop(ledger);
        task.finished().await.unwrap();
        attached.leave().await;
        let holders = holders.into_iter().map(|(_, holder)| holder).collect();
        Arc::new(Self { holders, admin, settled_at, serial: AtomicI64::new(0) })
    }

    /// An amount that no other command of the storm moves.
    pub(super) fn amount(&self, dice: &mut Dice) -> i64 {
        let serial = 1 + self.serial.fetch_add(1, Ordering::Relaxed);
        assert!(serial < SERIALS, "more commands than amounts");
        // Mostly little, sometimes more than anybody has.
        let millions = if dice.percent(8) { dice.below(6) } else { 0 };
        SERIALS * i64::try_from(millions).unwrap() + serial
    }

    /// Someone who may command.
    pub(super) fn sender(&self, dice: &mut Dice) -> usize {
        if dice.percent(20) { HOT } else { self.one_of(SHAKY.end, dice) }
    }

    /// Whom `sender` sends something.
    pub(super) fn target(&self, sender: usize, dice: &mut Dice) -> usize {
        let target = match dice.below(100) {
            0..30 => HOT,
            30..36 => FULL,
            36..56 => SHAKY.start + dice.below(SHAKY.len() as u64) as usize,
            _ => self.one_of(SHAKY.end, dice),
        };
        // Nobody transfers to themselves.
        if target == sender { FULL } else { target }
    }

    fn one_of(&self, from: usize, dice: &mut Dice) -> usize {
        from + dice.below((self.holders.len() - from) as u64) as usize
    }
}

async fn fill(ledger: &Ledger, actor: lumbung_commands::Actor, rupiah: i64) {
    let top_up = top_up(actor, rupiah);
    ledger.execute(top_up, Call::default()).await.unwrap().outcome.unwrap();
}
