//! Names with passwords, sessions on several devices, and their end.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;
use veche_chat::limits;

use crate::stage::{Stage, User, answer, key_of, within};

const PASSWORD: &str = "correct horse battery";

async fn register(stage: &Stage, name: &str, key: Option<String>) -> (u16, Value) {
    let form = json!({ "name": name, "password": PASSWORD, "key": key });
    stage.nobody().post("register", form).await
}

async fn log_in(stage: &Stage, name: &str, password: &str) -> (u16, Value) {
    let form = json!({ "name": name, "password": password });
    stage.nobody().post("login", form).await
}

fn session(stage: &Stage, answer: &Value) -> User {
    let token = answer["token"].as_str().expect("a token");
    User {
        authorization: Some(format!("Bearer {token}")),
        ..stage.nobody()
    }
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_name_with_a_password_is_used_in_any_browser_and_by_nobody_without_it() {
    let mut stage = Stage::new().await;
    let (status, answer) = register(&stage, "Anna", None).await;
    assert_eq!((status, &answer["registered"]), (200, &json!(true)));
    let (status, again) = log_in(&stage, "anna", PASSWORD).await;
    assert_eq!(status, 200);
    assert_ne!(again["token"], answer["token"]);
    let wrong = (401, "wrong_password");
    assert_eq!(code(&log_in(&stage, "Anna", "correct horse").await), wrong);
    // For a name that nobody has the answer is the same.
    assert_eq!(code(&log_in(&stage, "Nobody", PASSWORD).await), wrong);
    let guest = json!({ "name": "Anna", "key": key_of("Eve") });
    assert_eq!(
        code(&stage.nobody().post("login", guest).await),
        (401, "password_needed")
    );
    assert_eq!(
        code(&register(&stage, "Anna", None).await),
        (401, "password_needed")
    );
    let curl = User {
        authorization: Some("Basic YW5uYTo=".to_owned()),
        ..stage.nobody()
    };
    assert_eq!(curl.ask("me").await.0, 409);
    // The database holds a hash of it, and no more.
    stage.crash().await;
    let database = rusqlite::Connection::open(stage.data_dir().join("chat.db")).expect("opened");
    let hash: String = database
        .query_row(
            "SELECT password_hash FROM users WHERE id = 'anna'",
            [],
            |row| row.get(0),
        )
        .expect("a hash");
    assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
}

#[tokio::test]
async fn a_guest_gives_her_name_a_password_and_a_stranger_does_not() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    assert_eq!(
        code(&register(&stage, "Anna", Some(key_of("Eve"))).await),
        (409, "name_taken")
    );
    assert_eq!(
        code(&register(&stage, "Anna", None).await),
        (409, "name_taken")
    );
    let form = |password: &str| json!({ "password": password });
    for bad in ["short", "", &"x".repeat(129), "anna anna"] {
        let refused = anna.post("password", form(bad)).await;
        assert_eq!(code(&refused), (400, "bad_request"), "{bad}");
    }
    assert_eq!(anna.post("password", form(PASSWORD)).await.0, 200);
    assert_eq!(anna.ask("me").await.1["registered"], true);
    // The key of the browser is not enough any more.
    let guest = json!({ "name": "Anna", "key": key_of("Anna") });
    assert_eq!(
        code(&stage.nobody().post("login", guest).await),
        (401, "password_needed")
    );
    assert_eq!(log_in(&stage, "Anna", PASSWORD).await.0, 200);
}

#[tokio::test]
async fn another_password_needs_the_one_before_and_ends_all_other_sessions() {
    let stage = Stage::new().await;
    let (_, answer) = register(&stage, "Anna", None).await;
    let desk = session(&stage, &answer);
    let (_, answer) = log_in(&stage, "Anna", PASSWORD).await;
    let phone = session(&stage, &answer);
    let change = async |current: Option<&str>| {
        let form = json!({ "current": current, "password": "another password" });
        phone.post("password", form).await
    };
    assert_eq!(code(&change(None).await), (401, "wrong_password"));
    assert_eq!(
        code(&change(Some("a guess")).await),
        (401, "wrong_password")
    );
    assert_eq!(desk.ask("me").await.0, 200);
    let (status, answer) = change(Some(PASSWORD)).await;
    assert_eq!((status, &answer["ended"]), (200, &json!(1)));
    assert_eq!(
        (phone.ask("me").await.0, desk.ask("me").await.0),
        (200, 401)
    );
    assert_eq!(
        code(&log_in(&stage, "Anna", PASSWORD).await),
        (401, "wrong_password")
    );
}

