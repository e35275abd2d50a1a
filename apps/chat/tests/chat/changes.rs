//! Messages that change: edited, deleted, answered, reacted to, and who is mentioned in them.

use serde_json::{Value, json};
use veche_chat::limits;

use crate::stage::{Stage, User, uuid};

async fn write(user: &User, text: &str) -> i64 {
    let (status, answer) = user
        .post("rooms/general/messages", json!({ "text": text }))
        .await;
    assert_eq!(status, 201, "{answer}");
    answer["message"]["seq"].as_i64().expect("a number")
}

async fn read(user: &User, seq: i64) -> Value {
    let (_, page) = user
        .ask(&format!("rooms/general/messages?after={}&limit=1", seq - 1))
        .await;
    page["messages"][0].clone()
}

/// The next publication of this type.
async fn heard(stage: &mut Stage, kind: &str) -> Value {
    loop {
        let [publication] = stage.server.next().await;
        if publication["data"]["type"] == kind {
            return publication;
        }
    }
}

#[tokio::test]
async fn who_wrote_a_message_changes_its_text_and_everybody_hears_of_it() {
    let mut stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    write(&anna, "Helo").await;
    let (status, answer) = anna
        .patch("rooms/general/messages/1", json!({ "text": " Hello " }))
        .await;
    assert_eq!((status, &answer["message"]["text"]), (200, &json!("Hello")));
    assert!(answer["message"]["edited"].is_i64());
    let change = heard(&mut stage, "change").await;
    assert_eq!(change["channel"], "room:general");
    assert_eq!(change["data"]["message"], answer["message"]);
    // The list of rooms shows the text as it is.
    let changed = heard(&mut stage, "changed").await;
    assert_eq!(changed["data"]["last"]["text"], "Hello");
    assert_eq!(read(&boris, 1).await, answer["message"]);
    // The same text again is no change.
    let (_, again) = anna
        .patch("rooms/general/messages/1", json!({ "text": "Hello" }))
        .await;
    assert_eq!(again, answer);
}

#[tokio::test]
async fn anothers_message_is_changed_by_nobody_else() {
    let stage = Stage::new().await;
    let (anna, eve) = (stage.log_in("Anna").await, stage.log_in("Eve").await);
    write(&anna, "Mine").await;
    let text = json!({ "text": "Hers" });
    for (status, answer) in [
        eve.patch("rooms/general/messages/1", text.clone()).await,
        eve.delete("rooms/general/messages/1").await,
    ] {
        assert_eq!((status, &answer["code"]), (403, &json!("not_your_message")));
    }
    for path in [
        "rooms/general/messages/2",
        "rooms/general/messages/-1",
        "rooms/general/messages/x",
    ] {
        let (status, answer) = anna.patch(path, text.clone()).await;
        assert_eq!((status, &answer["code"]), (404, &json!("no_such_message")));
    }
    assert_eq!(
        anna.patch("rooms/nowhere/messages/1", text).await.1["code"],
        "no_such_room"
    );
    assert_eq!(read(&anna, 1).await["text"], "Mine");
}

#[tokio::test]
async fn a_deleted_message_leaves_its_place_and_nothing_of_its_text() {
    let mut stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    write(&anna, "first").await;
    write(&anna, "a secret for @Boris").await;
    boris
        .put("rooms/general/messages/2/reactions/%F0%9F%91%8D")
        .await;
    let form = json!({ "text": "what?", "reply": 2 });
    boris.post("rooms/general/messages", form).await;
    let (status, answer) = anna.delete("rooms/general/messages/2").await;
    assert_eq!(status, 200);
    let gone = &answer["message"];
    assert_eq!(
        (&gone["deleted"], &gone["text"]),
        (&json!(true), &json!(""))
    );
    assert_eq!((gone.get("reactions"), gone.get("mentions")), (None, None));
    // What quotes it has its text no more.
    let quote = &read(&boris, 3).await["reply"];
    assert_eq!(
        (&quote["deleted"], &quote["text"]),
        (&json!(true), &json!(""))
    );
    // It is unread for nobody.
    let (_, list) = boris.ask("rooms").await;
    let general = &list["rooms"][0];
    assert_eq!(
        (&general["unread"], &general["mentions"]),
        (&json!(1), &json!(0))
    );
    // And nothing can be done with it any more.
    for (status, _) in [
        anna.patch("rooms/general/messages/2", json!({ "text": "x" }))
            .await,
        anna.delete("rooms/general/messages/2").await,
        anna.put("rooms/general/messages/2/reactions/%F0%9F%91%8D")
            .await,
        anna.post("rooms/general/messages", json!({ "text": "x", "reply": 2 }))
            .await,
    ] {
        assert_eq!(status, 404);
    }
    stage.crash().await;
    let file = std::fs::read(stage.data_dir().join("chat.db")).expect("the database");
    assert!(!file.windows(8).any(|bytes| bytes == b"a secret"));
}

#[tokio::test]
async fn an_answer_carries_what_it_answers() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    write(&anna, "A question\nof two lines").await;
    let form = json!({ "id": uuid(1), "text": "An answer", "reply": 1 });
    let (status, answer) = anna.post("rooms/general/messages", form.clone()).await;
    assert_eq!(status, 201);
    assert_eq!(
        answer["message"]["reply"],
        json!({ "seq": 1, "user": "anna", "name": "Anna", "text": "A question of two lines" })
    );
    // A resend is the same message.
    assert_eq!(
        anna.post("rooms/general/messages", form).await,
        (200, answer)
    );
    let form = json!({ "text": "x", "reply": 99 });
    let (status, answer) = anna.post("rooms/general/messages", form).await;
    assert_eq!((status, &answer["code"]), (404, &json!("no_such_message")));
    // What was refused has taken no place.
    assert_eq!(write(&anna, "next").await, 3);
}

