#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! The acceptance suite: one binary, real PostgreSQL, no mocks.

mod admin;
mod audit;
mod auth;
mod books;
mod connections;
mod crash;
mod daily_run;
mod demo_history;
mod edits;
mod embedded;
mod events_page;
mod export;
mod forged;
mod golden;
mod identity;
mod leaks;
mod ledger;
mod loans;
mod money_storm;
mod observability;
mod profile;
mod rest_browsers;
mod rest_edge;
mod rest_smoke;
mod scenario;
mod served;
mod servicing;
mod storm;
mod support;
mod transfers;
mod wallet;
