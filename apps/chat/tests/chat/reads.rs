//! What is unread: by a cursor that the chat keeps, the same on every device.

use serde_json::{Value, json};

use crate::stage::{Stage, User};

/// The general room in the user's list: the cursor and what is unread.
async fn stands(user: &User) -> (i64, i64) {
    let (_, list) = user.ask("rooms").await;
    let rooms = list["rooms"].as_array().expect("a list");
    let general = rooms.iter().find(|room| room["id"] == "general");
    let general = general.expect("the general room");
    let number = |value: &Value| value.as_i64().expect("a number");
    (number(&general["read"]), number(&general["unread"]))
}

async fn write(user: &User, count: usize) {
    for _ in 0..count {
        let form = json!({ "text": "Hello" });
        assert_eq!(user.post("rooms/general/messages", form).await.0, 201);
    }
}

#[tokio::test]
async fn what_others_wrote_is_unread_and_what_one_wrote_is_not() {
    let stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    write(&anna, 60).await;
    write(&boris, 2).await;
    write(&anna, 3).await;
    assert_eq!(stands(&boris).await, (0, 63));
    // All before Boris's messages was her own, so she has read up to there.
    assert_eq!(stands(&anna).await, (60, 2));
}

#[tokio::test]
async fn a_mark_counts_on_every_device_and_never_moves_back() {
    let mut stage = Stage::new().await;
    let (anna, phone, desk) = (
        stage.log_in("Anna").await,
        stage.log_in("Boris").await,
        stage.log_in("Boris").await,
    );
    write(&anna, 10).await;
    let mark = async |user: &User, seq: i64| {
        let (status, read) = user.post("rooms/general/read", json!({ "seq": seq })).await;
        assert_eq!(status, 200, "{read}");
        (read["seq"].as_i64(), read["unread"].as_i64())
    };
    assert_eq!(mark(&phone, 4).await, (Some(4), Some(6)));
    assert_eq!(stands(&desk).await, (4, 6));
    assert_eq!(mark(&desk, 2).await, (Some(4), Some(6)));
    assert_eq!(mark(&desk, -1).await, (Some(4), Some(6)));
    // Behind the last message there is nothing to have read.
    assert_eq!(mark(&desk, i64::MAX).await, (Some(10), Some(0)));
    write(&anna, 1).await;
    assert_eq!(stands(&phone).await, (10, 1));
    assert_eq!(stands(&anna).await, (11, 0));

    // And the other device is told at once, by the user's own channel.
    let told = loop {
        let [publication] = stage.server.next().await;
        if publication["data"]["type"] == "read" && publication["data"]["seq"] == 10 {
            break publication;
        }
    };
    assert_eq!(
        told["data"],
        json!({ "type": "read", "room": "general", "seq": 10, "unread": 0, "mentions": 0, "top": 10 })
    );
    assert!(told["channel"].as_str().expect("a name").starts_with("me:"));
}

#[tokio::test]
async fn for_a_newcomer_nothing_is_unread_but_what_comes_then_is() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    write(&anna, 5).await;
    let boris = stage.log_in("Boris").await;
    assert_eq!(stands(&boris).await, (5, 0));
    write(&anna, 1).await;
    assert_eq!(stands(&boris).await, (5, 1));
    // A room that is made later is unread from its beginning.
    anna.post("rooms", json!({ "title": "Tea" })).await;
    anna.post("rooms/tea/messages", json!({ "text": "x" }))
        .await;
    let (_, list) = boris.ask("rooms").await;
    assert_eq!(
        (&list["rooms"][0]["id"], &list["rooms"][0]["unread"]),
        (&json!("tea"), &json!(1))
    );
}

#[tokio::test]
async fn a_mark_in_a_room_that_is_not_there_is_refused() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    let form = json!({ "seq": 1 });
    assert_eq!(anna.post("rooms/nowhere/read", form.clone()).await.0, 404);
    assert_eq!(anna.post("rooms/general/read", json!({})).await.0, 400);
    let nobody = User {
        authorization: None,
        ..anna
    };
    assert_eq!(nobody.post("rooms/general/read", form).await.0, 401);
}

#[tokio::test]
async fn one_question_gives_the_page_around_what_is_unread() {
    let stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    write(&anna, 60).await;
    boris.post("rooms/general/read", json!({ "seq": 20 })).await;
    let page = async |user: &User| {
        let (_, page) = user
            .ask("rooms/general/messages?unread=true&limit=10")
            .await;
        let first = page["messages"][0]["seq"].as_i64();
        (first, page["read"].as_i64(), page["unread"].as_i64())
    };
    assert_eq!(page(&boris).await, (Some(16), Some(20), Some(40)));
    // Who has read everything sees the end.
    assert_eq!(page(&anna).await, (Some(51), Some(60), Some(0)));
    let (_, plain) = boris.ask("rooms/general/messages?limit=10").await;
    assert_eq!((plain.get("read"), plain.get("unread")), (None, None));
}
