//! `subscribe`: server-side subscriptions for a user's connections.

use std::time::{SystemTime, UNIX_EPOCH};

use veche_protocol::claims::{Overrides, SubscriptionOptions};
use veche_protocol::error_code::{CommandError, ErrorCode};

use super::data::Data;
use super::{Run, addressees, done, named, run};
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let addressees = addressees::read(params)?;
    let channel = params.string("channel")?;
    let info = Data::read(params, "info", "b64info")?;
    let data = Data::read(params, "data", "b64data")?;
    let expire_at = params.number("expire_at")?;
    let overrides = overrides(params)?;
    let recover_since = params.position("recover_since")?;
    Ok(run(move |backend| async move {
        named(&channel)?;
        if has_passed(expire_at) {
            let why = "expire_at has passed already";
            return Err(CommandError::because(ErrorCode::INTERNAL, why));
        }
        let options = SubscriptionOptions {
            data: data.decode()?,
            info: info.decode()?,
            expire_at: Some(expire_at).filter(|at| *at != 0),
            overrides,
        };
        if let Some(addressees) = addressees {
            backend
                .subscribe(addressees, &channel, options, recover_since)
                .await?;
        }
        done()
    }))
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
