//! Tests of tokens. The constants were made with Python's `hmac`, not with this crate.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;

use veche_protocol::claims::{Overrides, SubscriptionOptions};
use veche_protocol::payload::Payload;

use super::*;
use crate::jws;

/// `{"sub":"42"}`, signed with `secret`.
const HS256: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiJ9.79CVgMIG_JB921dVUeJDWNJubJojFodH3-XtC_1C408";
const HS384: &str = "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiJ9._XqjM_YHAu4CWMH7hzfxehwzIF-YR7dACRjxtIVmJX5xNtZlNRiNQT77cP9PWVPM";
const HS512: &str = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiJ9.OOnmim08R5KPn3wNhfsu5HW2EyBxHZKIDBHSjSRDrCOhWlmKZr9e10Ktf-JcrAjCDBi6c-wB5_5HlUnSd2KN1g";
/// `{"sub":"42"}`, signed with `old secret`.
const OLD: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiJ9.7akkkHvWlezvPVxW4sulxJkNuS1UvoLpcoB3JG1EBT4";
/// `{"sub":"42"}` without signature, and with `alg: none`.
const NONE: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiI0MiJ9.";
/// The same, but with a good HS256 signature.
const NONE_SIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiI0MiJ9.iKGXFwCFXein5G2Jx8o6bpfCSIrzJ2DYGimJS31J5y0";
/// A good HS256 signature under `alg: RS256`.
const RS256: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiJ9.n73Z3jWsYJYLkt1RBiNWSBP0yupunoVY7xPEbmd8LS4";
/// A good signature under a header that demands an extension.
const CRIT: &str = "eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiYjY0Il0sImI2NCI6ZmFsc2V9.eyJzdWIiOiI0MiJ9.sjkj6NER_Am05MoGCWwmRzuS-eJhsahi37QDNVzOMIo";
/// A good HS512 signature under `alg: HS256`.
const CROSSED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiJ9.lEDUBP8fWBBfxNzOFzkP9J9mPw2MTPBeMsc0Kk6Iwn4OUMevtX519aXuvIYlNd3AnPlOGuuagaVNZyH3m4aCig";

const NOW: i64 = 1_700_000_000;

fn key() -> Secret {
    Secret::new("secret")
}

fn keys() -> Keys {
    Keys {
        hmac: Some(key()),
        ..Keys::default()
    }
}

fn connection(claims: &str) -> Result<ConnectionClaims, TokenError> {
    connection_with(keys(), claims)
}

fn connection_with(keys: Keys, claims: &str) -> Result<ConnectionClaims, TokenError> {
    Verifier::new(keys).verify_connection(&jws::sign(&key(), claims), NOW, None)
}

fn subscription(claims: &str) -> Result<SubscriptionClaims, TokenError> {
    Verifier::new(keys()).verify_subscription(&jws::sign(&key(), claims), NOW, None)
}

#[track_caller]
fn assert_invalid<T: fmt::Debug>(result: Result<T, TokenError>, why: &str) {
    match result {
        Err(TokenError::Invalid(said)) => assert!(said.contains(why), "said: {said}"),
        other => panic!("not invalid: {other:?}"),
    }
}

fn json(text: &'static str) -> Option<Payload> {
    Some(Payload::json(Bytes::from_static(text.as_bytes())))
}

#[test]
fn tokens_of_another_maker_are_accepted() {
    for token in [HS256, HS384, HS512] {
        let claims = Verifier::new(keys()).verify_connection(token, NOW, None);
        assert_eq!(claims.map(|it| it.user), Ok("42".into()));
    }
}

