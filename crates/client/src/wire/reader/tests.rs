use super::*;

fn frame(text: &str) -> Frame {
    decode(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

fn at(position: &str) -> Option<Position> {
    Some(position.parse().expect("a position"))
}

#[test]
fn the_welcome_is_read() {
    let welcome = r#"{"event":"welcome","client":"c1","user":"anna","ping":25,"retry":{"min_ms":500,"max_ms":20000},"system":true}"#;
    let expected = Welcome {
        client: "c1".into(),
        user: Some("anna".into()),
        ping_secs: 25,
        retry_ms: Some((500, 20_000)),
    };
    assert_eq!(frame(welcome), Frame::Welcome(expected));
}

#[test]
fn answers_are_known_by_their_ids() {
    let subscribed = r#"{"event":"subscribed","id":2,"channel":"c","data":{"position":"e:4","recovered":true,"clients":[{"user":"u","client":"x"}]},"system":true}"#;
    let Frame::Answer { id: 2, answer } = frame(subscribed) else {
        panic!("no answer");
    };
    let Reply::Subscribed {
        position,
        recovered: true,
        clients: Some(clients),
    } = answer
    else {
        panic!("{answer:?}");
    };
    assert_eq!(position, at("e:4"));
    assert_eq!(clients[0].user, "u");
    let published = r#"{"event":"published","id":3,"channel":"c","data":{},"system":true}"#;
    let answer = Reply::Published { position: None };
    assert_eq!(frame(published), Frame::Answer { id: 3, answer });
    let call = r#"{"event":"call","id":4,"data":[1],"system":true}"#;
    let answer = Reply::Call(Data::json(&[1]).expect("JSON"));
    assert_eq!(frame(call), Frame::Answer { id: 4, answer });
}

#[test]
fn a_user_cannot_forge_what_the_server_says() {
    let text = r#"{"event":"disconnect","channel":"c","data":{"code":3500},"id":"e:1"}"#;
    let Frame::Publication { publication, .. } = frame(text) else {
        panic!("no publication");
    };
    assert_eq!(publication.event, "disconnect");
    assert_eq!(publication.position, at("e:1"));
}

#[test]
fn bytes_are_announced_live_and_enveloped_in_a_history() {
    let live =
        r#"{"event":"image","channel":"c","binary":true,"type":"image/png","size":3,"id":"e:1"}"#;
    let Frame::Publication {
        announced: Some(announced),
        ..
    } = frame(live)
    else {
        panic!("not announced");
    };
    assert_eq!(announced.size, 3);
    let past = r#"{"event":"history","id":1,"channel":"c","data":{"publications":[
        {"event":"image","channel":"c","data":{"binary":true,"type":"image/png","base64":"AQID"},"id":"e:1"},
        {"event":"message","channel":"c","data":{"binary":true,"base64":"not base64!"},"id":"e:2"}],"position":"e:2"},"system":true}"#;
    let Frame::Answer {
        answer: Reply::History { publications, .. },
        ..
    } = frame(past)
    else {
        panic!("no history");
    };
    let image = Data::binary(vec![1, 2, 3]).with_media_type("image/png");
    assert_eq!(publications[0].data, image);
    assert!(publications[1].data.as_json().is_some());
}

#[test]
fn an_error_keeps_what_it_is_about() {
    let error =
        r#"{"error":"no","code":103,"action":"subscribe","channel":"c","id":7,"system":true}"#;
    let Frame::Refused {
        id: Some(7),
        refusal,
        ..
    } = frame(error)
    else {
        panic!("no refusal");
    };
    assert_eq!(refusal.to_string(), "no (103)");
}

#[test]
fn what_is_no_frame_is_an_error_and_what_is_not_known_is_none() {
    for wrong in [
        "",
        "[]",
        "{}",
        r#"{"event":"x"}"#,
        r#"{"event":"x","channel":"c","id":7}"#,
        r#"{"event":"x","channel":"c","id":"7"}"#,
        r#"{"event":"x","channel":"c","binary":true}"#,
        r#"{"event":"join","channel":"c","system":true}"#,
        r#"{"event":"subscribed","id":1,"data":{"position":"?"},"system":true}"#,
        r#"{"event":"subscribed","id":1,"data":7,"system":true}"#,
    ] {
        assert!(decode(wrong).is_err(), "{wrong}");
    }
    let newer = r#"{"event":"weather","id":1,"system":true}"#;
    assert_eq!(frame(newer), Frame::Unknown);
}
