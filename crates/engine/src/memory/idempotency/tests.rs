//! Tests of what is remembered under keys, and for how many.

use veche_protocol::identity::{ClientId, UserId};

use super::clients::{MAX_KEYS, MAX_KEYS_OF_OWNER};
use super::*;

fn backend() -> KeyOwner {
    KeyOwner::Backend
}

fn user(name: &str) -> KeyOwner {
    KeyOwner::User(UserId::new(name))
}

fn hash(channel: &str, owner: KeyOwner, text: &str) -> KeyHash {
    let key = IdempotencyKey::parse(owner, text).expect("short enough");
    KeyHash::new(&Channel::new(channel), &key.expect("not empty"))
}

fn position(offset: u64) -> StreamPosition {
    StreamPosition::new(offset, "e".into())
}

#[test]
fn a_key_used_anew_after_its_time_outlives_the_sweep_of_its_first_use() {
    for owner in [backend(), user("anna")] {
        let key = hash("news", owner, "k");
        let mut keys = Idempotency::default();
        let first = Duration::ZERO;
        let second = first + IDEMPOTENCY_TTL;
        keys.remember(key, position(1), first);
        assert_eq!(keys.answer(key, second), None);
        keys.remember(key, position(2), second);
        assert_eq!(keys.sweep(second, 10), 1);
        let answer = keys.answer(key, second).map(|it| it.offset);
        assert_eq!(answer, Some(2));
        assert_eq!(keys.sweep(second + IDEMPOTENCY_TTL, 10), 1);
        assert_eq!(keys.len(), 0);
    }
}

#[test]
fn channel_owner_and_text_each_make_another_key() {
    let nobody = KeyOwner::Client(ClientId::from_random([0; 16]));
    let client_as_user = user(&ClientId::from_random([0; 16]).to_string());
    let all = [
        hash("news", backend(), "k"),
        hash("new", backend(), "sk"),
        hash("news", backend(), "l"),
        hash("news", user("anna"), "k"),
        hash("news", user("ann"), "ak"),
        hash("news", nobody, "k"),
        hash("news", client_as_user, "k"),
    ];
    for (at, one) in all.iter().enumerate() {
        for other in &all[at + 1..] {
            assert_ne!(one, other);
        }
    }
    assert_eq!(all[0], hash("news", backend(), "k"));
}

#[test]
fn of_one_client_a_bounded_number_of_keys_is_remembered_and_of_the_backend_all() {
    let now = Duration::ZERO;
    for (owner, held) in [
        (user("anna"), MAX_KEYS_OF_OWNER),
        (backend(), 2 * MAX_KEYS_OF_OWNER),
    ] {
        let mut keys = Idempotency::default();
        let key = |number: usize| hash("news", owner.clone(), &number.to_string());
        for number in 0..2 * MAX_KEYS_OF_OWNER {
            keys.remember(key(number), position(1), now);
        }
        assert_eq!(keys.len(), held);
        let newest = 2 * MAX_KEYS_OF_OWNER - 1;
        assert!(keys.answer(key(newest), now).is_some());
        assert!(keys.answer(key(newest + 1 - held), now).is_some());
        keys.sweep(IDEMPOTENCY_TTL, usize::MAX);
        assert_eq!(keys.len(), 0);
    }
}

#[test]
fn of_all_clients_the_oldest_keys_go_first_and_none_of_the_backend() {
    let mut keys = Idempotency::default();
    let at = Duration::from_millis;
    let of_backend = hash("news", backend(), "k");
    keys.remember(of_backend, position(1), at(0));
    let key = |number: usize| hash("news", user(&(number / 2).to_string()), &number.to_string());
    for number in 0..MAX_KEYS + 100 {
        keys.remember(key(number), position(1), at(number as u64));
    }
    let now = at(MAX_KEYS as u64 + 100);
    assert_eq!(keys.len(), MAX_KEYS + 1);
    assert!(keys.answer(of_backend, now).is_some());
    assert_eq!(keys.answer(key(99), now), None);
    assert!(keys.answer(key(100), now).is_some());
}

#[test]
fn a_sweep_in_slices_forgets_what_is_due_and_keeps_the_rest() {
    let mut keys = Idempotency::default();
    let at = Duration::from_secs;
    for number in 0..100 {
        let owner = user(&(number % 7).to_string());
        keys.remember(
            hash("news", owner, &number.to_string()),
            position(1),
            at(number),
        );
    }
    let now = at(49) + IDEMPOTENCY_TTL;
    while keys.sweep(now, 5) >= 5 {}
    assert_eq!(keys.len(), 50);
}
