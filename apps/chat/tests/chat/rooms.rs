//! Rooms come and go, and nobody fills the house.

use serde_json::json;
use veche_chat::limits;

use crate::stage::{Stage, uuid};

#[tokio::test]
async fn who_made_a_room_may_delete_it_with_all_that_is_in_it() {
    let mut stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    anna.post("rooms", json!({ "title": "Tea" })).await;
    let form = json!({ "id": uuid(1), "text": "Hello" });
    anna.post("rooms/tea/messages", form.clone()).await;

    let (status, refusal) = boris.delete("rooms/tea").await;
    assert_eq!((status, &refusal["code"]), (403, &json!("not_your_room")));
    assert_eq!(anna.delete("rooms/tea").await.0, 200);
    assert_eq!(anna.delete("rooms/tea").await.0, 404);
    assert_eq!(anna.ask("rooms/tea/messages").await.0, 404);
    assert_eq!(anna.post("rooms/tea/messages", form).await.0, 404);
    let (_, list) = boris.ask("rooms").await;
    assert_eq!(list["rooms"].as_array().map(Vec::len), Some(1));

    let gone = loop {
        let [publication] = stage.server.next().await;
        if publication["data"]["type"] == "room-deleted" {
            break publication;
        }
    };
    assert_eq!(
        (&gone["channel"], &gone["data"]["room"]),
        (&json!("lobby:all"), &json!("tea"))
    );
}

#[tokio::test]
async fn a_room_made_by_mistake_can_be_removed_by_anybody_while_it_is_empty() {
    let stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    anna.post("rooms", json!({ "title": "Genral" })).await;
    assert_eq!(boris.delete("rooms/genral").await.0, 200);
    assert_eq!(anna.delete("rooms/general").await.0, 403);
}

#[tokio::test]
async fn an_address_never_leads_to_another_room() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    anna.post("rooms", json!({ "title": "Tea" })).await;
    anna.delete("rooms/tea").await;
    let (_, again) = anna.post("rooms", json!({ "title": "Tea" })).await;
    assert_eq!(
        (&again["room"]["id"], &again["room"]["title"]),
        (&json!("tea-2"), &json!("Tea"))
    );
}

#[tokio::test]
async fn one_user_makes_a_few_rooms_and_not_in_one_go() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    let (burst, _) = limits::ROOM_RATE;
    for number in 0..burst {
        let form = json!({ "title": format!("Room {number}") });
        assert_eq!(anna.post("rooms", form).await.0, 200);
    }
    let (status, refusal) = anna.post("rooms", json!({ "title": "And another" })).await;
    assert_eq!((status, &refusal["code"]), (429, &json!("slow_down")));
    assert_eq!(
        stage
            .log_in("Boris")
            .await
            .post("rooms", json!({ "title": "His own" }))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_flood_of_messages_is_slowed_down_and_says_when_to_go_on() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    let form = |number| json!({ "id": uuid(number), "text": "Hello" });
    let (burst, _) = limits::MESSAGE_RATE;
    let mut refused = None;
    // Time passes while the burst is sent, so that a few more than the burst are taken.
    for number in 0..10 * usize::try_from(burst).expect("small") {
        let (status, answer) = anna.post("rooms/general/messages", form(number)).await;
        if status != 201 {
            refused = Some((status, answer, number));
            break;
        }
    }
    let (status, answer, number) = refused.expect("a refusal");
    assert_eq!((status, &answer["code"]), (429, &json!("slow_down")));
    assert!(number >= usize::try_from(burst).expect("small"));
    // It holds up nobody else.
    let boris = stage.log_in("Boris").await;
    assert_eq!(
        boris.post("rooms/general/messages", form(5000)).await.0,
        201
    );
}
