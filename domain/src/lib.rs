//! The pure rules of the ledger: no IO, no clock, no random ids.
mod aggregate;
