//! The days of loans: each once, whatever the clock does and whoever dies, and nobody waits for them.

mod fill;
mod http;
mod jumps;
mod killed;
mod pace;
mod payments;
mod restart;
mod town;
mod trouble;
