//! Copies, checks and figures of a store in use, and what a start says of one that can't be used.

use std::fs;

use crate::care::{self, Figures};
use crate::durability::Durability;
use crate::files::name;
use crate::lock::OpenError;
use crate::open::Opened;
use crate::store;
use crate::testing::{TestFolder, World, options};

fn refused(folder: &TestFolder) -> OpenError {
    let opened = Opened::new(options(folder, Durability::Interval));
    let error = opened.expect_err("it can't be used");
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    error
}

#[test]
fn a_backup_of_a_running_engine_is_whole_and_begins_new_epochs_when_it_is_restored() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    for number in 1..=50 {
        world.publish("news", &number.to_string());
        if number == 30 {
            world.broker.checkpoint().expect("the store is well");
        }
    }
    let position = world.read("news").position;
    let copies = TestFolder::new();
    let copy = copies.store();
    care::backup(&folder.store(), &copy).expect("it is copied");
    world.publish("news", "later");
    let again = care::backup(&folder.store(), &copy).expect_err("not over another one");
    assert!(again.to_string().contains("it is not empty"), "{again}");

    let restored = TestFolder::new();
    care::restore(&copy, &restored.store()).expect("it is restored");
    let taken = care::restore(&copy, &restored.store()).expect_err("there is one");
    assert!(
        taken.to_string().contains("there is a store already"),
        "{taken}"
    );
    let after = World::open(&restored);
    let expected: Vec<_> = (1..=50).map(|it| (it, it.to_string())).collect();
    assert_eq!(after.kept("news"), expected);
    let now = after.read("news").position;
    assert_eq!(now.offset, position.offset);
    assert_ne!(now.epoch, position.epoch);
    let killed = World::open(&restored.copy());
    assert_eq!(
        killed.read("news").position,
        now,
        "once, and not at each start"
    );
}

#[test]
fn a_backup_is_whole_while_publications_and_checkpoints_go_on() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    world.publish("news", "1");
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            for number in 2..600 {
                world.publish("news", &number.to_string());
                if number % 20 == 0 {
                    world.broker.checkpoint().expect("the store is well");
                }
            }
        });
        while !busy.is_finished() {
            let top = world.read("news").position.offset;
            let (copy, restored) = (TestFolder::new(), TestFolder::new());
            let Ok(()) = care::backup(&folder.store(), &copy.store()) else {
                continue;
            };
            care::restore(&copy.store(), &restored.store()).expect("it is restored");
            let kept = World::open(&restored).kept("news");
            assert!(kept.last().is_some_and(|(last, _)| *last >= top), "{top}");
            assert!(
                kept.iter()
                    .all(|(offset, data)| offset.to_string() == *data)
            );
        }
    });
}

#[test]
fn a_check_finds_nothing_in_a_whole_store_and_names_what_is_damaged() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    for number in 1..=80 {
        world.publish(
            "news",
            &format!("\"stored {number:03} {}\"", "-".repeat(80)),
        );
        world.publish("other", &number.to_string());
    }
    world.broker.checkpoint().expect("the store is well");
    for number in 81..=83 {
        world.publish("news", &format!("\"in the journal {number}\""));
    }
    let report = care::check(&folder.store()).expect("it can be read");
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!((report.channels, report.publications), (2, 163));

    let damage = |file: &str, text: &str| {
        let copy = folder.copy();
        let path = copy.store().join(file);
        let mut bytes = fs::read(&path).expect("it is there");
        let places: Vec<_> = (bytes.windows(text.len()).enumerate())
            .filter(|(_, window)| *window == text.as_bytes())
            .map(|(place, _)| place)
            .collect();
        places.iter().for_each(|place| bytes[*place] ^= 1);
        fs::write(&path, bytes).expect("it can be written");
        care::check(&copy.store()).expect("it can be read").problems
    };
    let problems = damage(store::FILE, "stored 042");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("\"news\": publication 42 is damaged: those from 1 to 42"),
        "{problems:?}"
    );
    let problems = damage(&name(2), "in the journal 82");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("\"news\": publication 82 is damaged in the journal"),
        "{problems:?}"
    );
    let epoch = world.read("other").position.epoch;
    let problems = damage(store::FILE, epoch.as_str());
    assert!(
        problems
            .iter()
            .any(|it| it.contains("\"other\": its row is damaged")),
        "{problems:?}"
    );
}

#[test]
fn figures_count_what_is_there() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    for number in 0..30 {
        world.publish(&format!("news:{}", number % 3), "1");
    }
    world.publish("large", &"x".repeat(5000));
    world.read("empty");
    world.broker.checkpoint().expect("the store is well");
    world.publish("news:0", "only in the journal");
    let figures = care::figures(&folder.store()).expect("it can be read");
    let Figures {
        channels,
        with_history,
        publications,
        ..
    } = figures;
    assert_eq!((channels, with_history, publications), (5, 4, 31));
    assert_eq!(
        (figures.largest[0].0.as_str(), figures.largest[0].1),
        ("large", 1)
    );
    assert!(figures.chunk_bytes > 5000 && figures.used_bytes > figures.chunk_bytes);
    assert!(figures.journal_bytes > 0);
}

#[test]
fn a_store_that_cannot_be_used_stops_the_start_with_one_line() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    let error = refused(&folder).to_string();
    let process = format!("another process ({})", std::process::id());
    assert!(error.contains(&process), "{error}");
    world.close();

    let newer = folder.copy();
    let connection = rusqlite::Connection::open(store::path(&newer.store())).expect("it opens");
    connection
        .pragma_update(None, "user_version", 99)
        .expect("it can be written");
    drop(connection);
    assert!(matches!(
        refused(&newer),
        OpenError::Newer {
            found: 99,
            known: 1,
            ..
        }
    ));
    let looked = care::check(&newer.store()).expect_err("it can't be read");
    assert!(
        matches!(looked, OpenError::Newer { found: 99, .. }),
        "{looked}"
    );

    let foreign = TestFolder::new();
    fs::create_dir(foreign.store()).expect("a new folder");
    let connection = rusqlite::Connection::open(store::path(&foreign.store())).expect("it opens");
    connection
        .execute_batch("CREATE TABLE other (id)")
        .expect("it can be written");
    drop(connection);
    let error = refused(&foreign).to_string();
    assert!(error.contains("database of another program"), "{error}");

    let file = TestFolder::new();
    fs::write(file.store(), "").expect("it can be written");
    let error = refused(&file).to_string();
    assert!(error.contains("it is no directory"), "{error}");

    let orphaned = TestFolder::new();
    fs::create_dir(orphaned.store()).expect("a new folder");
    fs::write(orphaned.store().join(name(3)), "").expect("it can be written");
    let error = refused(&orphaned).to_string();
    assert!(
        error.contains("the store that it belongs to is missing"),
        "{error}"
    );
}

/// Only the superuser can give files away, and only so can it be tested.
#[cfg(unix)]
#[test]
fn the_store_of_another_user_is_not_touched() {
    let folder = TestFolder::new();
    World::open(&folder).close();
    if std::os::unix::fs::chown(store::path(&folder.store()), Some(12_345), None).is_err() {
        return;
    }
    let error = refused(&folder).to_string();
    assert!(error.contains("belongs to user 12345"), "{error}");
}
