//! What a process of this machine uses, read from `/proc` (Linux; elsewhere nothing is known).

use std::fs;
use std::net::SocketAddr;
use std::ops::Sub;

/// A process that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(u32);

/// Processor time, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// In its own code, in ticks of 10 ms.
    pub user: f64,
    /// In the system on its behalf, in ticks of 10 ms.
    pub system: f64,
    /// Both, as the scheduler counts: in nanoseconds, of the threads that are alive.
    pub run: f64,
}

impl Usage {
    /// User and system.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.user + self.system
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            user: self.user - earlier.user,
            system: self.system - earlier.system,
            run: self.run - earlier.run,
        }
    }
}

/// Memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident.
    pub rss: u64,
    /// Resident, what is shared with others divided by their number.
    pub pss: u64,
}

impl Process {
    /// The process `pid`, if there is one and it may be looked at.
    #[must_use]
    pub fn open(pid: u32) -> Option<Self> {
        let process = Self(pid);
        process.usage().map(|_| process)
    }

    /// This process.
    #[must_use]
    pub fn own() -> Option<Self> {
        Self::open(std::process::id())
    }

    /// The process that listens on the port of `address`.
    #[must_use]
    pub fn listening_on(address: SocketAddr) -> Option<Self> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
            .map(|table| fs::read_to_string(table).unwrap_or_default());
        let inode = tables
            .iter()
            .find_map(|table| listener(table, address.port()))?;
        let socket = format!("socket:[{inode}]");
        fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let mut open = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
            let is_ours = |file: fs::DirEntry| {
                fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == socket.as_str())
            };
            open.any(is_ours).then_some(Self(pid))
        })
    }

    /// Its number.
    #[must_use]
    pub fn pid(self) -> u32 {
        self.0
    }

    /// The processor time it has used.
    #[must_use]
    pub fn usage(self) -> Option<Usage> {
        let (user, system) = ticks(&self.read("stat")?)?;
        let threads = fs::read_dir(format!("/proc/{}/task", self.0)).ok()?;
        let run: f64 = threads
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
            .filter_map(|text| text.split_whitespace().next()?.parse::<f64>().ok())
            .sum();
        Some(Usage {
            user: user / TICKS_PER_SEC,
            system: system / TICKS_PER_SEC,
            run: run / 1e9,
        })
    }

    /// Its memory, exactly. Costs the process something; not to be asked all the time.
    #[must_use]
    pub fn memory(self) -> Option<Memory> {
        let text = self.read("smaps_rollup")?;
        Some(Memory {
            rss: kilobytes(&text, "Rss:")?,
            pss: kilobytes(&text, "Pss:")?,
        })
    }

    /// Its resident memory in bytes, cheaply.
    #[must_use]
    pub fn rss(self) -> Option<u64> {
        kilobytes(&self.read("status")?, "VmRSS:")
    }

    /// How many descriptors it has open.
    #[must_use]
    pub fn descriptors(self) -> Option<usize> {
        Some(fs::read_dir(format!("/proc/{}/fd", self.0)).ok()?.count())
    }

    /// How many descriptors it may open.
    #[must_use]
    pub fn descriptor_limit(self) -> Option<u64> {
        let text = self.read("limits")?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    fn read(self, file: &str) -> Option<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.0)).ok()
    }
}

/// The inode of the socket that listens on `port` in a table as `/proc/net/tcp`.
fn listener(table: &str, port: u16) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (_, local) = fields.next()?.rsplit_once(':')?;
        let is_listening = fields.nth(1)? == LISTEN;
        let is_there = u16::from_str_radix(local, 16) == Ok(port);
        let inode = fields.nth(5)?.parse().ok()?;
        (is_listening && is_there).then_some(inode)
    })
}

/// User and system time in `/proc/PID/stat`. The second field may hold spaces and brackets.
fn ticks(stat: &str) -> Option<(f64, f64)> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user = fields.next()?.parse().ok()?;
    let system = fields.next()?.parse().ok()?;
    Some((user, system))
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * 1024)
}

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";
/// `USER_HZ`, which Linux shows to programs as 100 on every machine (proc(5), time(7)).
const TICKS_PER_SEC: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::{kilobytes, listener, ticks};

    #[test]
    fn the_listener_is_found_among_other_sockets() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 00000000:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1
";
        assert_eq!(listener(table, 8000), Some(333));
        assert_eq!(listener(table, 8001), Some(222));
        assert_eq!(listener(table, 8002), None);
    }

    #[test]
    fn times_are_found_behind_a_name_with_brackets() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 2 3 4 50 60 0 0 20 0 3";
        assert_eq!(ticks(stat), Some((50.0, 60.0)));
        assert_eq!(ticks("7 (a"), None);
    }

    #[test]
    fn kilobytes_are_told_in_bytes() {
        assert_eq!(kilobytes("Rss:  12 kB\nPss:  5 kB\n", "Pss:"), Some(5120));
        assert_eq!(kilobytes("", "Pss:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_found_by_its_port_and_its_time_goes_on() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let process = super::Process::listening_on(address).expect("this process");
        assert_eq!(process.pid(), std::process::id());
        let usage = process.usage().expect("our own usage");
        assert!(usage.run > 0.0);
        assert!(process.memory().expect("our own memory").rss > 0);
        assert!(process.descriptor_limit().is_some() && process.descriptors() > Some(0));
    }
}
