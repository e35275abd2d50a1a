//! How many files the process may have open: each connection is one.

use veche_config::Config;

/// Descriptors that are not clients: the event queues and listeners of workers, logs, a database, API calls.
const OTHERS: u64 = 128;

/// The limit of open files of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenFiles {
    /// What is in force; `None` for no limit.
    soft: Option<u64>,
    /// Up to where the process may raise it by itself.
    hard: Option<u64>,
}

impl OpenFiles {
    /// The limit as it is; `None` where the system has none.
    pub(crate) fn of_this_process() -> Option<Self> {
        system::limit()
    }

    /// Raises the limit as far as the process may. Returns the limit as it is then, and what it was before.
    ///
    /// Most systems begin a process with a soft limit of 1024, for programs that use `select`; this one does not.
    pub(crate) fn raise() -> Option<(Self, Self)> {
        let before = Self::of_this_process()?;
        if before.soft != before.hard {
            system::raise(before);
        }
        Some((Self::of_this_process()?, before))
    }

    /// What to say where fewer clients fit in than `client.connection_limit` lets in, if the process may raise the limit
    /// or has done so.
    pub(crate) fn shortage(self, config: &Config) -> Option<String> {
        let clients = u64::try_from(config.client.connection_limit).unwrap_or(u64::MAX);
        let wanted = clients.saturating_add(OTHERS);
        let hard = self.hard.filter(|hard| *hard < wanted && clients > 0)?;
        Some(format!(
            "client.connection_limit is {clients}, but the process may open at most {hard} files, and each connection \
             is one: raise the limit of open files to {wanted} (LimitNOFILE in systemd, --ulimit nofile in Docker, \
             ulimit -Hn in a shell)"
        ))
    }
}

/// Raises the limit, and tells the log.
pub(crate) fn raise_and_log(config: &Config) {
    let Some((now, before)) = OpenFiles::raise() else {
        return;
    };
    let shown = |limit: Option<u64>| {
        limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
    };
    tracing::info!(
        limit = shown(now.soft),
        before = shown(before.soft),
        "the limit of open files"
    );
    if let Some(shortage) = now.shortage(config) {
        tracing::warn!("{shortage}");
    }
}

#[cfg(unix)]
mod system {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::OpenFiles;

    pub(super) fn limit() -> Option<OpenFiles> {
        let limit = getrlimit(Resource::Nofile);
        Some(OpenFiles {
            soft: limit.current,
            hard: limit.maximum,
        })
    }

    /// What cannot be raised stays as it is: the log tells what is in force.
    pub(super) fn raise(limit: OpenFiles) {
        /// macOS refuses more (`OPEN_MAX` in sys/syslimits.h), whatever the hard limit says.
        const OPEN_MAX: u64 = 10_240;
        let raised = |soft| Rlimit {
            current: soft,
            maximum: limit.hard,
        };
        if setrlimit(Resource::Nofile, raised(limit.hard)).is_err()
            && limit.soft.is_some_and(|soft| soft < OPEN_MAX)
        {
            // As above.
            let _ = setrlimit(Resource::Nofile, raised(Some(OPEN_MAX)));
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::OpenFiles;

    pub(super) fn limit() -> Option<OpenFiles> {
        None
    }

    pub(super) fn raise(_: OpenFiles) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortage(connection_limit: usize, hard: Option<u64>) -> Option<String> {
        let mut config = Config::default();
        config.client.connection_limit = connection_limit;
        OpenFiles {
            soft: Some(1024),
            hard,
        }
        .shortage(&config)
    }

    #[test]
    fn a_limit_of_files_below_that_of_connections_is_named_with_what_is_needed() {
        let said = shortage(100_000, Some(65_536)).unwrap();
        for part in ["client.connection_limit is 100000", "65536", "100128"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(
            shortage(1000, Some(1024)).is_some(),
            "the server needs some itself"
        );
    }

    #[test]
    fn nothing_is_said_where_all_fit_in_or_no_number_is_wanted() {
        assert_eq!(shortage(1000, Some(2048)), None);
        assert_eq!(shortage(100_000, None), None);
        assert_eq!(shortage(0, Some(1024)), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let (now, before) = OpenFiles::raise().unwrap();
        assert_eq!(now.hard, before.hard);
        assert_eq!(now.soft, now.hard);
    }
}