#[tokio::test]
async fn guessing_passwords_is_slow_and_holds_up_nobody_else() {
    let stage = Stage::new().await;
    let (_, answer) = register(&stage, "Anna", None).await;
    let anna = session(&stage, &answer);
    register(&stage, "Boris", None).await;
    let mut refused = None;
    for guess in 0..3 * limits::PASSWORD_RATE.0 {
        let answer = log_in(&stage, "Anna", &format!("guess number {guess}")).await;
        if answer.0 == 429 {
            refused = Some((guess, answer));
            break;
        }
        assert_eq!(code(&answer), (401, "wrong_password"));
    }
    let (guesses, answer) = refused.expect("a refusal");
    assert_eq!(code(&answer), (429, "slow_down"));
    assert!(guesses < limits::PASSWORD_RATE.0 + 2, "{guesses}");
    // The right one has to wait too; whoever is there already goes on, and so does everybody else.
    assert_eq!(log_in(&stage, "Anna", PASSWORD).await.0, 429);
    assert_eq!(anna.ask("rooms").await.0, 200);
    assert_eq!(log_in(&stage, "Boris", PASSWORD).await.0, 200);
}

/// Logs in as a browser that says what it is.
async fn from(stage: &Stage, agent: &str) -> Value {
    let request = Request::post("/chat/api/login")
        .header("content-type", "application/json")
        .header("user-agent", agent)
        // A session that somebody else has thought of is not taken over.
        .header("authorization", "Bearer chosen-by-somebody-else")
        .body(Body::from(
            json!({ "name": "Anna", "password": PASSWORD, "token": "chosen" }).to_string(),
        ));
    let response = within(stage.router().oneshot(request.expect("a request"))).await;
    let (status, answer) = answer(response.expect("infallible")).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn sessions_are_listed_by_device_and_ended_one_by_one_or_all_together() {
    let mut stage = Stage::new().await;
    register(&stage, "Anna", None).await;
    let answers = [
        from(&stage, "Desk").await,
        from(&stage, &"Phone ".repeat(100)).await,
    ];
    assert!(answers.iter().all(|answer| {
        answer["token"]
            .as_str()
            .is_some_and(|token| token.len() == 64)
    }));
    let [desk, phone] = answers.each_ref().map(|answer| session(&stage, answer));
    let (_, list) = desk.ask("sessions").await;
    assert_eq!(list["current"], answers[0]["session"]);
    let devices = list["sessions"].as_array().expect("a list");
    let agents: Vec<&str> = devices
        .iter()
        .filter_map(|one| one["agent"].as_str())
        .collect();
    assert_eq!(devices.len(), 3);
    assert!(agents.contains(&"Desk") && agents.iter().all(|agent| agent.len() <= 200));
    assert!(
        devices
            .iter()
            .all(|one| one["created"].as_i64().is_some_and(|time| time > 0))
    );
    assert!(
        !list
            .to_string()
            .contains(answers[0]["token"].as_str().expect("a token"))
    );

    // Another's session cannot be ended.
    let eve = stage.log_in("Eve").await;
    let path = format!(
        "sessions/{}",
        answers[1]["session"].as_str().expect("an id")
    );
    assert_eq!(code(&eve.delete(&path).await), (404, "no_such_session"));
    assert_eq!(desk.delete(&path).await.0, 200);
    assert_eq!(
        (desk.ask("me").await.0, phone.ask("me").await.0),
        (200, 401)
    );
    let (_, ended) = desk.delete("sessions").await;
    assert_eq!(ended["ended"], 1);
    assert_eq!(
        desk.ask("sessions").await.1["sessions"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    // Connections of the user are closed: who still has a session comes back.
    loop {
        let [call] = stage.server.next().await;
        if call["user"] == "anna" {
            // By a code after which clients come back.
            assert!((4000..4500).contains(&call["disconnect"]["code"].as_i64().expect("a code")));
            break;
        }
    }
}
