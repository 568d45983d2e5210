//! The days of loans: each once, whatever the clock does and whoever dies, and nobody waits for them.

mod jumps;
mod killed;
mod payments;
mod town;
