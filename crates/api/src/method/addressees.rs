//! Whom a command is for: `user`, `client`, `session`.

use veche_protocol::identity::ClientId;

use crate::backend::Addressees;
use crate::request::{Malformed, Object};

/// Reads whom a command is for; `None` if it names a client that can't exist, so that there is nobody.
pub(super) fn read(params: &Object<'_>) -> Result<Option<Addressees>, Malformed> {
    let user = params.string("user")?;
    let client = params.string("client")?;
    let session = params.string("session")?;
    let client = match client.as_str() {
        "" => None,
        client => match client.parse::<ClientId>() {
            Ok(client) => Some(client),
            Err(_) => return Ok(None),
        },
    };
    Ok(Some(Addressees {
        user: user.as_str().into(),
        client,
        session,
        except: Vec::new(),
    }))
}
