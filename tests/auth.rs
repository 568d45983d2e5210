//! Coming in, staying in, leaving, and getting back in without a password.

mod addresses;
mod flood;
mod house;
mod limits;
mod moved;
mod outbox;
mod passwords;
mod resets;
mod sessions;
mod smtp;
