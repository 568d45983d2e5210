//! What the tests stand on: a real PostgreSQL, ledgers in this process, people in them.

// Every topic uses another part of it.
#![allow(dead_code)]

pub(crate) mod cluster;
pub(crate) mod ledger;
pub(crate) mod people;
pub(crate) mod proxy;
