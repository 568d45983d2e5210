//! The outside of Lumbung: HTTP, configuration, the embedded PostgreSQL and the command line.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod data_dir;
pub mod numbers;
pub mod postgres;
pub mod rest;
pub mod secret;