#[test]
fn our_tokens_are_those_another_maker_would_make() {
    assert_eq!(jws::sign(&key(), r#"{"sub":"42"}"#), HS256);
}

#[test]
fn what_is_not_signed_with_our_key_is_refused_and_the_reason_told() {
    let cut = &HS256[..HS256.len() - 1];
    let (signed, _) = HS256.rsplit_once('.').expect("three parts");
    let mut changed = HS256.to_owned();
    changed.replace_range(40..41, "A");
    for (token, why) in [
        (NONE, "algorithm"),
        (NONE_SIGNED, "algorithm"),
        (RS256, "no key is configured"),
        (CRIT, "crit"),
        (CROSSED, "not made with our key"),
        (OLD, "not made with our key"),
        (&format!("{signed}."), "not made with our key"),
        (&changed, ""),
        (cut, ""),
        (signed, "three parts"),
        (&format!("{HS256}.x"), ""),
        (&format!("{HS256}="), "three parts"),
        ("", "three parts"),
        ("..", "header"),
        ("a b.c.d", "three parts"),
    ] {
        let verified = Verifier::new(keys()).verify_connection(token, NOW, None);
        assert_invalid(verified, why);
    }
}

#[test]
fn without_a_key_no_token_is_accepted() {
    let verified = Verifier::new(Keys::default()).verify_connection(HS256, NOW, None);
    assert_invalid(verified, "no key");
}

#[test]
fn the_previous_key_is_accepted_until_its_time_by_our_clock() {
    let until = |valid_until| {
        Verifier::new(Keys {
            previous: Some(PreviousKey {
                key: Secret::new("old secret"),
                valid_until,
            }),
            ..keys()
        })
    };
    assert!(until(None).verify_connection(OLD, NOW, None).is_ok());
    assert!(until(Some(NOW)).verify_connection(OLD, NOW, None).is_ok());
    assert!(
        until(Some(NOW))
            .verify_connection(HS256, NOW + 1, None)
            .is_ok()
    );
    let late = until(Some(NOW)).verify_connection(OLD, NOW + 1, None);
    assert_invalid(late, "not made with our key");
}

#[test]
fn an_insecure_verifier_takes_every_token_at_its_word_but_not_every_claim() {
    let verifier = Verifier::new(Keys {
        insecure_skip_signature_verify: true,
        ..Keys::default()
    });
    for token in [HS256, OLD, NONE] {
        assert!(verifier.verify_connection(token, NOW, None).is_ok());
    }
    assert_invalid(verifier.verify_connection("a.b.c", NOW, None), "");
    let expired = jws::sign(&key(), r#"{"exp": 1}"#);
    let verified = verifier.verify_connection(&expired, NOW, None);
    assert!(
        matches!(verified, Err(TokenError::Expired(_))),
        "{verified:?}"
    );
}

#[test]
fn a_token_lives_from_nbf_until_before_exp() {
    for (claims, is_live) in [
        (r#"{"exp": 1700000001}"#, true),
        (r#"{"exp": 1700000000}"#, false),
        (r#"{"exp": 1700000000.5}"#, true),
        (r#"{"exp": 1699999999.9}"#, false),
        (r#"{"exp": "1700000001"}"#, true),
        (r#"{"exp": "1"}"#, false),
        (r#"{"exp": null}"#, true),
        (r#"{"exp": 0}"#, false),
        (r#"{"nbf": 1700000000}"#, true),
        (r#"{"nbf": 1700000001}"#, false),
        (r#"{"iat": 1900000000}"#, true),
    ] {
        match connection(claims) {
            Ok(_) => assert!(is_live, "{claims}"),
            Err(error) => {
                let is_time = matches!(error, TokenError::Expired(_));
                assert!(!is_live && is_time, "{claims}: {error:?}");
            }
        }
    }
}

#[test]
fn a_token_out_of_its_time_says_by_how_much() {
    for (claims, told) in [
        (
            r#"{"exp": 1699999963}"#,
            "it expired 37 s ago (exp 2023-11-14 22:12:43 UTC; this clock says 2023-11-14 22:13:20 UTC)",
        ),
        (
            r#"{"nbf": 1700003661.5}"#,
            "it is not valid yet, but in 1 h 1 min (nbf 2023-11-14 23:14:21 UTC; this clock says 2023-11-14 22:13:20 UTC)",
        ),
        (
            r#"{"exp": 1700000000}"#,
            "it expired 0 s ago (exp 2023-11-14 22:13:20 UTC; this clock says 2023-11-14 22:13:20 UTC)",
        ),
    ] {
        let expected = Err(TokenError::Expired(told.to_owned()));
        assert_eq!(connection(claims), expected);
    }
}

#[test]
fn a_connection_ends_at_expire_at_or_else_at_exp() {
    for (claims, expected) in [
        (r#"{}"#, None),
        (r#"{"exp": 1700000100}"#, Some(1_700_000_100)),
        (r#"{"exp": "1700000100.7"}"#, Some(1_700_000_100)),
        (
            r#"{"exp": 1700000100, "expire_at": 1700000200}"#,
            Some(1_700_000_200),
        ),
        (r#"{"exp": 1700000100, "expire_at": 0}"#, None),
        (r#"{"exp": 1700000100, "expire_at": -5}"#, None),
        (
            r#"{"exp": 1700000100, "expire_at": null}"#,
            Some(1_700_000_100),
        ),
        (r#"{"expire_at": 1}"#, Some(1)),
    ] {
        assert_eq!(
            connection(claims).map(|it| it.expire_at),
            Ok(expected),
            "{claims}"
        );
    }
}

#[test]
fn claims_of_a_wrong_type_are_refused() {
    for (claims, why) in [
        (r#"{"sub": 42}"#, "sub"),
        (r#"{"exp": "soon"}"#, "exp"),
        (r#"{"exp": true}"#, "exp"),
        (r#"{"nbf": []}"#, "nbf"),
        (r#"{"iat": {}}"#, "iat"),
        (r#"{"expire_at": "1700000100"}"#, "expire_at"),
        (r#"{"expire_at": 1.5}"#, "expire_at"),
        (r#"{"b64info": 1}"#, "b64info"),
        (r#"{"channels": "news"}"#, "channels"),
        (r#"{"channels": [1]}"#, "channels"),
        (r#"{"subs": []}"#, "subs"),
        (r#"{"subs": {"a": 1}}"#, "subs"),
        (r#"{"subs": {"a": {"b64info": "?"}}}"#, "b64info"),
        (r#"{"subs": {"a": {"b64data": "?"}}}"#, "b64data"),
        (r#"{"subs": {"a": {"override": true}}}"#, "override"),
        (
            r#"{"subs": {"a": {"override": {"presence": true}}}}"#,
            "presence",
        ),
        (
            r#"{"subs": {"a": {"override": {"presence": {"value": 1}}}}}"#,
            "value",
        ),
        (r#"{"channel": "news"}"#, "subscription token"),
        (r#"{"aud": 1}"#, "aud"),
        (r#"{"iss": 1}"#, "iss"),
        (r#"[]"#, "object"),
        (r#"{} {}"#, "object"),
        (r#""#, "object"),
    ] {
        assert_invalid(connection(claims), why);
    }
}

#[test]
fn an_expired_subscription_token_is_expired_whatever_it_lacks() {
    let told = subscription(r#"{"sub": "anna", "exp": 1}"#);
    assert!(matches!(told, Err(TokenError::Expired(_))));
}

#[test]
fn info_that_would_overflow_parsers_is_refused() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for name in ["info", "meta"] {
        assert_invalid(connection(&format!("{{\"{name}\": {deep}}}")), name);
    }
}

#[test]
fn info_is_kept_byte_for_byte_and_b64info_comes_before_it() {
    let info = |claims| connection(claims).map(|it| it.info);
    assert_eq!(
        info(r#"{"info": {"a" : 1.50}}"#),
        Ok(json(r#"{"a" : 1.50}"#))
    );
    assert_eq!(info(r#"{"info": null}"#), Ok(json("null")));
    assert_eq!(info(r#"{"info": 1, "b64info": ""}"#), Ok(json("1")));
    let bytes = Payload::detect(Bytes::from_static(b"\x00\xff"));
    assert_eq!(info(r#"{"info": 1, "b64info": "AP8="}"#), Ok(Some(bytes)));
    assert_eq!(info(r#"{"b64info": "e30="}"#), Ok(json("{}")));
    let bad = info(r#"{"b64info": "?"}"#);
    assert!(matches!(bad, Err(TokenError::Failed(_))), "{bad:?}");
}

#[test]
fn keys_are_read_in_any_case_and_the_last_counts() {
    let claims = connection(r#"{"sub": "1", "SUB": "2", "Meta": {}, "Channels": ["a"]}"#);
    let claims = claims.expect("good");
    assert_eq!(claims.user, "2".into());
    assert_eq!(claims.meta, json("{}"));
    assert_eq!(claims.subs.len(), 1);
}

#[test]
fn channels_become_subscriptions_once_each() {
    let subs = connection(r#"{"channels": ["b", "a", "b"]}"#).map(|it| it.subs);
    let plain = |name: &str| (name.to_owned(), SubscriptionOptions::default());
    assert_eq!(subs, Ok(vec![plain("b"), plain("a")]));
}

#[test]
fn subs_replace_channels_and_say_how_to_subscribe() {
    let claims = r#"{
        "channels": ["ignored"],
        "subs": {
            "a": {
                "info": {"x": 1}, "b64data": "AP8=",
                "override": {
                    "presence": {"value": true}, "force_recovery": {}, "join_leave": null,
                    "force_positioning": {"value": false}, "force_push_join_leave": {"value": true}
                }
            },
            "b": null
        }
    }"#;
    let options = SubscriptionOptions {
        info: json(r#"{"x": 1}"#),
        data: Some(Payload::detect(Bytes::from_static(b"\x00\xff"))),
        expire_at: None,
        overrides: Overrides {
            presence: Some(true),
            join_leave: None,
            force_push_join_leave: Some(true),
            force_recovery: Some(false),
            force_positioning: Some(false),
        },
        ..SubscriptionOptions::default()
    };
    let expected = vec![
        ("a".to_owned(), options),
        ("b".to_owned(), SubscriptionOptions::default()),
    ];
    assert_eq!(connection(claims).map(|it| it.subs), Ok(expected));
    let empty = connection(r#"{"channels": ["kept"], "subs": {}}"#);
    assert_eq!(empty.map(|it| it.subs.len()), Ok(1));
}

#[test]
fn audience_and_issuer_must_be_ours_if_configured() {
    let keys = Keys {
        audience: Some(Expected::Text("veche".into())),
        issuer: Some(Expected::Text("app".into())),
        ..keys()
    };
    for (claims, why) in [
        (r#"{"iss": "app", "aud": "veche"}"#, None),
        (r#"{"iss": "app", "aud": ["x", "veche"]}"#, None),
        (r#"{"iss": "app", "aud": ["x"]}"#, Some("aud")),
        (r#"{"iss": "app"}"#, Some("aud")),
        (r#"{"iss": "other", "aud": "veche"}"#, Some("iss")),
        (r#"{"aud": "veche"}"#, Some("iss")),
    ] {
        let verified = connection_with(keys.clone(), claims);
        match why {
            None => assert!(verified.is_ok(), "{claims}"),
            Some(why) => assert_invalid(verified, why),
        }
    }
}

#[test]
fn keys_are_fetched_for_no_token_of_another_issuer_or_audience() {
    let verifier = Verifier::new(Keys {
        endpoint: Some(Endpoint::new("https://a.example/keys").expect("an address")),
        audience: Some(Expected::Text("veche".into())),
        issuer: Some(Expected::Text("app".into())),
        ..Keys::default()
    });
    let need = |claims: &str| {
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"one"}"#);
        let claims = BASE64_URL_SAFE_NO_PAD.encode(claims);
        verifier.need(&format!("{header}.{claims}.AAAA"))
    };
    assert_eq!(
        need(r#"{"iss": "app", "aud": "veche"}"#),
        Ok(Need::Keys(EndpointKey {
            address: "https://a.example/keys".into(),
            key_id: "one".into(),
        }))
    );
    assert_invalid(need(r#"{"iss": "other", "aud": "veche"}"#), "iss");
    assert_invalid(need(r#"{"iss": "app", "aud": "other"}"#), "aud");
    assert_invalid(need(r#"{"iss": 1, "aud": "veche"}"#), "iss");
}

#[test]
fn audience_and_issuer_may_have_to_match_a_pattern() {
    let keys = Keys {
        audience: Some(Expected::pattern("^(web|app)$")),
        issuer: Some(Expected::pattern("example")),
        ..keys()
    };
    for (claims, why) in [
        (r#"{"iss": "https://example.com", "aud": "web"}"#, None),
        (r#"{"iss": "example", "aud": ["x", "app"]}"#, None),
        (r#"{"iss": "example", "aud": ["x", "apps"]}"#, Some("aud")),
        (r#"{"iss": "example"}"#, Some("aud")),
        (r#"{"iss": "elsewhere", "aud": "web"}"#, Some("iss")),
        (r#"{"aud": "web"}"#, Some("iss")),
    ] {
        let verified = connection_with(keys.clone(), claims);
        match why {
            None => assert!(verified.is_ok(), "{claims}"),
            Some(why) => assert_invalid(verified, why),
        }
    }
}

#[test]
fn a_pattern_that_is_none_lets_nobody_in() {
    let keys = Keys {
        audience: Some(Expected::pattern("(")),
        ..keys()
    };
    assert_invalid(connection_with(keys, r#"{"aud": "("}"#), "aud");
}

#[test]
fn another_claim_can_name_the_user_and_any_value_but_null_is_text() {
    let keys = Keys {
        user_id_claim: Some("uid".into()),
        ..keys()
    };
    for (claims, user) in [
        (r#"{"sub": "x", "uid": "anna"}"#, "anna"),
        (r#"{"uid": 42}"#, "42"),
        (r#"{"uid": {"a":1}}"#, r#"{"a":1}"#),
        (r#"{"uid": true}"#, "true"),
        (r#"{"uid": null, "sub": "x"}"#, ""),
        (r#"{"sub": "x"}"#, ""),
    ] {
        let claimed = connection_with(keys.clone(), claims).map(|it| it.user);
        assert_eq!(claimed, Ok(user.into()), "{claims}");
    }
}

#[test]
fn a_subscription_token_names_its_channel() {
    let claims = r#"{"sub": "anna", "channel": "$news", "client": "c", "info": 1,
        "exp": 1700000100, "expire_at": 1700000200, "override": {"presence": {"value": true}}}"#;
    let expected = SubscriptionClaims {
        user: "anna".into(),
        channel: "$news".into(),
        client: "c".into(),
        expire_at: Some(1_700_000_200),
        options: SubscriptionOptions {
            info: json("1"),
            expire_at: Some(1_700_000_200),
            overrides: Overrides {
                presence: Some(true),
                ..Overrides::default()
            },
            ..SubscriptionOptions::default()
        },
    };
    assert_eq!(subscription(claims), Ok(expected));
    assert_invalid(subscription(r#"{"sub": "anna"}"#), "channel");
    assert_invalid(
        subscription(r#"{"channel": "a", "b64info": "?"}"#),
        "b64info",
    );
    let over = subscription(r#"{"channel": "a", "exp": 1}"#);
    assert!(matches!(over, Err(TokenError::Expired(_))), "{over:?}");
}

#[test]
fn an_issued_token_claims_what_it_was_told() {
    let with_options = SubscriptionOptions {
        info: json(r#"{"b": 1, "a" : 1.50}"#),
        overrides: Overrides {
            force_recovery: Some(true),
            ..Overrides::default()
        },
        ..SubscriptionOptions::default()
    };
    let plain = ("a".to_owned(), SubscriptionOptions::default());
    for subs in [
        vec![],
        vec![plain.clone()],
        vec![plain, ("b".to_owned(), with_options.clone())],
    ] {
        let claims = ConnectionClaims {
            user: "anna \"<".into(),
            expire_at: Some(NOW + 10),
            info: Some(Payload::binary(Bytes::from_static(b"\xff"))),
            meta: json("[1]"),
            subs,
        };
        let token = issue_connection(&key(), &claims, NOW);
        let verified = Verifier::new(keys()).verify_connection(&token, NOW, None);
        assert_eq!(verified, Ok(claims));
    }
    let claims = SubscriptionClaims {
        user: "anna".into(),
        channel: "$a".into(),
        client: String::new(),
        expire_at: None,
        options: with_options,
    };
    let token = issue_subscription(&key(), &claims, NOW);
    let verified = Verifier::new(keys()).verify_subscription(&token, NOW, None);
    assert_eq!(verified, Ok(claims));
}

#[test]
fn a_key_is_never_printed() {
    let printed = format!("{:?}", Verifier::new(keys()));
    assert!(
        !printed.contains("secret") && !printed.contains("115"),
        "{printed}"
    );
}
