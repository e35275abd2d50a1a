//! The state of everything at one moment; two of them are a measurement.

use crate::generator::Generator;
use crate::process::{Process, Usage};

/// Counters at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) at_ns: u64,
    pub(crate) server: Option<Usage>,
    pub(crate) own: Option<Usage>,
    pub(crate) publications: u64,
    pub(crate) deliveries: u64,
    pub(crate) frames: u64,
    pub(crate) pings: u64,
}

impl Snapshot {
    pub(crate) fn take(generator: &Generator<'_>, server: Option<Process>) -> Self {
        let ear = &generator.desk.ear;
        Self {
            server: server.and_then(Process::usage),
            own: Process::own().and_then(Process::usage),
            publications: generator.publishing.publications,
            deliveries: ear.deliveries,
            frames: ear.frames,
            pings: ear.pings,
            at_ns: generator.now(),
        }
    }

    /// Seconds since `earlier`.
    pub(crate) fn seconds_since(&self, earlier: &Self) -> f64 {
        self.at_ns.saturating_sub(earlier.at_ns) as f64 / 1e9
    }

    /// The server's processor time since `earlier`.
    pub(crate) fn server_since(&self, earlier: &Self) -> Option<Usage> {
        Some(self.server? - earlier.server?)
    }

    /// The generator's processor time since `earlier`.
    pub(crate) fn own_since(&self, earlier: &Self) -> Option<Usage> {
        Some(self.own? - earlier.own?)
    }
}
