//! Whom a command is for: `user`, `client`, `session`.

use veche_protocol::identity::ClientId;

use crate::backend::Addressees;
use crate::request::{Malformed, Object};

/// Reads whom a command is for.
pub(super) fn read(params: &Object<'_>) -> Result<Option<Addressees>, Malformed> {
    let user = params.string("user")?;
    let client = params.string("client")?;
    Ok(named(&user, &client, params.string("session")?))
}

/// Whom a command is for; `None` if it names a client that can't exist, so that there is nobody.
pub(crate) fn named(user: &str, client: &str, session: String) -> Option<Addressees> {
    let client = match client {
        "" => None,
        client => Some(client.parse::<ClientId>().ok()?),
    };
    Some(Addressees {
        user: user.into(),
        client,
        session,
        except: Vec::new(),
    })
}