#[tokio::test]
async fn a_reaction_counts_once_for_each_user_and_can_be_taken_back() {
    let mut stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    write(&anna, "Hello").await;
    let thumb = "rooms/general/messages/1/reactions/%F0%9F%91%8D";
    anna.put(thumb).await;
    anna.put(thumb).await;
    let (_, answer) = boris.put(thumb).await;
    assert_eq!(
        answer["message"]["reactions"],
        json!([{ "emoji": "👍", "users": [{ "id": "anna", "name": "Anna" }, { "id": "boris", "name": "Boris" }] }])
    );
    assert_eq!(
        heard(&mut stage, "change").await["data"]["message"]["rev"],
        2
    );
    assert_eq!(
        heard(&mut stage, "change").await["data"]["message"],
        answer["message"]
    );
    let (_, answer) = anna.delete(thumb).await;
    assert_eq!(answer["message"]["reactions"][0]["users"][0]["id"], "boris");
    for bad in ["x", "%3Cb%3E", "%E2%80%AE", "%F0%9F%91%8D%F0%9F%91%8D"] {
        let (status, answer) = anna
            .put(&format!("rooms/general/messages/1/reactions/{bad}"))
            .await;
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!("bad_request")),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_message_has_a_bounded_number_of_different_reactions() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    write(&anna, "Hello").await;
    let give = async |number: u32| {
        // The animals from the rat on: U+1F400, percent-encoded.
        let path = format!(
            "rooms/general/messages/1/reactions/%F0%9F%90%{:02X}",
            0x80 + number
        );
        anna.put(&path).await
    };
    for number in 0..limits::REACTION_KINDS {
        assert_eq!(give(number).await.0, 200);
    }
    let (status, answer) = give(limits::REACTION_KINDS).await;
    assert_eq!((status, &answer["code"]), (507, &json!("no_place")));
    assert_eq!(give(0).await.0, 200);
}

#[tokio::test]
async fn who_is_named_behind_an_at_sign_is_mentioned_and_sees_it_counted() {
    let stage = Stage::new().await;
    let (anna, maria) = (stage.log_in("Anna").await, stage.log_in("Anna Maria").await);
    write(&anna, "hi @anna maria, and not anna@example.org or @nobody").await;
    assert_eq!(read(&anna, 1).await["mentions"], json!(["anna maria"]));
    let count = async |user: &User| user.ask("rooms").await.1["rooms"][0]["mentions"].clone();
    assert_eq!(
        (count(&maria).await, count(&anna).await),
        (json!(1), json!(0))
    );
    maria.post("rooms/general/read", json!({ "seq": 1 })).await;
    assert_eq!(count(&maria).await, 0);
    let form = json!({ "text": "hi @Anna" });
    let (_, answer) = anna.patch("rooms/general/messages/1", form).await;
    assert_eq!(answer["message"]["mentions"], json!(["anna"]));
}

#[tokio::test]
async fn a_message_that_mentions_everybody_is_refused() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    let mut text = String::new();
    for number in 0..=limits::MENTIONS {
        stage.log_in(&format!("u{number}x")).await;
        text.push_str(&format!("@u{number}x\n"));
    }
    let (status, answer) = anna
        .post("rooms/general/messages", json!({ "text": text }))
        .await;
    assert_eq!(
        (status, &answer["code"]),
        (400, &json!("too_many_mentions"))
    );
    write(&anna, &"@nobody ".repeat(400)).await;
}

#[tokio::test]
async fn what_has_changed_since_a_moment_can_be_asked_for() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    for text in ["one", "two", "three"] {
        write(&anna, text).await;
    }
    anna.post(
        "rooms/general/messages",
        json!({ "text": "about two", "reply": 2 }),
    )
    .await;
    let (_, page) = anna.ask("rooms/general/messages").await;
    let rev = page["rev"].as_i64().expect("a number");
    let since = async |rev: i64, after: i64, to: i64| {
        let path = format!("rooms/general/changes?since={rev}&after={after}&to={to}");
        let (status, answer) = anna.ask(&path).await;
        assert_eq!(status, 200);
        let seqs: Vec<i64> = answer["messages"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|message| message["seq"].as_i64())
            .collect();
        (seqs, answer["rev"].as_i64().expect("a number"))
    };
    assert_eq!(since(rev, 0, 10).await, (vec![], rev));
    anna.delete("rooms/general/messages/2").await;
    // The message itself, and the one that quotes it.
    assert_eq!(since(rev, 0, 10).await, (vec![2, 4], rev + 1));
    assert_eq!(since(rev, 2, 3).await, (vec![], rev + 1));
    assert_eq!(
        anna.ask("rooms/nowhere/changes?since=0&after=0&to=1")
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn people_are_found_by_the_first_letters_of_a_word_of_their_name() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna Maria").await;
    stage.log_in("Mario").await;
    stage.log_in("100%").await;
    let find = async |letters: &str| {
        let (_, answer) = anna.ask(&format!("people?find={letters}")).await;
        answer["people"].clone()
    };
    assert_eq!(
        find("MAR").await,
        json!([{ "id": "mario", "name": "Mario" }, { "id": "anna maria", "name": "Anna Maria" }])
    );
    assert_eq!(find("%25").await, json!([]));
    assert_eq!(
        find("100%25").await,
        json!([{ "id": "100%", "name": "100%" }])
    );
    assert_eq!(stage.nobody().ask("people?find=a").await.0, 401);
}
