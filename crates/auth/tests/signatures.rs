//! Every vector of `vectors/make.py` does what its maker, which is none of ours, says.

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it did not expect by ending"
)]

use serde::Deserialize;
use serde_json::Value;
use veche_auth::endpoint::Endpoint;
use veche_auth::key_set::KeySet;
use veche_auth::pem;
use veche_auth::token::{Keys, Need, Secret, Verifier};
use veche_protocol::claims::TokenError;

const NOW: i64 = 1_700_000_000;

#[derive(Deserialize)]
struct Vectors {
    pem: Vec<String>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    keys: TheirKeys,
    token: String,
    /// What must be found wrong; nothing is, where it is missing.
    fails: Option<Fault>,
}

#[derive(Deserialize)]
struct TheirKeys {
    secret: Option<String>,
    #[serde(default)]
    pem: Vec<usize>,
    jwks: Option<Value>,
    jwks_text: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Fault {
    /// The token is not three parts.
    Form,
    Header,
    Claims,
    /// No key is for the algorithm, or it is none.
    Algorithm,
    /// The key that is there can't be used, or not for this.
    Key,
    /// The key set can't be read.
    Set,
    Signature,
}

#[test]
fn tokens_and_keys_are_taken_and_refused_for_the_reason_their_maker_gives() {
    let text = include_str!("vectors/signatures.json");
    let Vectors { pem, vectors } = serde_json::from_str(text).expect("what make.py wrote");
    assert!(vectors.len() > 500, "{} vectors", vectors.len());
    let wrong: Vec<_> = vectors
        .iter()
        .filter_map(|vector| {
            let (found, said) = outcome(&pem, vector);
            let expected = vector.fails;
            (found != expected).then(|| {
                format!(
                    "{}: {expected:?} expected, {found:?} found: {said}",
                    vector.name
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is wrong, if anything is, and how it was said.
fn outcome(pems: &[String], vector: &Vector) -> (Option<Fault>, String) {
    let their = &vector.keys;
    let mut keys = Keys {
        hmac: their.secret.as_deref().map(Secret::new),
        ..Keys::default()
    };
    for index in &their.pem {
        match pem::public_key(&pems[*index]) {
            Ok(key) => keys.public.push(key),
            Err(error) => return (Some(Fault::Key), error.to_string()),
        }
    }
    let set = their.jwks.as_ref().map(Value::to_string);
    let set = match set.or_else(|| their.jwks_text.clone()) {
        None => None,
        Some(text) => match KeySet::parse(text.as_bytes()) {
            Ok(set) => Some(set),
            Err(why) => return (Some(Fault::Set), why),
        },
    };
    if set.is_some() {
        keys.endpoint = Some(Endpoint::new("https://a.example/keys").expect("an address"));
    }
    match verify(&Verifier::new(keys), &vector.token, set.as_ref()) {
        Ok(()) => (None, String::new()),
        Err(TokenError::Invalid(why)) => (Some(fault(&why)), why),
        Err(other) => panic!("{}: {other:?}", vector.name),
    }
}

/// As a server does it: keys are fetched only where the verifier asks for them.
fn verify(verifier: &Verifier, token: &str, set: Option<&KeySet>) -> Result<(), TokenError> {
    let fetched = match verifier.need(token)? {
        Need::Keys(wanted) => {
            assert_eq!(wanted.address, "https://a.example/keys");
            set
        }
        Need::Nothing | Need::Time => None,
    };
    let claims = verifier.verify_connection(token, NOW, fetched)?;
    assert_eq!(claims.user, "42".into());
    Ok(())
}

fn fault(why: &str) -> Fault {
    let faults = [
        ("three parts", Fault::Form),
        ("the algorithm", Fault::Algorithm),
        ("no key is configured", Fault::Algorithm),
        ("signed with a shared key", Fault::Algorithm),
        ("header", Fault::Header),
        ("the claims are not", Fault::Claims),
        ("the signature was not made", Fault::Signature),
        ("key \"", Fault::Key),
    ];
    let found = faults.iter().find(|(words, _)| why.contains(words));
    found.map_or_else(|| panic!("unknown words: {why}"), |(_, fault)| *fault)
}
