//! The log, folded event by event without the product's own rules, and what must hold at every position.
//!
//! Three accounts of the same money that do not know of each other: the balances that the wallets' events tell, the
//! transfers whose own events say that they are on their way, and what came in and was paid. Beside them the balanced
//! postings.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use lumbung_domain::Account;
use lumbung_domain::{
    AnyEvent, Instruction, TransferEvent, TransferId, UserId, WalletEvent, WalletPurpose, WalletSource,
    postings,
};
use lumbung_journal::{Head, JournalError, Record, codec, read};
use sqlx::PgConnection;
use uuid::Uuid;

const PAGE: i64 = 2_000;
/// How many looks back the balances of the accounts are still known.
const REMEMBERED: usize = 64;

pub(super) struct Pages {
    pub(super) head: Head,
    pub(super) wallets: HashMap<UserId, Wallet>,
    pub(super) transfers: HashMap<TransferId, Course>,
    /// Pending and parked.
    open: HashSet<TransferId>,
    pub(super) parked: HashSet<TransferId>,
    /// Changed since the last look.
    touched: HashSet<TransferId>,
    /// Debits positive, credits negative.
    pub(super) accounts: BTreeMap<Account, i64>,
    /// The accounts as they were at the last looks.
    pub(super) looks: VecDeque<(i64, BTreeMap<Account, i64>)>,
    came_in_rupiah: i64,
    paid_rupiah: i64,
    pub(super) movements: HashMap<Uuid, Movement>,
    pub(super) settled: u64,
    pub(super) returned: u64,
}

#[derive(Default)]
pub(super) struct Wallet {
    /// By the amounts alone.
    pub(super) rupiah: i64,
    /// Position and balance behind every change.
    pub(super) history: Vec<(i64, i64)>,
}

/// What a customer's own command did to their wallet: top-ups, payments, and the debits of transfers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Movement {
    pub(super) what: What,
    pub(super) owner: UserId,
    pub(super) amount_rupiah: i64,
    pub(super) after_rupiah: i64,
    pub(super) position: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum What {
    TopUp,
    Payment,
    Transfer,
}

/// What the log says of one transfer.
#[derive(Default)]
pub(super) struct Course {
    pub(super) instruction: Option<Instruction>,
    debits: Vec<(UserId, i64)>,
    credits: Vec<(UserId, i64, End)>,
    ends: Vec<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Settled,
    Returned,
}

impl Pages {
    pub(super) fn new() -> Self {
        Self {
            head: Head::EMPTY,
            wallets: HashMap::new(),
            transfers: HashMap::new(),
            open: HashSet::new(),
            parked: HashSet::new(),
            touched: HashSet::new(),
            accounts: BTreeMap::new(),
            looks: VecDeque::new(),
            came_in_rupiah: 0,
            paid_rupiah: 0,
            movements: HashMap::new(),
            settled: 0,
            returned: 0,
        }
    }

    /// Reads on to the end of the log, and looks whether everything adds up there.
    pub(super) async fn look(&mut self, connection: &mut PgConnection) -> Result<(), JournalError> {
        loop {
            let records = read::after(&mut *connection, self.head.position, PAGE).await?;
            for record in &records {
                self.fold(record);
            }
            if (records.len() as i64) < PAGE {
                break;
            }
        }
        self.assert_conserved();
        if self.looks.back().is_none_or(|(position, _)| *position < self.head.position) {
            self.looks.push_back((self.head.position, self.accounts.clone()));
            if self.looks.len() > REMEMBERED {
                self.looks.pop_front();
            }
        }
        Ok(())
    }

    pub(super) fn pending(&self) -> usize {
        self.open.len() - self.parked.len()
    }

    fn fold(&mut self, record: &Record) {
        // What was read once is never anything else again, whoever was killed.
        record.check_follows(self.head).unwrap_or_else(|broken| panic!("the log changed: {broken}"));
        self.head = record.head();
        let event = codec::decode(record).unwrap();
        let mut sum = 0;
        for posting in postings(&event, &record.stream.id) {
            sum += posting.signed_rupiah;
            *self.accounts.entry(posting.account).or_default() += posting.signed_rupiah;
        }
        assert_eq!(sum, 0, "the postings at {}", record.position);
        match event {
            AnyEvent::Wallet(event) => self.move_money(record, event),
            AnyEvent::Transfer(event) => self.take_course(record, event),
            _ => {}
        }
    }

