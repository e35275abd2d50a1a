//! The programs that clients say they are, each kept once: most clients of a server are few programs.

use std::sync::Arc;

use hashbrown::HashSet;
use veche_protocol::identity::App;

/// A worker's programs.
#[derive(Debug, Default)]
pub(crate) struct Apps(HashSet<Arc<App>>);

/// Programs that are shared; a client with another one keeps its own.
const MAX_SHARED: usize = 256;

impl Apps {
    /// The program as it is kept.
    pub(crate) fn shared(&mut self, app: App) -> Arc<App> {
        if let Some(known) = self.0.get(&app) {
            return known.clone();
        }
        let app = Arc::new(app);
        if self.0.len() >= MAX_SHARED {
            self.0.retain(|app| Arc::strong_count(app) > 1);
        }
        if self.0.len() < MAX_SHARED {
            self.0.insert(app.clone());
        }
        app
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(number: usize) -> App {
        App::new("js", &number.to_string()).expect("it has a name")
    }

    #[test]
    fn clients_of_the_same_program_share_its_name() {
        let mut apps = Apps::default();
        let one = apps.shared(app(1));
        assert!(Arc::ptr_eq(&one, &apps.shared(app(1))));
        assert!(!Arc::ptr_eq(&one, &apps.shared(app(2))));
    }

    #[test]
    fn programs_that_nobody_uses_make_room_and_no_more_are_kept_than_was_decided() {
        let mut apps = Apps::default();
        let used: Vec<_> = (0..MAX_SHARED)
            .map(|number| apps.shared(app(number)))
            .collect();
        let own = apps.shared(app(MAX_SHARED));
        assert_eq!(apps.0.len(), MAX_SHARED);
        assert!(!Arc::ptr_eq(&own, &apps.shared(app(MAX_SHARED))));
        drop(used);
        let shared = apps.shared(app(MAX_SHARED));
        assert_eq!(apps.0.len(), 1);
        assert!(Arc::ptr_eq(&shared, &apps.shared(app(MAX_SHARED))));
    }
}
