//! Passwords: hashed with Argon2id, a few at a time, and guessed slowly.

use std::sync::Arc;
use std::time::Instant;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::error;

use super::refusal::Refusal;
use crate::limits;
use crate::rates::Rate;

/// What works on passwords.
///
/// The parameters are those of the library: 19 MiB, two passes, as the OWASP recommends. A hash in the database says by
/// which parameters it was made.
#[derive(Debug)]
pub(crate) struct Passwords {
    places: Arc<Semaphore>,
    /// How often passwords of one name are tried.
    of_name: Rate,
    /// How often those of all names are.
    of_all: Rate,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let (burst, every) = limits::PASSWORD_RATE;
        let (all, all_every) = limits::ALL_PASSWORDS_RATE;
        Self {
            places: Arc::new(Semaphore::new(limits::PASSWORDS_AT_ONCE)),
            of_name: Rate::new(burst, every),
            of_all: Rate::new(all, all_every),
        }
    }

    /// The hash of a new password, in the form of the PHC string format.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Refusal> {
        self.of_all
            .take("", Instant::now())
            .map_err(Refusal::slow_down)?;
        let hashed = self
            .work(move || {
                Argon2::default()
                    .hash_password(password.as_bytes())
                    .map(|hash| hash.to_string())
            })
            .await?;
        hashed.map_err(|reason| {
            error!(%reason, "a password could not be hashed");
            Refusal::busy("the chat cannot take a password now; try again in a moment")
        })
    }

    /// The hash, if the password belongs to it. Without a hash it takes as long, and none belongs.
    pub(crate) async fn verify(
        &self,
        user: &str,
        password: String,
        hash: Option<String>,
    ) -> Result<Option<String>, Refusal> {
        let now = Instant::now();
        self.of_name.take(user, now).map_err(Refusal::slow_down)?;
        self.of_all.take("", now).map_err(Refusal::slow_down)?;
        let verified = self
            .work(move || {
                let known = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY)).ok()?;
                let fits = Argon2::default().verify_password(password.as_bytes(), &known);
                fits.ok().and(hash)
            })
            .await?;
        if verified.is_some() {
            // Only guesses count.
            self.of_name.give_back(user);
        }
        Ok(verified)
    }

    /// Works on a thread for it, when there is place.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let busy = || Refusal::busy("the chat is busy with passwords; try again in a moment");
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| busy())?;
        let done = spawn_blocking(move || {
            let outcome = work();
            drop(place);
            outcome
        });
        done.await.map_err(|_| busy())
    }
}

/// What a password for nobody is compared with; no password is known that belongs to it.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2Q$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_belongs_to_its_own_hash_only() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse".to_owned()).await;
        let hash = hash.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let verify = async |password: &str, hash: Option<String>| {
            passwords
                .verify("anna", password.to_owned(), hash)
                .await
                .expect("in turn")
        };
        assert_eq!(
            verify("correct horse", Some(hash.clone())).await,
            Some(hash.clone())
        );
        assert_eq!(verify("battery staple", Some(hash)).await, None);
        assert_eq!(verify("correct horse", None).await, None);
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
