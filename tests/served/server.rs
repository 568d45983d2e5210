//! One `lumbung serve`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::{Folder, Http};

/// Includes the first start of a cluster, on a slow and busy machine.
const READY_WITHIN: Duration = Duration::from_secs(300);
const STOPPED_WITHIN: Duration = Duration::from_secs(180);
const READY: &str = "Lumbung is ready on http://";

static NUMBER: AtomicU32 = AtomicU32::new(1);

/// Killed when dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
    log: PathBuf,
    printed: watch::Sender<String>,
}

impl Server {
    /// Starts the binary on the folder and waits until it is ready.
    pub(crate) async fn start(folder: &Folder) -> Self {
        Self::start_with(folder, &[]).await
    }

    /// The same with settings of the test's own in its environment.
    pub(crate) async fn start_with(folder: &Folder, env: &[(&str, &str)]) -> Self {
        let mut server = Self::spawn(folder, env).await;
        server.wait_ready().await;
        server
    }

    async fn spawn(folder: &Folder, env: &[(&str, &str)]) -> Self {
        let log = folder.log(NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
        // The tests know who is there; a history would be others.
        let words = ["serve", "--no-demo-history", "--listen", "127.0.0.1:0", "--data-dir"];
        command.args(words).arg(folder.data());
        for (name, _) in std::env::vars_os() {
            if name == "DATABASE_URL" || name.to_string_lossy().starts_with("LUMBUNG_") {
                command.env_remove(name);
            }
        }
        command.envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = None;
        let greeting = async {
            while let Ok(Some(line)) = lines.next_line().await {
                address = line.strip_prefix(READY).map(str::to_owned);
                if address.is_some() {
                    break;
                }
            }
        };
        let in_time = tokio::time::timeout(READY_WITHIN, greeting).await.is_ok();
        let Some(address) = address else {
            panic!("the server did not start (in time: {in_time}); it said:\n{}", tail(&log));
        };
        // Somebody has to read the rest, or the server would wait for them.
        let printed = watch::Sender::new(String::new());
        let print = printed.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                print.send_modify(|text| *text = format!("{text}{line}\n"));
            }
        });
        Self { child, address, log, printed }
    }

    /// Waits until the server takes part; after a crash of PostgreSQL it needs a while.
    pub(crate) async fn wait_ready(&mut self) {
        let http = Http::new();
        let started = Instant::now();
        loop {
            let told = http.get(&self.address, "/readyz", None).await;
            if told.as_ref().is_ok_and(|told| told.status == 200) {
                return;
            }
            self.assert_alive();
            assert!(
                started.elapsed() < READY_WITHIN,
                "never ready: {told:?}; the server said:\n{}",
                self.said()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// That nobody but the test ends the server.
    pub(crate) fn assert_alive(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            let said = self.said();
            let last = said.lines().last().unwrap_or_default();
            panic!("the server ended by itself ({status}): {last}\nIt said:\n{said}");
        }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What it printed since it was ready, once there is something of interest in it.
    pub(crate) async fn printed(&self, interest: &str) -> String {
        let mut printed = self.printed.subscribe();
        let found = printed.wait_for(|text| text.contains(interest));
        tokio::time::timeout(READY_WITHIN, found).await.expect("it was never printed").unwrap().clone()
    }

    /// The end of what it wrote to its log.
    pub(crate) fn said(&self) -> String {
        tail(&self.log)
    }

    /// The file of its log.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.assert_alive();
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, as a supervisor of services would, and waits until it has.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
        let ended = tokio::time::timeout(STOPPED_WITHIN, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("did not stop; the server said:\n{}", tail(&self.log))).unwrap()
    }
}

fn tail(log: &PathBuf) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
