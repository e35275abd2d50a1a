//! What of this machine stands in the way of so many connections, said before it is hit.

use std::fs;

use crate::process::Process;

/// Makes room for `connections` sockets in this process.
///
/// # Errors
/// In words, if the system does not allow so many.
pub(crate) fn make_room(connections: usize) -> Result<(), String> {
    let wanted = u64::try_from(connections)
        .unwrap_or(u64::MAX)
        .saturating_add(SPARE);
    match allowed(wanted) {
        Some(allowed) if allowed < wanted => Err(format!(
            "{connections} connections need {wanted} descriptors, and this process may open {allowed}; \
             the server has a limit of its own. Take fewer, or raise the hard limit (ulimit -Hn, as root) for both"
        )),
        _ => Ok(()),
    }
}

/// How many descriptors this process may open, after it asked for `wanted`.
#[cfg(unix)]
fn allowed(wanted: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let now = getrlimit(Resource::Nofile);
    let current = now.current?;
    if current >= wanted {
        return Some(current);
    }
    let most = now.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let attempts = [
        // A privileged process may raise the hard limit too.
        (wanted, now.maximum.map(|maximum| maximum.max(wanted))),
        (most, now.maximum),
    ];
    let raised = attempts.into_iter().find(|(current, maximum)| {
        let limit = Rlimit {
            current: Some(*current),
            maximum: *maximum,
        };
        setrlimit(Resource::Nofile, limit).is_ok()
    });
    Some(raised.map_or(current, |(raised, _)| raised))
}

#[cfg(not(unix))]
fn allowed(_wanted: u64) -> Option<u64> {
    None
}

/// What will stop `connections` before they are all open, one line each. `sources` source
/// addresses are used, 0 if the system chooses.
pub(crate) fn warnings(connections: usize, sources: u32, server: Option<Process>) -> Vec<String> {
    let connections = u64::try_from(connections).unwrap_or(u64::MAX);
    let mut warnings = Vec::new();
    let limit = server.and_then(Process::descriptor_limit);
    if let Some(limit) = limit.filter(|limit| *limit < connections + SPARE) {
        warnings.push(format!(
            "the server may open {limit} descriptors: not all of {connections} connections will be accepted"
        ));
    }
    let ports = ports().saturating_mul(u64::from(sources.max(1)));
    if ports < connections {
        warnings.push(format!(
            "there are {ports} ports for {connections} connections (net.ipv4.ip_local_port_range)"
        ));
    }
    if let Some(backlog) = number("/proc/sys/net/core/somaxconn").filter(|backlog| *backlog < 4096)
    {
        warnings.push(format!(
            "net.core.somaxconn is {backlog}: connections that come at once will be dropped and tried again a second later"
        ));
    }
    warnings
}

/// Ports of one source address.
fn ports() -> u64 {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut bounds = text
        .split_whitespace()
        .filter_map(|bound| bound.parse::<u64>().ok());
    match (bounds.next(), bounds.next()) {
        (Some(first), Some(last)) => last.saturating_sub(first) + 1,
        _ => u64::MAX,
    }
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Descriptors beside the sockets: the poller, standard streams, what is read of `/proc`.
const SPARE: u64 = 64;

#[cfg(test)]
mod tests {
    use super::{make_room, warnings};

    #[test]
    fn a_few_connections_need_nothing() {
        assert_eq!(make_room(20), Ok(()));
    }

    #[cfg(unix)]
    #[test]
    fn more_than_any_system_allows_is_refused_with_the_number() {
        let refusal = make_room(usize::MAX / 2).expect_err("too many");
        assert!(refusal.contains("descriptors"), "{refusal}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn too_few_ports_are_told_before_they_run_out() {
        assert!(
            warnings(200_000, 0, None)
                .iter()
                .any(|line| line.contains("ports"))
        );
        assert!(
            !warnings(20, 0, None)
                .iter()
                .any(|line| line.contains("ports"))
        );
    }
}