    fn move_money(&mut self, record: &Record, event: WalletEvent) {
        let owner: UserId = record.stream.id.parse().unwrap();
        let (signed, told) = match &event {
            WalletEvent::WalletOpened { .. } => return,
            WalletEvent::WalletCredited { amount_rupiah, balance_rupiah, .. } => {
                (amount_rupiah.get(), balance_rupiah.get())
            }
            WalletEvent::WalletDebited { amount_rupiah, balance_rupiah, .. } => {
                (-amount_rupiah.get(), balance_rupiah.get())
            }
        };
        let position = record.position;
        let wallet = self.wallets.entry(owner).or_default();
        wallet.rupiah += signed;
        assert!(wallet.rupiah >= 0, "wallet {owner} is at {} at {position}", wallet.rupiah);
        assert_eq!(wallet.rupiah, told, "the balance of wallet {owner} at {position}");
        wallet.history.push((position, told));
        let amount = signed.abs();
        let moved = |what| Movement { what, owner, amount_rupiah: amount, after_rupiah: told, position };
        let (id, movement) = match event {
            WalletEvent::WalletOpened { .. } => return,
            WalletEvent::WalletCredited { source, .. } => match source {
                WalletSource::TopUp { top_up_id } => {
                    self.came_in_rupiah += amount;
                    (top_up_id.0, moved(What::TopUp))
                }
                WalletSource::Disbursement { .. } => {
                    self.came_in_rupiah += amount;
                    return;
                }
                WalletSource::Transfer { transfer_id } => {
                    return self.course(transfer_id).credits.push((owner, amount, End::Settled));
                }
                WalletSource::Return { transfer_id } => {
                    return self.course(transfer_id).credits.push((owner, amount, End::Returned));
                }
                WalletSource::Reversal { .. } => panic!("nobody repays"),
            },
            WalletEvent::WalletDebited { purpose, .. } => match purpose {
                WalletPurpose::Payment { payment_id } => {
                    self.paid_rupiah += amount;
                    (payment_id.0, moved(What::Payment))
                }
                WalletPurpose::Transfer { transfer_id } => {
                    self.course(transfer_id).debits.push((owner, amount));
                    (transfer_id.0, moved(What::Transfer))
                }
                WalletPurpose::Repayment { .. } => panic!("nobody repays"),
            },
        };
        let twice = self.movements.insert(id, movement);
        assert!(twice.is_none(), "{id} is in the log at {twice:?} and {movement:?}");
    }

    fn take_course(&mut self, record: &Record, event: TransferEvent) {
        let id: TransferId = record.stream.id.parse().unwrap();
        let course = self.course(id);
        match event {
            TransferEvent::TransferStarted(instruction) => {
                assert!(course.instruction.is_none(), "transfer {id} started twice");
                course.instruction = Some(instruction);
                self.open.insert(id);
            }
            TransferEvent::TransferSettled { .. } => {
                course.ends.push(End::Settled);
                self.settled += 1;
                self.open.remove(&id);
            }
            TransferEvent::TransferReturned { .. } => {
                course.ends.push(End::Returned);
                self.returned += 1;
                self.open.remove(&id);
            }
            TransferEvent::TransferParked { .. } => {
                self.parked.insert(id);
            }
            TransferEvent::TransferRetried {} => {
                self.parked.remove(&id);
            }
        }
    }

    fn course(&mut self, id: TransferId) -> &mut Course {
        self.touched.insert(id);
        self.transfers.entry(id).or_default()
    }

    /// Holds between any two batches of events, so behind the last event that anybody can read.
    fn assert_conserved(&mut self) {
        let at = self.head.position;
        for id in self.touched.drain() {
            self.transfers[&id].assert_sound(id);
        }
        let wallets: i64 = self.wallets.values().map(|wallet| wallet.rupiah).sum();
        let amount = |id: &TransferId| self.transfers[id].instruction.as_ref().unwrap().amount_rupiah.get();
        let in_transit: i64 = self.open.iter().map(amount).sum();
        let held = (wallets, in_transit, self.paid_rupiah);
        assert_eq!(
            wallets + in_transit + self.paid_rupiah,
            self.came_in_rupiah,
            "wallets, in transit, paid at {at}: {held:?}"
        );
        let account = |account| self.accounts.get(&account).copied().unwrap_or_default();
        assert_eq!(self.accounts.values().sum::<i64>(), 0, "the trial balance at {at}");
        let owed = (
            -account(Account::CustomerWallets),
            -account(Account::TransfersInTransit),
            -account(Account::MerchantSettlement),
        );
        assert_eq!(owed, held, "the accounts at {at}, and what they stand for");
    }

    /// Whether a wallet had this balance at this position, or at a later one that was read since.
    pub(super) fn had(&self, owner: UserId, balance_rupiah: i64, position: i64) -> bool {
        let Some(wallet) = self.wallets.get(&owner) else { return balance_rupiah == 0 };
        let later = wallet.history.iter().rev().take_while(|(at, _)| *at > position).count();
        // Before its first movement it was empty.
        if later == wallet.history.len() && balance_rupiah == 0 {
            return true;
        }
        let first = (wallet.history.len() - later).saturating_sub(1);
        wallet.history[first..].iter().any(|(_, balance)| *balance == balance_rupiah)
    }

    /// What is left to see once nobody commands and nothing is on its way.
    pub(super) fn assert_all_ended(&self) {
        assert!(self.open.is_empty(), "{} transfers without an end", self.open.len());
        for (id, course) in &self.transfers {
            course.assert_sound(*id);
            assert_eq!((course.credits.len(), course.ends.len()), (1, 1), "transfer {id}");
        }
    }
}

impl Course {
    /// One debit, at most one end, and with the end the one credit that it stands for.
    fn assert_sound(&self, id: TransferId) {
        let instruction = self.instruction.as_ref().unwrap_or_else(|| panic!("transfer {id} never started"));
        let amount = instruction.amount_rupiah.get();
        assert_eq!(self.debits, [(instruction.sender, amount)], "debits of transfer {id}");
        assert!(self.ends.len() <= 1, "transfer {id} ended {} times: {:?}", self.ends.len(), self.ends);
        let due: Vec<_> = self
            .ends
            .iter()
            .map(|end| match end {
                End::Settled => (instruction.target, amount, *end),
                End::Returned => (instruction.sender, amount, *end),
            })
            .collect();
        assert_eq!(self.credits, due, "credits of transfer {id}");
    }

    pub(super) fn status(&self) -> &'static str {
        match self.ends.first() {
            None => "PENDING",
            Some(End::Settled) => "SUCCESS",
            Some(End::Returned) => "RETURNED",
        }
    }
}
