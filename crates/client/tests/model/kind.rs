//! The character of a run.

use fastrand::Rng;
use veche_client::machine::{Credentials, Settings, WhenUncertain};

/// The character of a run.
pub(crate) struct Kind {
    pub(crate) settings: Settings,
    /// A restarted server forgets its streams and keys.
    pub(crate) forgets: bool,
}

impl Kind {
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut settings = Settings::default();
        settings.credentials = match rng.u8(..6) {
            0 => Credentials::None,
            1 => Credentials::Name("anna".into()),
            _ => Credentials::Token,
        };
        settings.is_durable = rng.u8(..3) == 0;
        settings.max_unread = *rng.choice(&[8, 1024]).expect("two");
        settings.max_outbox = *rng.choice(&[16, 4096]).expect("two");
        settings.when_uncertain = WhenUncertain::Report;
        Self {
            settings,
            forgets: rng.bool(),
        }
    }
}
