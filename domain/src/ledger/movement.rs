//! What an event that moves money was, and what it names: the same in a wallet's report and in the books.

use uuid::Uuid;

use super::posting::{MoneyEvent, money_event};
use crate::{AnyEvent, LoanNumber, PaymentId, RepaymentId, TopUpId, TransferId, WalletPurpose, WalletSource};

/// What a movement was, and what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    TopUp(TopUpId),
    /// The loan was paid out.
    Disbursement(LoanNumber),
    Payment(PaymentId),
    /// To another wallet.
    TransferOut(TransferId),
    /// From another wallet.
    TransferIn(TransferId),
    /// Back from a transfer that its receiver could not take.
    TransferReturn(TransferId),
    /// Of a loan.
    Repayment(RepaymentId),
    /// Back from a repayment that was reversed.
    RepaymentReversal(RepaymentId),
    /// What a loan earned; no wallet has a part in it.
    Accrual(LoanNumber),
    /// The books gave up a loan; no wallet has a part in it.
    WriteOff(LoanNumber),
}

/// What [`Movement`]s are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString, strum::VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MovementKind {
    TopUp,
    Disbursement,
    Payment,
    TransferOut,
    TransferIn,
    TransferReturn,
    Repayment,
    RepaymentReversal,
    Accrual,
    WriteOff,
}

/// In which direction money moved, seen from the wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Direction {
    Credit,
    Debit,
}

/// The voucher of an entry: what its money moved for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Reference {
    TopUp(TopUpId),
    Payment(PaymentId),
    Transfer(TransferId),
    Repayment(RepaymentId),
    Loan(LoanNumber),
}

/// What a money event was; `None` of an event that posts nothing.
#[must_use]
pub fn movement(event: &AnyEvent) -> Option<Movement> {
    money_event(event).map(|moved| match moved {
        MoneyEvent::In { source, .. } => source.into(),
        MoneyEvent::Out { purpose, .. } => purpose.into(),
        MoneyEvent::Charged { loan, .. } => Movement::Accrual(loan),
        MoneyEvent::WrittenOff { loan, .. } => Movement::WriteOff(loan),
    })
}

impl MovementKind {
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Of what moves no money: whether the customer owes more by it, or we expect less.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            Self::TopUp
            | Self::Disbursement
            | Self::TransferIn
            | Self::TransferReturn
            | Self::RepaymentReversal
            | Self::WriteOff => Direction::Credit,
            Self::Payment | Self::TransferOut | Self::Repayment | Self::Accrual => Direction::Debit,
        }
    }
}

impl Movement {
    /// The movement that has this kind and names this: a loan or an id, by the kind. `None` if that is not there.
    #[must_use]
    pub fn new(kind: MovementKind, id: Option<Uuid>, loan: Option<LoanNumber>) -> Option<Self> {
        match kind {
            MovementKind::TopUp => id.map(|id| Self::TopUp(TopUpId(id))),
            MovementKind::Disbursement => loan.map(Self::Disbursement),
            MovementKind::Payment => id.map(|id| Self::Payment(PaymentId(id))),
            MovementKind::TransferOut => id.map(|id| Self::TransferOut(TransferId(id))),
            MovementKind::TransferIn => id.map(|id| Self::TransferIn(TransferId(id))),
            MovementKind::TransferReturn => id.map(|id| Self::TransferReturn(TransferId(id))),
            MovementKind::Repayment => id.map(|id| Self::Repayment(RepaymentId(id))),
            MovementKind::RepaymentReversal => id.map(|id| Self::RepaymentReversal(RepaymentId(id))),
            MovementKind::Accrual => loan.map(Self::Accrual),
            MovementKind::WriteOff => loan.map(Self::WriteOff),
        }
    }

    #[must_use]
    pub fn kind(self) -> MovementKind {
        match self {
            Self::TopUp(_) => MovementKind::TopUp,
            Self::Disbursement(_) => MovementKind::Disbursement,
            Self::Payment(_) => MovementKind::Payment,
            Self::TransferOut(_) => MovementKind::TransferOut,
            Self::TransferIn(_) => MovementKind::TransferIn,
            Self::TransferReturn(_) => MovementKind::TransferReturn,
            Self::Repayment(_) => MovementKind::Repayment,
            Self::RepaymentReversal(_) => MovementKind::RepaymentReversal,
            Self::Accrual(_) => MovementKind::Accrual,
            Self::WriteOff(_) => MovementKind::WriteOff,
        }
    }

    #[must_use]
    pub fn reference(self) -> Reference {
        match self {
            Self::TopUp(id) => Reference::TopUp(id),
            Self::Disbursement(loan) | Self::Accrual(loan) | Self::WriteOff(loan) => Reference::Loan(loan),
            Self::Payment(id) => Reference::Payment(id),
            Self::TransferOut(id) | Self::TransferIn(id) | Self::TransferReturn(id) => {
                Reference::Transfer(id)
            }
            Self::Repayment(id) | Self::RepaymentReversal(id) => Reference::Repayment(id),
        }
    }
}

impl Reference {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The id of what is not a loan.
    #[must_use]
    pub fn id(self) -> Option<Uuid> {
        match self {
            Self::TopUp(TopUpId(id))
            | Self::Payment(PaymentId(id))
            | Self::Transfer(TransferId(id))
            | Self::Repayment(RepaymentId(id)) => Some(id),
            Self::Loan(_) => None,
        }
    }

    /// The number of a loan. Then the loan is a subject of the entry too.
    #[must_use]
    pub fn loan(self) -> Option<LoanNumber> {
        match self {
            Self::Loan(loan) => Some(loan),
            Self::TopUp(_) | Self::Payment(_) | Self::Transfer(_) | Self::Repayment(_) => None,
        }
    }
}

impl From<WalletSource> for Movement {
    fn from(source: WalletSource) -> Self {
        match source {
            WalletSource::TopUp { top_up_id } => Self::TopUp(top_up_id),
            WalletSource::Disbursement { loan } => Self::Disbursement(loan),
            WalletSource::Transfer { transfer_id } => Self::TransferIn(transfer_id),
            WalletSource::Return { transfer_id } => Self::TransferReturn(transfer_id),
            WalletSource::Reversal { repayment_id, .. } => Self::RepaymentReversal(repayment_id),
        }
    }
}

impl From<WalletPurpose> for Movement {
    fn from(purpose: WalletPurpose) -> Self {
        match purpose {
            WalletPurpose::Payment { payment_id } => Self::Payment(payment_id),
            WalletPurpose::Transfer { transfer_id } => Self::TransferOut(transfer_id),
            WalletPurpose::Repayment { repayment_id, .. } => Self::Repayment(repayment_id),
        }
    }
}

impl Direction {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
