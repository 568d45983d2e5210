//! The pure rules of the loan ledger: aggregates, events and money.
//!
//! Deliberately absent: IO, clocks, random ids and personal values in clear. A rule that touches several
//! aggregates is a use case of the crate `lumbung-commands`, never a command of one of them.

mod aggregate;
mod any;
mod fold;
mod rejection;
mod sealed;

mod decimal;
mod invalid;
mod letter;
mod text;

mod branch_code;
mod credential;
mod id;
mod money;
mod permission;
mod person;
mod rate;
mod schedule;
mod tenor;

mod branch;
mod claim;
mod document;
mod ledger;
mod lending_rules;
mod loan;
mod message;
mod plafond;
mod product;
mod profile;
mod role;
mod servicing_terms;
mod session;
mod staff;
mod transfer;
mod user;
mod wallet;

mod cqrs;

pub use aggregate::{Aggregate, Event};
pub use any::{AggregateType, AnyAggregate, AnyEvent, StreamId, WrongAggregate};
pub use branch::{Branch, BranchCommand, BranchEvent};
pub use branch_code::{BranchCode, Place};
pub use claim::{Claim, ClaimCommand, ClaimEvent, Holder};
pub use cqrs::Cqrs;
pub use credential::{PasswordHash, check_new_password, check_new_pin};
pub use decimal::whole_number;
pub use document::{
    Document, DocumentCommand, DocumentEvent, DocumentKind, DocumentRef, MediaType, StoredDocument,
};
pub use id::{
    BranchId, ClaimId, DocumentId, LedgerId, LoanNumber, MessageId, PaymentId, PlafondNumber, ProductId,
    RepaymentId, RoleId, SessionId, TopUpId, TransferId, UserId, UserNumber,
};
pub use invalid::Invalid;
pub use ledger::{
    Account, AccountClass, Direction, Ledger, LedgerCommand, LedgerEvent, Movement, MovementKind, Pair,
    Posting, Reference, Side, Subject, Totals, TrialBalance, booked_on, movement, pairs, postings,
};
pub use lending_rules::{
    Cap, Collectibility, Edition, LegalCaps, LendingRules, LendingRulesCommand, LendingRulesEvent,
};
pub use letter::Letter;
pub use loan::{
    Agreement, Allotment, Amounts, Application, Bill, BillStatus, BranchSnapshot, Condition,
    CustomerSnapshot, Debt, Incoming, Line, Loan, LoanCommand, LoanEvent, LoanStatus, Officer, Owed, Paid,
    Receipt, Repayment, Reversal, Serviced, Stage, Standing, Submission,
};
pub use message::{
    Channel, DeliveryFailure, Dropped, Message, MessageCommand, MessageEvent, MessageKind, Queued,
};
pub use money::Rupiah;
pub use permission::{Grants, Permission};
pub use person::{Address, Birthdate, Email, Nik, PersonName, Phone};
pub use plafond::{LoanRequest, Plafond, PlafondCommand, PlafondEvent, Reservation};
pub use product::{Offer, Product, ProductChange, ProductCommand, ProductEvent, ProductTerms};
pub use profile::Profile;
pub use rate::Rate;
pub use rejection::Rejection;
pub use role::{Role, RoleCommand, RoleEvent};
pub use schedule::{DayCount, Instalment, Method, Plan};
pub use sealed::{Personal, Sealed};
pub use servicing_terms::{Allocation, Component, ServicingChange, ServicingTerms};
pub use session::{Session, SessionCommand, SessionEvent};
pub use staff::{Staff, StaffCommand, StaffEvent};
pub use tenor::Tenor;
pub use text::{Note, Remarks};
pub use transfer::{
    Instruction, ParkReason, ReturnReason, Transfer, TransferCommand, TransferEvent, TransferStatus,
};
pub use user::{
    Amendment, NameParts, PasswordChange, PendingReset, Person, Registration, User, UserCommand, UserEvent,
    UserType,
};
pub use wallet::{Wallet, WalletCommand, WalletEvent, WalletPurpose, WalletSource};
