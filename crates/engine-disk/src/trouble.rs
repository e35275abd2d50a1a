//! What does not work at the moment.

use std::borrow::Cow;

use parking_lot::Mutex;

/// Parts of the engine that can fail and heal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Appending to the journal.
    Journal,
    /// Syncing the journal.
    Sync,
    /// Writing to the store.
    Store,
}

/// Why each part does not work, if it doesn't.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    parts: Mutex<[Option<String>; 3]>,
}

impl Part {
    fn index(self) -> usize {
        match self {
            Self::Journal => 0,
            Self::Sync => 1,
            Self::Store => 2,
        }
    }

    fn doing(self) -> &'static str {
        match self {
            Self::Journal => "cannot append to the journal",
            Self::Sync => "cannot sync the journal",
            Self::Store => "cannot write to the store",
        }
    }
}

impl Trouble {
    /// The part has failed. The first failure is logged.
    pub(crate) fn begin(&self, part: Part, why: &str) {
        let mut parts = self.parts.lock();
        if let Some(place) = parts.get_mut(part.index())
            && place.is_none()
        {
            tracing::error!("{}: {why}", part.doing());
            *place = Some(why.to_owned());
        }
    }

    /// The part has worked.
    pub(crate) fn end(&self, part: Part) {
        let mut parts = self.parts.lock();
        if parts
            .get_mut(part.index())
            .is_some_and(|it| it.take().is_some())
        {
            tracing::info!("no more: {}", part.doing());
        }
    }

    /// Whether the part does not work.
    pub(crate) fn is_in(&self, part: Part) -> bool {
        self.parts
            .lock()
            .get(part.index())
            .is_some_and(Option::is_some)
    }

    /// What does not work.
    pub(crate) fn health(&self) -> Result<(), Cow<'static, str>> {
        let parts = self.parts.lock();
        let all = [Part::Journal, Part::Sync, Part::Store];
        let failing = all.into_iter().find_map(|part| {
            let why = parts.get(part.index())?.as_deref()?;
            Some(format!("{}: {why}", part.doing()))
        });
        failing.map_or(Ok(()), |text| Err(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_works_again_is_well_and_others_stay_as_they_are() {
        let trouble = Trouble::default();
        assert_eq!(trouble.health(), Ok(()));
        trouble.begin(Part::Journal, "full");
        trouble.begin(Part::Store, "full too");
        assert_eq!(
            trouble.health(),
            Err("cannot append to the journal: full".into())
        );
        trouble.end(Part::Journal);
        assert!(trouble.is_in(Part::Store) && !trouble.is_in(Part::Journal));
        assert_eq!(
            trouble.health(),
            Err("cannot write to the store: full too".into())
        );
        trouble.end(Part::Store);
        assert_eq!(trouble.health(), Ok(()));
    }
}
