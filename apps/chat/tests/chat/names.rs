//! A name belongs to whoever chose it first, and nobody passes for somebody else.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::stage::{Stage, User, key_of};

fn curl(stage: &Stage, name: &str) -> User {
    let credentials = BASE64_STANDARD.encode(format!("{name}:"));
    User {
        authorization: Some(format!("Basic {credentials}")),
        ..stage.nobody()
    }
}

#[tokio::test]
async fn a_name_belongs_to_the_browser_that_chose_it() {
    let stage = Stage::new().await;
    let nobody = stage.nobody();
    let log_in = async |name: &str, key: Option<String>| {
        let (status, answer) = nobody
            .post("login", json!({ "name": name, "key": key }))
            .await;
        (status, answer["code"].as_str().map(str::to_owned))
    };
    let taken = (409, Some("name_taken".to_owned()));
    assert_eq!(log_in("Anna", Some(key_of("Anna"))).await, (200, None));
    assert_eq!(log_in("anna", Some(key_of("Anna"))).await, (200, None));
    assert_eq!(log_in("Anna", Some(key_of("Eve"))).await, taken);
    assert_eq!(log_in("ANNA", None).await, taken);
    // Nor does saying the name, as curl does, make anybody Anna.
    let eve = curl(&stage, "Anna");
    let form = json!({ "text": "I am Anna" });
    assert_eq!(eve.post("rooms/general/messages", form).await.0, 409);
    assert_eq!(eve.ask("me").await.0, 409);
    assert_eq!(eve.post("connection-token", json!({})).await.0, 409);
    assert_eq!(log_in("Boris", Some("short".to_owned())).await.0, 400);
}

#[tokio::test]
async fn a_name_that_only_curl_has_used_belongs_to_nobody_yet() {
    let stage = Stage::new().await;
    let form = json!({ "text": "Hello" });
    let me = curl(&stage, "me");
    assert_eq!(me.post("rooms/general/messages", form.clone()).await.0, 201);
    assert_eq!(me.post("rooms/general/messages", form.clone()).await.0, 201);
    stage.log_in("Me").await;
    assert_eq!(me.post("rooms/general/messages", form).await.0, 409);
}

#[tokio::test]
async fn a_name_that_looks_like_anothers_is_refused() {
    let stage = Stage::new().await;
    stage.log_in("Rita").await;
    for name in ["R\u{131}ta", "R\u{456}ta", "Ri\u{200D}ta"] {
        let form = json!({ "name": name, "key": key_of("Eve") });
        let (status, answer) = stage.nobody().post("login", form).await;
        assert_eq!((status, &answer["code"]), (409, &json!("looks_like")));
        assert!(answer["error"].as_str().expect("text").contains("\"Rita\""));
        let form = json!({ "text": "I am Rita" });
        let eve = curl(&stage, name);
        assert_eq!(eve.post("rooms/general/messages", form).await.0, 409);
    }
    // A letter's case is a name's own: but not where it makes it another's.
    stage.log_in("Alice").await;
    let form = |name: &str| json!({ "name": name, "key": key_of("Eve") });
    assert_eq!(stage.nobody().post("login", form("aiice")).await.0, 200);
    assert_eq!(stage.nobody().post("login", form("AIice")).await.0, 409);
}
