//! Tests of presence in memory, beyond what every engine must pass.

use super::*;
use crate::memory::clock::ManualClock;

fn info(number: u32) -> ClientInfo {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    ClientInfo {
        user: "anna".into(),
        client: ClientId::from_random(id),
        conn_info: None,
        chan_info: None,
    }
}

/// Channels, clients and reminders that are held.
fn held(presence: &MemoryPresence) -> (usize, usize, usize) {
    let mut held = (0, 0, 0);
    for shard in presence.shards.iter() {
        let shard = shard.lock();
        held.0 += shard.channels.len();
        held.1 += shard.channels.values().map(HashMap::len).sum::<usize>();
        held.2 += shard.reminders.len();
    }
    held
}

#[test]
fn a_refreshed_client_has_one_reminder_and_a_silent_one_is_forgotten() {
    let clock = Arc::new(ManualClock::default());
    let presence = MemoryPresence::new(clock.clone());
    let channel = Channel::new("news");
    for _ in 0..100 {
        drop(presence.add(&channel, &info(1), Duration::from_secs(60)));
        clock.pass(Duration::from_secs(27));
        presence.sweep();
    }
    assert_eq!(held(&presence), (1, 1, 1));
    clock.pass(Duration::from_secs(60));
    presence.sweep();
    assert_eq!(held(&presence), (0, 0, 0));
}

#[test]
fn who_comes_and_goes_leaves_no_reminder_behind() {
    let clock = Arc::new(ManualClock::default());
    let presence = MemoryPresence::new(clock.clone());
    let channel = Channel::new("news");
    for _ in 0..1000 {
        drop(presence.add(&channel, &info(1), Duration::from_secs(60)));
        drop(presence.add(&channel, &info(1), Duration::from_secs(30)));
        assert_eq!(held(&presence), (1, 1, 1));
        drop(presence.remove(&channel, info(1).client, &"anna".into()));
        assert_eq!(held(&presence), (0, 0, 0));
        clock.pass(Duration::from_millis(1));
    }
}

#[test]
fn nobody_is_left_behind_by_a_sweep() {
    let clock = Arc::new(ManualClock::default());
    let presence = MemoryPresence::new(clock.clone());
    let channel = Channel::new("news");
    for number in 0..10_000 {
        drop(presence.add(&channel, &info(number), Duration::from_secs(60)));
    }
    drop(presence.remove(&channel, info(7).client, &"anna".into()));
    assert_eq!(held(&presence).1, 9_999);
    clock.pass(Duration::from_secs(60));
    presence.sweep();
    assert_eq!(held(&presence), (0, 0, 0));
}
