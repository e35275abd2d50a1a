//! The envelope of a token: header, claims and signature (RFC 7515, section 7.1).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use veche_protocol::claims::TokenError;

use crate::algorithm::{Algorithm, SharedAlgorithm};
use crate::key::Secret;
use crate::object::{self, Object, invalid};

/// Most characters of a stranger's text that are told.
const MAX_SHOWN: usize = 80;

/// A token taken apart and not believed yet.
pub(crate) struct Unverified<'a> {
    /// What is signed: header and claims as they came.
    pub(crate) signed: &'a [u8],
    header: Vec<u8>,
    /// The claims, decoded.
    pub(crate) claims: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// What a token says of its signature.
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    /// Which key of several.
    pub(crate) key_id: Option<String>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    pub(crate) fn parse(token: &'a str) -> Result<Self, TokenError> {
        let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, claims) = signed.split_once('.')?;
            Some(Self {
                signed: signed.as_bytes(),
                header: decode(header)?,
                claims: decode(claims)?,
                signature: decode(signature)?,
            })
        });
        parts.ok_or_else(|| invalid("the token is not three parts in base64url"))
    }

    /// Reads the header. What is unclear in it is refused: names in another case, names twice, demands.
    pub(crate) fn header(&self) -> Result<Header, TokenError> {
        let header = Object::parse(&self.header)
            .ok_or_else(|| invalid("the header is not a JSON object"))?;
        if let Some(name) = header.repeated() {
            return Err(invalid(format!("the header has {} twice", brief(name))));
        }
        for demand in ["crit", "b64"] {
            if header.get(demand).is_some() {
                return Err(invalid(format!(
                    "the header demands extensions (`{demand}`)"
                )));
            }
        }
        let text = |name| match header.get_exact(name) {
            None => Ok(None),
            Some(value) => match object::string(value) {
                Some(text) => Ok(Some(text)),
                None => Err(invalid(format!("`{name}` in the header is not a string"))),
            },
        };
        let algorithm =
            text("alg")?.ok_or_else(|| invalid("the header names no algorithm (`alg`)"))?;
        Ok(Header {
            algorithm: Algorithm::named(&algorithm).ok_or_else(|| {
                invalid(format!(
                    "the algorithm {} is not one of HS, RS and ES with 256, 384 or 512, and EdDSA",
                    brief(&algorithm)
                ))
            })?,
            key_id: text("kid")?,
        })
    }
}

/// Makes a token, signed with HS256.
pub(crate) fn sign(key: &Secret, claims: &str) -> String {
    let mut token = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = key.sign(SharedAlgorithm::Hs256, token.as_bytes());
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    token
}

/// A text of a stranger as a log may hold it: in quotes, escaped, and not too long.
pub(crate) fn brief(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// Bytes in base64url, without padding.
pub(crate) fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part).ok()
}
