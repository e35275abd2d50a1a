//! Messages on their way: stored and published in order, once, whatever fails in between.

use crate::server::Server;
use crate::stage::{Stage, uuid, within};
use serde_json::json;

#[tokio::test]
async fn a_message_is_published_in_its_room_and_announced_in_the_lobby() {
    let mut stage = Stage::new().await;
    let anna = stage.log_in("Анна").await;
    let (status, answer) = anna
        .post(
            "rooms/general/messages",
            json!({ "id": uuid(1), "text": " Hello " }),
        )
        .await;
    assert_eq!(status, 201);
    let message = &answer["message"];
    assert_eq!(message["text"], "Hello");
    assert_eq!(
        (&message["seq"], &message["user"], &message["name"]),
        (&json!(1), &json!("анна"), &json!("Анна"))
    );

    let [publication, notice] = stage.server.next().await;
    assert_eq!(publication["channel"], "room:general");
    assert_eq!(publication["idempotency_key"], uuid(1));
    assert_eq!(publication["tags"], json!({ "event": "message" }));
    assert_eq!(
        publication["data"],
        json!({ "type": "message", "message": message })
    );
    assert_eq!(notice["channel"], "lobby:all");
    assert_eq!(
        (&notice["data"]["room"], &notice["data"]["seq"]),
        (&json!("general"), &json!(1))
    );
}

#[tokio::test]
async fn a_resend_is_the_same_message_forever_and_published_once() {
    let mut stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    let form = json!({ "id": uuid(1), "text": "Hello" });
    let (first, stored) = anna.post("rooms/general/messages", form.clone()).await;
    let (again, known) = anna.post("rooms/general/messages", form).await;
    let (changed, kept) = anna
        .post(
            "rooms/general/messages",
            json!({ "id": uuid(1), "text": "Other" }),
        )
        .await;
    assert_eq!((first, again, changed), (201, 200, 200));
    assert_eq!((&known, &kept), (&stored, &stored));

    anna.post(
        "rooms/general/messages",
        json!({ "id": uuid(2), "text": "Next" }),
    )
    .await;
    assert_eq!(stage.server.room_seqs("general", 2).await, [1, 2]);
}

#[tokio::test]
async fn an_id_is_not_taken_over_by_another_author_or_room() {
    let stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    anna.post("rooms", json!({ "title": "Tea" })).await;
    anna.post(
        "rooms/general/messages",
        json!({ "id": uuid(1), "text": "Mine" }),
    )
    .await;
    let form = json!({ "id": uuid(1), "text": "Hello" });
    assert_eq!(
        boris.post("rooms/general/messages", form.clone()).await.0,
        409
    );
    assert_eq!(anna.post("rooms/tea/messages", form).await.0, 409);
}

#[tokio::test]
async fn while_the_server_is_down_messages_are_taken_and_leave_in_order_later() {
    let mut stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    stage.server.refuse(true);
    for number in 1..=5 {
        let (status, _) = anna
            .post(
                "rooms/general/messages",
                json!({ "id": uuid(number), "text": "Hello" }),
            )
            .await;
        assert_eq!(status, 201);
    }
    stage.server.refused().await;
    assert_eq!(stage.server.taken(), 0);
    stage.server.refuse(false);
    assert_eq!(stage.server.room_seqs("general", 5).await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn what_a_crash_left_between_storing_and_publishing_is_published_at_the_next_start() {
    let mut stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    stage.server.refuse(true);
    anna.post(
        "rooms/general/messages",
        json!({ "id": uuid(1), "text": "Before the crash" }),
    )
    .await;
    anna.post(
        "rooms/general/messages",
        json!({ "id": uuid(2), "text": "Too" }),
    )
    .await;
    stage.crash().await;
    stage.server.refuse(false);
    stage.open().await;
    assert_eq!(stage.server.room_seqs("general", 2).await, [1, 2]);

    // And the session, the history, and the order go on.
    let anna = stage.again(&anna);
    anna.post(
        "rooms/general/messages",
        json!({ "id": uuid(3), "text": "After" }),
    )
    .await;
    assert_eq!(stage.server.room_seqs("general", 1).await, [3]);
    let (_, history) = anna.ask("rooms/general/messages").await;
    assert_eq!(history["top"], 3);
    assert_eq!(history["messages"][0]["text"], "Before the crash");
}

#[tokio::test]
async fn a_publication_whose_answer_was_lost_is_repeated_under_the_same_key() {
    let mut stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    stage.server.lose_answers(1);
    anna.post(
        "rooms/general/messages",
        json!({ "id": uuid(1), "text": "Hello" }),
    )
    .await;
    let [first, again] = stage.server.next().await;
    assert_eq!(first, again);
    assert_eq!(first["idempotency_key"], uuid(1));
}

#[tokio::test]
async fn rooms_do_not_wait_for_each_other_and_each_keeps_its_order() {
    let mut stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    let rooms = ["general", "tea", "coffee", "water"];
    for room in &rooms[1..] {
        anna.post("rooms", json!({ "title": room })).await;
    }
    let posts = (0..100).map(|number| {
        let (anna, room) = (anna.clone(), rooms[number % 4]);
        tokio::spawn(async move {
            let form = json!({ "id": uuid(number), "text": format!("{number}") });
            assert_eq!(
                anna.post(&format!("rooms/{room}/messages"), form).await.0,
                201
            );
        })
    });
    for post in posts.collect::<Vec<_>>() {
        post.await.expect("stored");
    }
    let seen = stage.server.by_channel(100).await;
    for room in rooms {
        let seqs: Vec<i64> = seen[&format!("room:{room}")].clone();
        assert_eq!(seqs, (1..=25).collect::<Vec<i64>>(), "{room}");
    }
}

#[tokio::test]
async fn a_full_outbox_asks_for_patience_and_keeps_what_it_has() {
    let mut stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    stage.server.refuse(true);
    let rows = usize::try_from(veche_chat::limits::OUTBOX_ROWS).expect("small");
    stage.fill_outbox(rows).await;
    stage.crash().await;
    stage.open().await;
    let anna = stage.again(&anna);
    let form = json!({ "id": uuid(1), "text": "One too many" });
    let (status, answer) = anna.post("rooms/general/messages", form.clone()).await;
    assert_eq!((status, &answer["code"]), (503, &json!("busy")));
    // Nothing of it was stored: history shows only what will be published.
    assert_eq!(anna.ask("rooms/general/messages").await.1["top"], 0);
    stage.server.refuse(false);
    stage.server.wait_for(rows).await;
    within(async {
        while anna.post("rooms/general/messages", form.clone()).await.0 == 503 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(anna.ask("rooms/general/messages").await.1["top"], 1);
}

#[tokio::test]
async fn a_stop_ends_in_time_though_the_server_does_not_answer() {
    let mut stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    stage.server.hold();
    anna.post("rooms/general/messages", json!({ "text": "Hello" }))
        .await;
    stage.server.held().await;
    stage.crash().await;
    // Another server at the next start gets the row.
    stage.server = Server::start().await;
    stage.open().await;
    assert_eq!(stage.server.room_seqs("general", 1).await, [1]);
}
