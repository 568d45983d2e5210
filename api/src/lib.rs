//! The outside of Lumbung: HTTP, configuration, the embedded PostgreSQL and the command line.

pub mod cli;
pub mod config;
pub mod run;

pub mod data_dir;
pub mod place;
pub mod postgres;
pub mod secret;

pub mod app;
pub mod node;
pub mod numbers;

pub mod audit;
pub mod auth;
pub mod business_date;
pub mod daily_run;
pub mod demo;
pub mod demo_history;
pub mod expiry;
pub mod http;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod operations;
pub mod outbox;
pub mod rest;
pub mod seats;
pub mod uploads;
