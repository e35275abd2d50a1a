//! How requests change what is stored: within the user's rate, and with what has changed published.

use std::sync::Arc;
use std::time::Instant;

use super::Service;
use super::refusal::Refusal;

impl Service {
    /// Carries out a change, if the user has not made too many of them.
    pub(crate) async fn change<T, F>(&self, user: String, act: F) -> Result<T, Refusal>
    where
        F: FnOnce(&mut rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.change_rate
            .take(&user, Instant::now())
            .map_err(Refusal::slow_down)?;
        Ok(self.store.run(act).await?)
    }

    /// Carries out a change as [`Self::change`] does. `act` returns besides its outcome the room that has something to
    /// publish now, if one has.
    pub(crate) async fn change_room<T, F>(&self, user: String, act: F) -> Result<T, Refusal>
    where
        F: FnOnce(&mut rusqlite::Connection) -> rusqlite::Result<(T, Option<String>)>
            + Send
            + 'static,
        T: Send + 'static,
    {
        let publisher = Arc::clone(&self.publisher);
        self.change(user, move |db| {
            let (outcome, room) = act(db)?;
            // On the database thread: the caller may be gone by the time this is committed.
            if let Some(room) = room {
                publisher.wake(&room);
            }
            Ok(outcome)
        })
        .await
    }
}
