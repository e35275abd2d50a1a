use super::*;
use crate::data::Data;
use crate::machine::Sent;

/// A folder of a test's own, which goes when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("veche-client-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn outbox(&self) -> PathBuf {
        self.0.join("outbox")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn stored(id: u64, data: Data) -> Stored {
    Stored {
        id: PublicationId(id),
        key: format!("k-{id}"),
        channel: "news".into(),
        event: id.is_multiple_of(2).then(|| "post".into()),
        data,
        sent: None,
    }
}

fn sent(wall_ms: u64) -> Sent {
    Sent {
        wall_ms,
        user: Some("anna".into()),
    }
}

fn open(path: &Path) -> (OutboxFile, Vec<Stored>) {
    OutboxFile::open(path, false).expect("it opens")
}

#[test]
fn what_was_stored_is_there_again_in_order() {
    let folder = Folder::new("again");
    let text = Data::json("a\u{0}b").expect("JSON");
    let image = Data::binary(vec![0, 1, 0]).with_media_type("image/png");
    let (mut outbox, before) = open(&folder.outbox());
    assert_eq!(before, []);
    let changes = [
        Change::Added(stored(1, text.clone())),
        Change::Added(stored(2, image.clone())),
        Change::Added(stored(3, text)),
        Change::Sent(PublicationId(2), sent(7)),
        Change::Removed(PublicationId(1)),
    ];
    outbox.apply(&changes).expect("stored");
    drop(outbox);
    let (_, after) = open(&folder.outbox());
    assert_eq!(after.iter().map(|it| it.id.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(after[0].data, image);
    assert_eq!(after[0].sent, Some(sent(7)));
    assert_eq!(after[1].event, None);
}

#[test]
fn a_file_that_ends_anywhere_or_is_broken_anywhere_keeps_what_stands_before() {
    let folder = Folder::new("torn");
    let (mut outbox, _) = open(&folder.outbox());
    let mut ends = vec![outbox.len];
    for id in 1..=4 {
        let data = Data::json(&id).expect("JSON");
        let change = Change::Added(stored(id, data));
        outbox.apply(&[change]).expect("stored");
        ends.push(outbox.len);
    }
    drop(outbox);
    let whole = std::fs::read(folder.outbox()).expect("a file");
    for at in MAGIC.len()..whole.len() {
        let count = ends.iter().filter(|end| **end <= at as u64).count() - 1;
        let mut broken = whole.clone();
        broken[at] ^= 0x55;
        for bytes in [&whole[..at], &broken] {
            std::fs::write(folder.outbox(), bytes).expect("written");
            let (mut outbox, stored_before) = open(&folder.outbox());
            assert_eq!(stored_before.len(), count, "at {at}");
            let change = Change::Added(stored(9, Data::null()));
            outbox.apply(&[change]).expect("stored");
            drop(outbox);
            let (_, stored_after) = open(&folder.outbox());
            assert_eq!(stored_after.len(), count + 1, "at {at}");
        }
    }
}

#[test]
fn a_file_that_is_mostly_history_is_written_anew() {
    let folder = Folder::new("compact");
    let (mut outbox, _) = open(&folder.outbox());
    let kept = Change::Added(stored(1, Data::binary(vec![7; 1000])));
    outbox.apply(&[kept]).expect("stored");
    let mark = Change::Sent(PublicationId(1), sent(5));
    outbox.apply(&[mark]).expect("stored");
    for id in 2..2000 {
        let added = Change::Added(stored(id, Data::binary(vec![8; 1000])));
        let removed = Change::Removed(PublicationId(id));
        outbox.apply(&[added, removed]).expect("stored");
        assert!(outbox.len < 2 * COMPACT_FROM, "{}", outbox.len);
    }
    let len = std::fs::metadata(folder.outbox()).expect("a file").len();
    assert_eq!(len, outbox.len);
    drop(outbox);
    let (_, after) = open(&folder.outbox());
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].sent, Some(sent(5)));
}

#[test]
fn an_outbox_has_one_owner_and_no_other_file_is_taken_for_one() {
    let folder = Folder::new("owner");
    let (first, _) = open(&folder.outbox());
    let second = OutboxFile::open(&folder.outbox(), false);
    assert!(matches!(second, Err(OutboxError::InUse(_))));
    drop(first);
    std::fs::write(folder.outbox(), "a letter to my mother").expect("written");
    let foreign = OutboxFile::open(&folder.outbox(), false);
    assert!(matches!(foreign, Err(OutboxError::Foreign(_))));
    let text = std::fs::read_to_string(folder.outbox()).expect("a file");
    assert_eq!(text, "a letter to my mother");
}
