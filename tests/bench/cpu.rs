//! Processor time, ours and the server's, from `/proc`: where the time of a command goes, and the one figure that a
//! busy neighbour hardly moves.

use std::time::Instant;

use serde::Serialize;

use crate::Failure;

/// `USER_HZ` of every Linux that we know: what the kernel tells process times in.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads the processor time of this process, of one PostgreSQL, and of the product where that is a process of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    pub(crate) postmaster: u32,
    pub(crate) product: Option<u32>,
}

/// Since the processes started, in clock ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticks {
    own: u64,
    server: u64,
    product: Option<u64>,
    /// Of all processes and the kernel, and the time that the host took from this machine.
    everybody: u64,
    at: Instant,
}

/// Processor time per command, in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Cpu {
    /// Of this process and the programs that it ran: the load generator, and what runs in process with it.
    pub(crate) own_us: f64,
    /// Of all processes of the server.
    pub(crate) server_us: f64,
    /// Of the product, where that is a process of its own.
    pub(crate) product_us: Option<f64>,
    /// What everybody else used, in percent of the machine. More than a few, and the figure means little.
    pub(crate) others_percent: f64,
}

impl Meter {
    pub(crate) fn read(self) -> Result<Ticks, Failure> {
        let own = Stat::read("/proc/self/stat")?;
        let postmaster = Stat::read(&format!("/proc/{}/stat", self.postmaster))?;
        // Those that ended are in their parent's sum.
        let mut server = postmaster.with_ended;
        for entry in std::fs::read_dir("/proc")?.flatten() {
            if !entry.file_name().to_string_lossy().starts_with(|first: char| first.is_ascii_digit()) {
                continue;
            }
            // A process may end while we look.
            let Ok(stat) = Stat::read(&entry.path().join("stat").to_string_lossy()) else { continue };
            if stat.parent == self.postmaster {
                server += stat.with_ended;
            }
        }
        let product = match self.product {
            Some(process) => Some(Stat::read(&format!("/proc/{process}/stat"))?.with_ended),
            None => None,
        };
        Ok(Ticks { own: own.with_ended, server, product, everybody: busy()?, at: Instant::now() })
    }
}

impl Ticks {
    /// The time since `self`, shared out over so many commands.
    pub(crate) fn per_command(self, later: Self, commands: f64) -> Cpu {
        let seconds = |ticks: u64| ticks as f64 / TICKS_PER_SECOND;
        let own = later.own.saturating_sub(self.own);
        let server = later.server.saturating_sub(self.server);
        let product = later.product.zip(self.product).map(|(later, before)| later.saturating_sub(before));
        let ours = own + server + product.unwrap_or_default();
        let others = later.everybody.saturating_sub(self.everybody).saturating_sub(ours);
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let machine = (later.at - self.at).as_secs_f64() * cores;
        Cpu {
            own_us: seconds(own) * 1e6 / commands.max(1.0),
            server_us: seconds(server) * 1e6 / commands.max(1.0),
            product_us: product.map(|product| seconds(product) * 1e6 / commands.max(1.0)),
            others_percent: seconds(others) / machine * 100.0,
        }
    }
}

/// What was not idle since the machine started, in clock ticks: user, nice, system, interrupts and stolen time.
fn busy() -> Result<u64, Failure> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let fields: Vec<&str> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    let mut ticks = 0;
    for field in [1, 2, 3, 6, 7, 8] {
        ticks += fields.get(field).ok_or("processor times of another form")?.parse::<u64>()?;
    }
    Ok(ticks)
}

struct Stat {
    parent: u32,
    /// User and system time, and that of its children that ended.
    with_ended: u64,
}

impl Stat {
    fn read(path: &str) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)?;
        // The second field is the program's name in brackets, which may hold anything.
        let fields: Vec<&str> =
            text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
        let number = |field: usize| -> Result<u64, Failure> {
            Ok(fields.get(field - 3).ok_or("a process status of another form")?.parse()?)
        };
        let with_ended = number(14)? + number(15)? + number(16)? + number(17)?;
        Ok(Self { parent: u32::try_from(number(4)?)?, with_ended })
    }
}
