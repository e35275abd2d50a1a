//! The envelope of a token: header, claims and signature (RFC 7515, section 7.1).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};

use veche_protocol::claims::TokenError;

use crate::object::Object;
use crate::token::Secret;

/// An algorithm that signs with a shared key (RFC 7518, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
}

/// A token taken apart and not believed yet.
pub(crate) struct Unverified<'a> {
    /// What is signed: header and claims as they came.
    signed: &'a str,
    header: Vec<u8>,
    /// The claims, decoded.
    pub(crate) claims: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    pub(crate) fn parse(token: &'a str) -> Result<Self, TokenError> {
        let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, claims) = signed.split_once('.')?;
            Some(Self {
                signed,
                header: decode(header)?,
                claims: decode(claims)?,
                signature: decode(signature)?,
            })
        });
        parts.ok_or_else(|| invalid("the token is not three parts in base64url"))
    }

    /// What the header says the token is signed with.
    pub(crate) fn algorithm(&self) -> Result<Algorithm, TokenError> {
        let header =
            Object::parse(&self.header).ok_or_else(|| invalid("the header is not JSON"))?;
        if header.get("crit").is_some() {
            return Err(invalid("the header demands extensions (`crit`)"));
        }
        match header.string("alg")?.as_deref() {
            Some("HS256") => Ok(Algorithm::Hs256),
            Some("HS384") => Ok(Algorithm::Hs384),
            Some("HS512") => Ok(Algorithm::Hs512),
            _ => Err(invalid(
                "the algorithm is not one of HS256, HS384 and HS512",
            )),
        }
    }

    /// Whether the signature was made with `key`. Takes the same time wherever the signature differs.
    pub(crate) fn is_signed_with(&self, algorithm: Algorithm, key: &Secret) -> bool {
        let signed = self.signed.as_bytes();
        match algorithm {
            Algorithm::Hs256 => mac::<Hmac<Sha256>>(key, signed).verify_slice(&self.signature),
            Algorithm::Hs384 => mac::<Hmac<Sha384>>(key, signed).verify_slice(&self.signature),
            Algorithm::Hs512 => mac::<Hmac<Sha512>>(key, signed).verify_slice(&self.signature),
        }
        .is_ok()
    }
}

/// Makes a token, signed with HS256.
pub(crate) fn sign(key: &Secret, claims: &str) -> String {
    let mut token = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = mac::<Hmac<Sha256>>(key, token.as_bytes()).finalize();
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature.into_bytes(), &mut token);
    token
}

/// A token that is not one of ours, because of `why`.
pub(crate) fn invalid(why: impl Into<String>) -> TokenError {
    TokenError::Invalid(why.into())
}

fn mac<M: Mac + hmac::digest::KeyInit>(key: &Secret, signed: &[u8]) -> M {
    let mac = <M as Mac>::new_from_slice(key.bytes()).expect("HMAC takes keys of any length");
    mac.chain_update(signed)
}

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part).ok()
}
