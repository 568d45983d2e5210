//! The outside of Lumbung: HTTP, configuration, the embedded PostgreSQL and the command line.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod data_dir;
pub mod demo;
pub mod newcomer;
pub mod node;
pub mod numbers;
pub mod place;
pub mod postgres;
pub mod rest;
pub mod run;
pub mod secret;
