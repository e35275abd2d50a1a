//! Public keys as DER writes them: alone (RFC 5280, section 4.1.2.7; RFC 8017, appendix A.1.1) and in a certificate.

use crate::key::{Curve, KeyError, PublicKey};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0]`, the version of a certificate.
const VERSION: u8 = 0xa0;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const X25519: &[u8] = &[0x2b, 0x65, 0x6e];
const X448: &[u8] = &[0x2b, 0x65, 0x6f];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const ED448: &[u8] = &[0x2b, 0x65, 0x71];

const NO_KEY: KeyError = KeyError::Damaged("what is in it is not a public key");

/// A `SubjectPublicKeyInfo`, which names its kind of key.
pub(crate) fn subject_public_key_info(der: &[u8]) -> Result<PublicKey, KeyError> {
    let (mut info, rest) = Values(der).enter(SEQUENCE).ok_or(NO_KEY)?;
    if !rest.0.is_empty() {
        return Err(NO_KEY);
    }
    let (algorithm, key) = info
        .take(SEQUENCE)
        .zip(info.take(BIT_STRING))
        .ok_or(NO_KEY)?;
    let mut algorithm = Values(algorithm);
    let kind = algorithm.take(OBJECT_ID).ok_or(NO_KEY)?;
    // The first byte counts unused bits; keys are whole bytes.
    let key = key.strip_prefix(&[0]).ok_or(NO_KEY)?;
    match kind {
        RSA => rsa_public_key(key),
        EC => match algorithm.take(OBJECT_ID).ok_or(NO_KEY)? {
            P256 => PublicKey::ecdsa(Curve::P256, key),
            P384 => PublicKey::ecdsa(Curve::P384, key),
            P521 => PublicKey::ecdsa(Curve::P521, key),
            _ => Err(KeyError::Kind("a key of another curve")),
        },
        ED25519 => PublicKey::ed25519(key),
        RSA_PSS => Err(KeyError::Kind("an RSA key for PSS only")),
        ED448 => Err(KeyError::Kind("an Ed448 key")),
        X25519 | X448 => Err(KeyError::Kind(
            "a key that agrees on secrets and signs nothing",
        )),
        _ => Err(KeyError::Kind("a key of an unknown kind")),
    }
}

/// An `RSAPublicKey`.
pub(crate) fn rsa_public_key(der: &[u8]) -> Result<PublicKey, KeyError> {
    let (mut key, rest) = Values(der).enter(SEQUENCE).ok_or(NO_KEY)?;
    let numbers = key.take(INTEGER).zip(key.take(INTEGER));
    match numbers {
        Some((modulus, exponent)) if key.0.is_empty() && rest.0.is_empty() => {
            PublicKey::rsa(modulus, exponent)
        }
        _ => Err(NO_KEY),
    }
}

/// The key of a certificate. Its signature and validity are not checked: the operator has chosen it.
pub(crate) fn certificate(der: &[u8]) -> Result<PublicKey, KeyError> {
    let key = || {
        let (mut certificate, _) = Values(der).enter(SEQUENCE)?;
        let mut signed = Values(certificate.take(SEQUENCE)?);
        signed.take(VERSION);
        signed.take(INTEGER)?;
        for _ in ["algorithm", "issuer", "validity", "subject"] {
            signed.take(SEQUENCE)?;
        }
        Some(signed.whole(SEQUENCE)?.0)
    };
    subject_public_key_info(key().ok_or(KeyError::Damaged("it is not a certificate"))?)
}

/// A sequence of values.
struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    /// The content of the next value, if it has this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (value, content) = self.whole(tag)?;
        self.0 = self.0.get(value.len()..)?;
        Some(content)
    }

    /// The content of the next value, and the rest.
    fn enter(mut self, tag: u8) -> Option<(Self, Self)> {
        let content = self.take(tag)?;
        Some((Self(content), self))
    }

    /// The next value with its head, and its content.
    fn whole(&self, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
        let [its, length, rest @ ..] = self.0 else {
            return None;
        };
        let (length, rest) = match (length, rest) {
            (..=0x7f, _) => (usize::from(*length), rest),
            (0x81, [a, rest @ ..]) => (usize::from(*a), rest),
            (0x82, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            _ => return None,
        };
        let content = rest.get(..length)?;
        let head = self.0.len() - rest.len();
        (*its == tag).then_some((self.0.get(..head + length)?, content))
    }
}
