//! Whom a command is for: `user`, `client`, `session`, and the fields of Centrifugo PRO that are refused.

use veche_protocol::error_code::CommandError;
use veche_protocol::identity::ClientId;

use super::telling;
use crate::backend::Addressees;
use crate::request::{Malformed, Object};

/// The connections that a command is for, as the caller wrote them.
#[derive(Default)]
pub(crate) struct Recipients {
    pub(crate) user: String,
    pub(crate) client: String,
    pub(crate) session: String,
    /// `label_filter` is there, whatever it says.
    pub(crate) has_label_filter: bool,
    pub(crate) all_users: bool,
}

impl Recipients {
    pub(super) fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            user: params.string("user")?,
            client: params.string("client")?,
            session: params.string("session")?,
            has_label_filter: params.object("label_filter")?.is_some(),
            all_users: params.flag("all_users")?,
        })
    }

    /// The connections; `None` if the command names a client that can't exist, so that there is nobody.
    ///
    /// # Errors
    /// 107 with a filter that is not supported. To ignore it would reach connections that the caller did not mean.
    pub(super) fn resolve(self) -> Result<Option<Addressees>, CommandError> {
        if self.has_label_filter {
            return Err(no_labels());
        }
        if self.all_users {
            return Err(telling(
                "`all_users` is not supported: name one user in `user`",
            ));
        }
        let client = match self.client.as_str() {
            "" => None,
            client => match client.parse::<ClientId>() {
                Ok(client) => Some(client),
                Err(_) => return Ok(None),
            },
        };
        Ok(Some(Addressees {
            user: self.user.as_str().into(),
            client,
            session: self.session,
            except: Vec::new(),
        }))
    }
}

/// The refusal of `label_filter`, in every method that has it.
pub(super) fn no_labels() -> CommandError {
    telling("`label_filter` is not supported: connections have no labels")
}
