//! `subscribe`: server-side subscriptions for a user's connections.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use veche_protocol::claims::{Overrides, SubscriptionOptions};
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::position::StreamPosition;

use super::addressees::Recipients;
use super::data::Data;
use super::{Command, InJson, named};
use crate::backend::Backend;
use crate::json;
use crate::request::{Malformed, Object};

/// `subscribe`.
pub(crate) struct Subscribe {
    pub(crate) recipients: Recipients,
    pub(crate) channel: String,
    pub(crate) info: Data,
    pub(crate) data: Data,
    /// In seconds of Unix time; 0 or less for never.
    pub(crate) expire_at: i64,
    pub(crate) overrides: Overrides,
    pub(crate) recover_since: Option<StreamPosition>,
}

impl Command for Subscribe {
    const NAME: &'static str = "subscribe";
    type Output = ();

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<(), CommandError> {
        let addressees = self.recipients.resolve()?;
        named(&self.channel)?;
        if has_passed(self.expire_at) {
            let why = "expire_at has passed already";
            return Err(CommandError::because(ErrorCode::BAD_REQUEST, why));
        }
        let options = SubscriptionOptions {
            data: self.data.decode()?,
            info: self.info.decode()?,
            expire_at: Some(self.expire_at).filter(|at| *at > 0),
            overrides: self.overrides,
            ..SubscriptionOptions::default()
        };
        let Some(addressees) = addressees else {
            return Ok(());
        };
        backend
            .subscribe(addressees, &self.channel, options, self.recover_since)
            .await
    }
}

impl InJson for Subscribe {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            recipients: Recipients::read(params)?,
            channel: params.string("channel")?,
            info: Data::read(params, "info", "b64info")?,
            data: Data::read(params, "data", "b64data")?,
            expire_at: params.number("expire_at")?,
            overrides: overrides(params)?,
            recover_since: params.position("recover_since")?,
        })
    }

    fn write((): &()) -> Vec<u8> {
        json::nothing()
    }
}

/// Whether a Unix time, in seconds, lies in the past; one of 0 or less is none.
fn has_passed(expire_at: i64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    expire_at > 0
        && now.is_ok_and(|now| i64::try_from(now.as_secs()).is_ok_and(|now| expire_at <= now))
}

/// `{"presence": {"value": true}, ...}`; an object without value means false.
fn overrides(params: &Object<'_>) -> Result<Overrides, Malformed> {
    let Some(overrides) = params.object("override")? else {
        return Ok(Overrides::default());
    };
    let switch = |name| {
        let switch = overrides.object(name)?;
        switch.map(|switch| switch.flag("value")).transpose()
    };
    Ok(Overrides {
        presence: switch("presence")?,
        join_leave: switch("join_leave")?,
        force_push_join_leave: switch("force_push_join_leave")?,
        force_recovery: switch("force_recovery")?,
        force_positioning: switch("force_positioning")?,
    })
}
