//! What the system tells a running server: to stop, or that somebody wants it to look at its surroundings again.

use std::io;

use veche_server::logging::Log;

/// The signals that a server hears. From the moment when they are listened to, none of them ends the process by itself.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    /// Whether the end of the terminal is the end of the server.
    ends_with_terminal: bool,
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen, on a runtime. With `ends_with_terminal` SIGHUP stops the server, if its standard output was a
    /// terminal and is none any more: somebody has closed the window.
    ///
    /// # Errors
    /// If the system has no room for a handler.
    pub(crate) fn listen(ends_with_terminal: bool) -> io::Result<Self> {
        use std::io::IsTerminal;

        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            ends_with_terminal: ends_with_terminal && io::stdout().is_terminal(),
        })
    }

    /// Waits until the server is to stop. SIGHUP is answered meanwhile: `log.file` is opened again.
    ///
    /// # Cancel safety
    /// May be dropped, and called again.
    pub(crate) async fn stop_requested(&mut self, log: &Log) {
        use std::io::IsTerminal;

        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => {
                    if self.ends_with_terminal && !io::stdout().is_terminal() {
                        return;
                    }
                    let reopened = if log.reopen() {
                        "log.file is opened again; "
                    } else {
                        ""
                    };
                    tracing::warn!(
                        "SIGHUP: {reopened}the configuration is not read again yet: restart the server to apply a change"
                    );
                }
            }
        }
    }
}

/// The signals that a server hears.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Begins to listen; there is only Ctrl+C here.
    ///
    /// # Errors
    /// None here.
    pub(crate) fn listen(_: bool) -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for Ctrl+C.
    ///
    /// # Cancel safety
    /// May be dropped, and called again.
    pub(crate) async fn stop_requested(&mut self, _: &Log) {
        if tokio::signal::ctrl_c().await.is_err() {
            // There is no way to be told; the process can still be ended.
            std::future::pending::<()>().await;
        }
    }
}
