//! Tokens: any text, and any claims under a good signature.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use veche_auth::token::{Keys, Secret, Verifier};
use veche_protocol::claims::TokenError;

const KEY: &str = "a key that is known";
/// Seconds of Unix time.
const NOW: i64 = 1_700_000_000;

/// Any bytes as a token: nobody comes in without a signature.
pub fn token(input: &[u8]) {
    let Ok(token) = std::str::from_utf8(input) else {
        return;
    };
    let connection = verifier(KEY).verify_connection(token, NOW, None);
    let subscription = verifier(KEY).verify_subscription(token, NOW, None);
    for error in [connection.as_ref().err(), subscription.as_ref().err()] {
        check_error(error, token);
    }
    if connection.is_ok() || subscription.is_ok() {
        // It was signed with our key; so with another it is not.
        let other = verifier("another");
        assert!(other.verify_connection(token, NOW, None).is_err());
        assert!(other.verify_subscription(token, NOW, None).is_err());
    }
}

/// Any bytes as the claims of a token that we signed.
pub fn claims(input: &[u8]) {
    let token = signed(input);
    let verifier = verifier(KEY);
    let connection = verifier.verify_connection(&token, NOW, None);
    if let Ok(claims) = &connection {
        assert!(claims.expire_at.is_none_or(|at| at > 0));
    }
    check_error(connection.err().as_ref(), &token);
    let subscription = verifier.verify_subscription(&token, NOW, None);
    check_error(subscription.err().as_ref(), &token);
}

/// A token with these claims.
#[must_use]
pub fn signed(claims: &[u8]) -> String {
    let head = BASE64.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let text = format!("{head}.{}", BASE64.encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("keys have any length");
    mac.update(text.as_bytes());
    format!("{text}.{}", BASE64.encode(mac.finalize().into_bytes()))
}

pub(crate) fn verifier(key: &str) -> Verifier {
    Verifier::new(Keys {
        hmac: Some(Secret::new(key)),
        ..Keys::default()
    })
}

/// The key of [`signed`].
pub(crate) fn our_verifier() -> Verifier {
    verifier(KEY)
}

/// What is wrong is said without the token.
fn check_error(error: Option<&TokenError>, token: &str) {
    if let Some(TokenError::Invalid(why) | TokenError::Failed(why)) = error {
        // A fuzzer once guessed a part of the sentence; no sentence has the dots of a token.
        assert!(
            !token.contains('.') || token.len() < 20 || !why.contains(token),
            "{why}"
        );
        assert!(!why.contains(KEY), "{why}");
        assert!(why.len() < 1000, "{} bytes of explanation", why.len());
    }
}
