//! Private rooms and conversations of two: who is in them, who is not, and what everybody may do.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::stage::{Stage, User};

/// Makes a private room of the user's; gives its id.
async fn private(user: &User, title: &str) -> String {
    let form = json!({ "title": title, "private": true });
    let (status, answer) = user.post("rooms", form).await;
    assert_eq!(status, 200, "{answer}");
    answer["room"]["id"].as_str().expect("an id").to_owned()
}

async fn invite(user: &User, room: &str, name: &str) -> (u16, Value) {
    user.put_with(&format!("rooms/{room}/members/{name}"), json!({}))
        .await
}

/// The room in the user's list.
async fn listed(user: &User, room: &str) -> Option<Value> {
    let (_, list) = user.ask("rooms").await;
    let rooms = list["rooms"].as_array().expect("a list").clone();
    rooms.into_iter().find(|one| one["id"] == room)
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_private_room_does_not_exist_for_who_is_no_member() {
    let stage = Stage::new().await;
    let (anna, eve) = (stage.log_in("Anna").await, stage.log_in("Eve").await);
    let room = private(&anna, "Secret").await;
    anna.post(
        &format!("rooms/{room}/messages"),
        json!({ "text": "hidden" }),
    )
    .await;
    let channel = listed(&anna, &room).await.expect("in her list")["channel"].clone();
    let message = json!({ "text": "x" });
    for answer in [
        eve.ask(&format!("rooms/{room}/messages")).await,
        eve.ask(&format!("rooms/{room}/messages?around=1")).await,
        eve.ask(&format!("rooms/{room}/changes?since=0&after=0&to=9"))
            .await,
        eve.ask(&format!("rooms/{room}/members")).await,
        eve.ask(&format!("rooms/{room}/invite")).await,
        eve.post(&format!("rooms/{room}/messages"), message.clone())
            .await,
        eve.patch(&format!("rooms/{room}/messages/1"), message.clone())
            .await,
        eve.delete(&format!("rooms/{room}/messages/1")).await,
        eve.put(&format!("rooms/{room}/messages/1/reactions/%F0%9F%91%8D"))
            .await,
        eve.post(&format!("rooms/{room}/read"), json!({ "seq": 1 }))
            .await,
        eve.post(&format!("rooms/{room}/join"), json!({})).await,
        eve.post(
            &format!("rooms/{room}/subscription-token"),
            json!({ "channel": channel }),
        )
        .await,
        eve.patch(&format!("rooms/{room}"), json!({ "title": "Mine" }))
            .await,
        eve.delete(&format!("rooms/{room}")).await,
        invite(&eve, &room, "eve").await,
    ] {
        assert_eq!(code(&answer), (404, "no_such_room"), "{}", answer.1);
    }
    assert_eq!(listed(&eve, &room).await.map(|_| ()), None);
    let (_, found) = eve.ask("public-rooms").await;
    assert!(!found.to_string().contains("Secret"));
    // Nor by saying a name, as curl does.
    let curl = User {
        authorization: Some(format!("Basic {}", BASE64_STANDARD.encode("nobody:"))),
        ..stage.nobody()
    };
    assert_eq!(
        code(&curl.ask(&format!("rooms/{room}/messages")).await).0,
        404
    );
    let form = json!({ "title": "x", "private": true });
    assert_eq!(code(&curl.post("rooms", form).await), (403, "unowned"));
}

#[tokio::test]
async fn what_is_said_in_a_private_room_is_published_for_its_members_alone() {
    let mut stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    let room = private(&anna, "Secret").await;
    assert_eq!(invite(&anna, &room, "Boris").await.0, 200);
    let form = json!({ "text": "hidden" });
    assert_eq!(
        boris.post(&format!("rooms/{room}/messages"), form).await.0,
        201
    );
    boris
        .patch(
            &format!("rooms/{room}/messages/1"),
            json!({ "text": "hidden too" }),
        )
        .await;
    let mut heard = Vec::new();
    while heard.len() < 4 {
        let [publication] = stage.server.next().await;
        if publication["data"]["type"] != "membership" {
            heard.push(publication);
        }
    }
    for publication in heard {
        let mut channels: Vec<String> = publication["channels"]
            .as_array()
            .cloned()
            .unwrap_or_default()
            .iter()
            .chain(publication.get("channel"))
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        channels.sort();
        match publication["data"]["type"].as_str() {
            Some("message" | "change") => assert_eq!(channels, [format!("private:{room}.1")]),
            _ => assert!(
                channels.len() == 2 && channels.iter().all(|name| name.starts_with("me:")),
                "{publication}"
            ),
        }
    }
}

#[tokio::test]
async fn a_member_gets_tokens_for_the_channels_and_after_a_removal_for_new_ones() {
    let stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    let room = private(&anna, "Secret").await;
    invite(&anna, &room, "boris").await;
    let path = format!("rooms/{room}/subscription-token");
    let before = listed(&boris, &room).await.expect("in his list");
    for channel in ["channel", "typing"] {
        let form = json!({ "channel": before[channel] });
        let (status, answer) = boris.post(&path, form).await;
        assert_eq!(status, 200);
        let token = answer["token"].as_str().expect("a token");
        let claims = token.split('.').nth(1).expect("claims");
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(
            (&claims["sub"], &claims["channel"]),
            (&json!("boris"), &before[channel])
        );
    }
    let other = boris.post(&path, json!({ "channel": "me:x" })).await;
    assert_eq!(code(&other), (404, "no_such_channel"));

    assert_eq!(
        anna.delete(&format!("rooms/{room}/members/boris")).await.0,
        200
    );
    let now = listed(&anna, &room).await.expect("in her list");
    assert_ne!(now["channel"], before["channel"]);
    let form = json!({ "channel": before["channel"] });
    assert_eq!(
        code(&boris.post(&path, form.clone()).await),
        (404, "no_such_room")
    );
    assert_eq!(
        code(&anna.post(&path, form).await),
        (404, "no_such_channel")
    );
    assert_eq!(
        anna.post(&path, json!({ "channel": now["channel"] }))
            .await
            .0,
        200
    );
}

/// A private room with an owner, a moderator and a member.
async fn team(stage: &Stage) -> (String, [User; 3]) {
    let [owner, moderator, member] = [
        stage.log_in("Owner").await,
        stage.log_in("Moderator").await,
        stage.log_in("Member").await,
    ];
    let room = private(&owner, "Team").await;
    for name in ["moderator", "member"] {
        assert_eq!(invite(&owner, &room, name).await.0, 200);
    }
    let path = format!("rooms/{room}/members/moderator");
    let role = json!({ "role": "moderator" });
    assert_eq!(owner.put_with(&path, role).await.0, 200);
    (room, [owner, moderator, member])
}

const NOT_ALLOWED: (u16, &str) = (403, "not_allowed");

#[tokio::test]
async fn any_member_brings_somebody_in_and_an_owner_gives_roles() {
    let stage = Stage::new().await;
    let (room, [_, moderator, member]) = team(&stage).await;
    stage.log_in("Guest").await;
    let path = |user: &str| format!("rooms/{room}/members/{user}");
    let role = |role: &str| json!({ "role": role });
    for refused in [
        member.put_with(&path("member"), role("owner")).await,
        moderator.put_with(&path("moderator"), role("owner")).await,
        // Nobody is brought in with a role but by an owner.
        member.put_with(&path("guest"), role("moderator")).await,
    ] {
        assert_eq!(code(&refused), NOT_ALLOWED);
    }
    assert_eq!(invite(&member, &room, "guest").await.0, 200);
    let nobody = invite(&member, &room, "nobody").await;
    assert_eq!(code(&nobody), (404, "no_such_person"));
}

#[tokio::test]
async fn those_who_keep_order_rename_delete_and_remove() {
    let stage = Stage::new().await;
    let (room, [owner, moderator, member]) = team(&stage).await;
    stage.log_in("Guest").await;
    invite(&member, &room, "guest").await;
    let path = format!("rooms/{room}");
    let text = json!({ "text": "rude" });
    owner.post(&format!("{path}/messages"), text).await;
    let rename = json!({ "title": "Crew", "topic": "Ships" });
    assert_eq!(member.patch(&path, rename.clone()).await.0, 403);
    let message = format!("{path}/messages/1");
    assert_eq!(member.delete(&message).await.0, 403);
    assert_eq!(moderator.patch(&path, rename).await.0, 200);
    assert_eq!(moderator.delete(&message).await.0, 200);
    let shown = listed(&member, &room).await.expect("in the list");
    assert_eq!(
        (&shown["title"], &shown["topic"], &shown["role"]),
        (&json!("Crew"), &json!("Ships"), &json!("member"))
    );
    // A moderator removes members, not owners; nor archives or deletes.
    let remove = |user: &str| format!("{path}/members/{user}");
    assert_eq!(code(&moderator.delete(&remove("owner")).await), NOT_ALLOWED);
    assert_eq!(code(&member.delete(&remove("guest")).await), NOT_ALLOWED);
    assert_eq!(moderator.delete(&remove("guest")).await.0, 200);
    let archive = json!({ "archived": true });
    assert_eq!(moderator.patch(&path, archive).await.0, 403);
    assert_eq!(moderator.delete(&path).await.0, 403);
}

#[tokio::test]
async fn a_room_always_has_an_owner_and_is_gone_with_its_last_member() {
    let stage = Stage::new().await;
    let (room, [owner, moderator, member]) = team(&stage).await;
    let path = |user: &str| format!("rooms/{room}/members/{user}");
    // The last owner cannot step back, but can go: the moderator follows.
    let step_back = json!({ "role": "member" });
    let refused = owner.put_with(&path("owner"), step_back).await;
    assert_eq!(code(&refused), NOT_ALLOWED);
    assert_eq!(owner.delete(&path("owner")).await.0, 200);
    let shown = listed(&moderator, &room).await.expect("in the list");
    assert_eq!(shown["role"], "owner");
    assert_eq!(member.delete(&path("member")).await.0, 200);
    assert_eq!(moderator.delete(&path("moderator")).await.0, 200);
    let gone = moderator.ask(&format!("rooms/{room}/messages")).await;
    assert_eq!(code(&gone), (404, "no_such_room"));
}

#[tokio::test]
async fn a_link_leads_in_until_it_is_renewed_taken_back_or_too_old() {
    let stage = Stage::new().await;
    let [anna, boris, vera, eve] = [
        stage.log_in("Anna").await,
        stage.log_in("Boris").await,
        stage.log_in("Vera").await,
        stage.log_in("Eve").await,
    ];
    let room = private(&anna, "Team").await;
    let path = format!("rooms/{room}/invite");
    let renew = async || {
        let (status, answer) = anna.post(&path, json!({})).await;
        assert_eq!(status, 200, "{answer}");
        format!(
            "invites/{}",
            answer["invite"]["token"].as_str().expect("a token")
        )
    };
    let first = renew().await;
    let (_, look) = boris.ask(&first).await;
    assert_eq!(
        (
            &look["invite"]["title"],
            &look["invite"]["by"],
            &look["invite"]["members"]
        ),
        (&json!("Team"), &json!("Anna"), &json!(1))
    );
    let (status, answer) = boris.post(&first, json!({})).await;
    assert_eq!((status, &answer["room"]), (200, &json!(room)));
    assert_eq!(boris.post(&first, json!({})).await.0, 200);
    assert_eq!(
        listed(&boris, &room).await.expect("in his list")["unread"],
        0
    );
    // A member is no moderator: the link is not his to see.
    assert_eq!(code(&boris.ask(&path).await), (403, "not_allowed"));
    let second = renew().await;
    let gone = (404, "no_such_invite");
    assert_eq!(code(&vera.post(&first, json!({})).await), gone);
    assert_eq!(vera.post(&second, json!({})).await.0, 200);
    assert_eq!(anna.delete(&path).await.0, 200);
    assert_eq!(code(&eve.ask(&second).await), gone);
    assert_eq!(code(&eve.post(&second, json!({})).await), gone);
    assert_eq!(code(&eve.post("invites/%25", json!({})).await), gone);
    assert_eq!(listed(&eve, &room).await.map(|_| ()), None);
    // The first room needs no invitation, and has no link.
    assert_eq!(
        code(&anna.post("rooms/general/invite", json!({})).await).0,
        403
    );
}

#[tokio::test]
async fn two_people_have_one_conversation_and_nobody_else_is_in_it() {
    let mut stage = Stage::new().await;
    let [anna, boris, eve] = [
        stage.log_in("Anna").await,
        stage.log_in("Boris").await,
        stage.log_in("Eve").await,
    ];
    let open = async |user: &User, other: &str| user.post("direct", json!({ "user": other })).await;
    let (_, answer) = open(&anna, "Boris").await;
    let room = answer["room"].as_str().expect("an id").to_owned();
    assert_eq!(open(&boris, "ANNA").await.1["room"], room.as_str());
    // The other one sees it with the first message.
    assert_eq!(
        listed(&anna, &room).await.expect("hers")["with"],
        json!({ "id": "boris", "name": "Boris" })
    );
    assert!(listed(&boris, &room).await.is_none());
    let form = json!({ "text": "between us" });
    assert_eq!(
        anna.post(&format!("rooms/{room}/messages"), form).await.0,
        201
    );
    let shown = listed(&boris, &room).await.expect("his");
    assert_eq!(
        (&shown["with"]["name"], &shown["unread"], &shown["kind"]),
        (&json!("Anna"), &json!(1), &json!("direct"))
    );
    assert_eq!(
        code(&eve.ask(&format!("rooms/{room}/messages")).await),
        (404, "no_such_room")
    );
    assert_eq!(code(&invite(&anna, &room, "eve").await), (400, "only_two"));
    assert_eq!(
        code(&anna.delete(&format!("rooms/{room}/members/anna")).await),
        (400, "only_two")
    );
    assert_eq!(
        anna.patch(&format!("rooms/{room}"), json!({ "title": "x" }))
            .await
            .0,
        403
    );
    assert_eq!(anna.delete(&format!("rooms/{room}")).await.0, 403);
    assert_eq!(code(&open(&anna, "anna").await), (400, "oneself"));
    assert_eq!(code(&open(&anna, "nobody").await), (404, "no_such_person"));
    let [publication] = stage.server.next().await;
    assert_eq!(publication["channel"], format!("private:{room}.1"));
}

#[tokio::test]
async fn a_public_room_is_renamed_left_found_again_and_archived() {
    let stage = Stage::new().await;
    let (anna, boris) = (stage.log_in("Anna").await, stage.log_in("Boris").await);
    for title in ["Tea", "Coffee"] {
        anna.post("rooms", json!({ "title": title })).await;
    }
    let change = async |form: Value| anna.patch("rooms/tea", form).await;
    assert_eq!(
        code(&change(json!({ "title": "COFFEE" })).await),
        (409, "title_taken")
    );
    assert_eq!(
        change(json!({ "title": "Green tea", "topic": "  " }))
            .await
            .0,
        200
    );
    assert_eq!(code(&change(json!({ "topic": "a\u{202E}b" })).await).0, 400);
    assert_eq!(
        boris.patch("rooms/tea", json!({ "title": "x" })).await.0,
        403
    );
    assert_eq!(
        anna.patch("rooms/general", json!({ "title": "x" })).await.0,
        403
    );

    assert_eq!(boris.delete("rooms/tea/members/boris").await.0, 200);
    assert!(listed(&boris, "tea").await.is_none());
    let tea = async |user: &User| {
        let (_, found) = user.ask("public-rooms").await;
        let rooms = found["rooms"].as_array().expect("a list").clone();
        rooms
            .into_iter()
            .find(|room| room["id"] == "tea")
            .expect("tea")
    };
    assert_eq!(
        (&tea(&boris).await["joined"], &tea(&anna).await["joined"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(boris.post("rooms/tea/join", json!({})).await.0, 200);
    assert_eq!(
        listed(&boris, "tea").await.expect("back")["title"],
        "Green tea"
    );

    let form = json!({ "text": "the last word" });
    boris.post("rooms/tea/messages", form.clone()).await;
    assert_eq!(change(json!({ "archived": true })).await.0, 200);
    let archived = (403, "archived");
    assert_eq!(
        code(&boris.post("rooms/tea/messages", form.clone()).await),
        archived
    );
    assert_eq!(code(&boris.delete("rooms/tea/messages/1").await), archived);
    assert_eq!(boris.ask("rooms/tea/messages").await.1["top"], 1);
    assert_eq!(
        listed(&boris, "tea").await.expect("there")["archived"],
        true
    );
    change(json!({ "archived": false })).await;
    assert_eq!(boris.post("rooms/tea/messages", form).await.0, 201);
}
