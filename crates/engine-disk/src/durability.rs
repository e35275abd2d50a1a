//! What a publication waits for, and which channels wait for what.

use std::fmt;
use std::sync::Arc;

/// When a kept publication is confirmed and delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// When the system has it. The end of the process takes nothing back; a power cut takes what came after the last
    /// sync, and the stream then begins a new epoch.
    #[default]
    Interval,
    /// When it is on the disk, together with all that came meanwhile. Nothing takes it back.
    Sync,
}

/// Which channels have which durability.
#[derive(Clone, Default)]
pub struct Policy {
    /// Of a channel for which `of` says nothing.
    pub general: Durability,
    /// What a channel has of its own.
    pub of: Option<Arc<DurabilityOf>>,
}

/// Says the durability of a channel, where it has one of its own. It is asked at each publish with history.
pub type DurabilityOf = dyn Fn(&str) -> Option<Durability> + Send + Sync;

impl Policy {
    pub(crate) fn of(&self, channel: &str) -> Durability {
        let own = self.of.as_ref().and_then(|of| of(channel));
        own.unwrap_or(self.general)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("general", &self.general)
            .field("has_own", &self.of.is_some())
            .finish()
    }
}
