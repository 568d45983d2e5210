//! The outside of Lumbung: HTTP, configuration, the embedded PostgreSQL and the command line.

pub mod cli;
pub mod config;
pub mod data_dir;
pub mod node;
pub mod place;
pub mod postgres;
pub mod secret;
