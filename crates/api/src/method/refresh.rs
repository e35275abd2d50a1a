//! `refresh`: changes when a user's connections end.

use super::{Run, addressees, done, run};
use crate::backend::Refresh;
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let addressees = addressees::read(params)?;
    let expire_at: i64 = params.number("expire_at")?;
    let refresh = Refresh {
        expired: params.flag("expired")?,
        expire_at: Some(expire_at).filter(|at| *at != 0),
        info: params.payload("info")?,
    };
    Ok(run(move |backend| async move {
        if let Some(addressees) = addressees {
            backend.refresh(addressees, refresh).await?;
        }
        done()
    }))
}
