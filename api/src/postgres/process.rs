//! Which processes of PostgreSQL exist. A number in a pid file proves nothing: it may belong to another
//! program by now (in containers it regularly does), or to a dead process that nobody has collected.
//!
//! Where `/proc` exists, command lines tell; they are readable even for processes of other accounts.
//! Elsewhere only the existence of the number is known, and PostgreSQL's own checks at start have the last
//! word.

use std::fs;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No such process, or a dead one not collected yet.
    Gone,
    /// The main process of some PostgreSQL.
    Postmaster,
    /// Another program.
    Other,
    /// A process of which this system does not say more.
    Unknown,
}

pub(super) fn kind(pid: i32) -> Kind {
    if !Path::new("/proc/self/cmdline").exists() {
        return if exists(pid) { Kind::Unknown } else { Kind::Gone };
    }
    match command_line(pid) {
        None => Kind::Gone,
        Some(line) if is_postmaster(&line) => Kind::Postmaster,
        Some(_) => Kind::Other,
    }
}

/// The processes of the cluster of this name (see `cluster_name`), main process included. Empty where `/proc`
/// is missing.
pub(super) fn of_cluster(name: &str) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| is_of_cluster(*pid, name)).collect()
}

/// Children call themselves `postgres: NAME: checkpointer`; the main process has the name among its
/// arguments.
pub(super) fn is_of_cluster(pid: i32, name: &str) -> bool {
    command_line(pid).is_some_and(|line| {
        let child = line.strip_prefix("postgres: ").is_some_and(|title| title.starts_with(name));
        child || (is_postmaster(&line) && line.contains(name))
    })
}

/// True if the process was there to get the signal.
pub(super) fn send(pid: i32, signal: Signal) -> bool {
    kill(Pid::from_raw(pid), signal).is_ok()
}

fn exists(pid: i32) -> bool {
    !matches!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH))
}

/// The arguments separated by NUL. Dead processes not collected yet have none.
fn command_line(pid: i32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok().filter(|bytes| !bytes.is_empty())?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_postmaster(line: &str) -> bool {
    let program = line.split('\0').next().unwrap_or_default();
    Path::new(program).file_name().is_some_and(|name| name == "postgres" || name == "postmaster")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_process_is_told_from_its_children_and_from_others() {
        assert!(is_postmaster("/usr/lib/postgresql/15/bin/postgres\0-D\0/d\0"));
        assert!(!is_postmaster("postgres: lumbung-1: checkpointer \0\0"));
        assert!(!is_postmaster("grep\0postgres\0"));
    }

    #[test]
    fn this_test_is_no_postmaster() {
        let me = nix::unistd::getpid().as_raw();
        assert!(matches!(kind(me), Kind::Other | Kind::Unknown));
        assert_eq!(kind(i32::MAX), Kind::Gone);
    }
}
