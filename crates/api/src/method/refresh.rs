//! `refresh`: changes when a user's connections end.

use std::sync::Arc;

use veche_protocol::error_code::CommandError;
use veche_protocol::payload::Payload;

use super::addressees::Recipients;
use super::{Command, InJson};
use crate::backend::{self, Backend};
use crate::json;
use crate::request::{Malformed, Object};

/// `refresh`.
pub(crate) struct Refresh {
    pub(crate) recipients: Recipients,
    pub(crate) expired: bool,
    /// In seconds of Unix time; 0 or less for never.
    pub(crate) expire_at: i64,
    pub(crate) info: Option<Payload>,
}

impl Command for Refresh {
    const NAME: &'static str = "refresh";
    type Output = ();

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<(), CommandError> {
        let addressees = self.recipients.resolve()?;
        let refresh = backend::Refresh {
            expired: self.expired,
            expire_at: Some(self.expire_at).filter(|at| *at > 0),
            info: self.info,
        };
        match addressees {
            Some(addressees) => backend.refresh(addressees, refresh).await,
            None => Ok(()),
        }
    }
}

impl InJson for Refresh {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            recipients: Recipients::read(params)?,
            expire_at: params.number("expire_at")?,
            expired: params.flag("expired")?,
            info: params.payload("info")?,
        })
    }

    fn write((): &()) -> Vec<u8> {
        json::nothing()
    }
}
