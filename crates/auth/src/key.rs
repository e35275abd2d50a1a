//! Keys: a secret that both sides know, and a public key, which is a list of the algorithms it may check.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::algorithm::{PublicAlgorithm, SharedAlgorithm};

/// Fewest bits of an RSA modulus (RFC 7518, section 3.3).
const MIN_RSA_BITS: usize = 2048;
/// Most bits of an RSA modulus: beyond it a check takes longer than a token is worth.
const MAX_RSA_BITS: usize = 8192;
/// Most bytes of an RSA exponent; 65537 has three.
const MAX_EXPONENT: usize = 4;

/// A key that is shared with the application. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes the bytes of `key` as they are.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self(key.as_bytes().into())
    }

    /// The signature of `text`.
    pub(crate) fn sign(&self, algorithm: SharedAlgorithm, text: &[u8]) -> hmac::Tag {
        hmac::sign(&self.key(algorithm), text)
    }

    /// Whether `signature` is that of `text`. Takes the same time wherever it differs.
    pub(crate) fn has_signed(
        &self,
        algorithm: SharedAlgorithm,
        text: &[u8],
        signature: &[u8],
    ) -> bool {
        hmac::verify(&self.key(algorithm), text, signature).is_ok()
    }

    fn key(&self, algorithm: SharedAlgorithm) -> hmac::Key {
        let algorithm = match algorithm {
            SharedAlgorithm::Hs256 => hmac::HMAC_SHA256,
            SharedAlgorithm::Hs384 => hmac::HMAC_SHA384,
            SharedAlgorithm::Hs512 => hmac::HMAC_SHA512,
        };
        hmac::Key::new(algorithm, &self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// A public key.
///
/// It holds a checker for each algorithm it may check and for no other, so that a token cannot choose: a key of RSA has
/// none for ECDSA, and no public key has one for a shared secret.
#[derive(Clone)]
pub struct PublicKey {
    checkers: Arc<[(PublicAlgorithm, ParsedPublicKey)]>,
}

/// What a public key is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// RS256, RS384 and RS512.
    Rsa,
    /// One of ES256, ES384 and ES512.
    Ecdsa,
    /// Ed25519.
    EdDsa,
}

/// A curve of NIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

/// Why a key can't be used; said to the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing in it looks like PEM.
    #[error("it is not PEM: it has no line -----BEGIN PUBLIC KEY-----")]
    NotPem,
    /// It begins as PEM and is damaged.
    #[error("its PEM is damaged: {0}")]
    Damaged(&'static str),
    /// It is the key that signs.
    #[error(
        "it is a private key, which must stay with the application; `openssl pkey -in KEY -pubout` prints its public key"
    )]
    Private,
    /// It is PEM of something else.
    #[error("it is a {0:?} and not a public key")]
    Other(String),
    /// A kind of key that signs no tokens here.
    #[error("it is {0}; keys are of RSA, of ECDSA on P-256, P-384 or P-521, or of Ed25519")]
    Kind(&'static str),
    /// RSA with a modulus out of bounds.
    #[error(
        "its RSA modulus has {0} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted, so make a new key"
    )]
    Bits(usize),
    /// RSA numbers that are no key.
    #[error("{0}")]
    Rsa(&'static str),
    /// Coordinates that are no point of the curve.
    #[error("it is not a point of the curve")]
    Point,
}

impl PublicKey {
    /// Modulus and exponent, as big-endian numbers.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let (modulus, exponent) = (number(modulus), number(exponent));
        let first = modulus.first().copied().unwrap_or_default();
        let bits = (modulus.len() * 8).saturating_sub(first.leading_zeros() as usize);
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(KeyError::Bits(bits));
        }
        if is_even(modulus) {
            return Err(KeyError::Rsa("its RSA modulus is even"));
        }
        if is_even(exponent) || matches!(exponent, [1]) || exponent.len() > MAX_EXPONENT {
            return Err(KeyError::Rsa(
                "its RSA exponent is not an odd number from 3 to 2^32",
            ));
        }
        let components = RsaPublicKeyComponents {
            n: modulus,
            e: exponent,
        };
        let checker = |algorithm, parameters: &'static RsaParameters| {
            let parsed = components.to_parsed_public_key(parameters);
            parsed.map(|key| (algorithm, key))
        };
        let checkers = [
            checker(
                PublicAlgorithm::Rs256,
                &signature::RSA_PKCS1_2048_8192_SHA256,
            ),
            checker(
                PublicAlgorithm::Rs384,
                &signature::RSA_PKCS1_2048_8192_SHA384,
            ),
            checker(
                PublicAlgorithm::Rs512,
                &signature::RSA_PKCS1_2048_8192_SHA512,
            ),
        ];
        let checkers: Result<_, _> = checkers.into_iter().collect();
        let checkers = checkers.map_err(|_| KeyError::Rsa("its RSA numbers are no key"))?;
        Ok(Self { checkers })
    }

    /// A point of a curve, uncompressed or compressed (SEC 1, section 2.3).
    pub(crate) fn ecdsa(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, checker) = match curve {
            Curve::P256 => (PublicAlgorithm::Es256, &signature::ECDSA_P256_SHA256_FIXED),
            Curve::P384 => (PublicAlgorithm::Es384, &signature::ECDSA_P384_SHA384_FIXED),
            Curve::P521 => (PublicAlgorithm::Es512, &signature::ECDSA_P521_SHA512_FIXED),
        };
        // Whatever else the library could read here is longer than a point.
        if point.len() > 1 + 2 * curve.coordinate() {
            return Err(KeyError::Point);
        }
        let key = ParsedPublicKey::new(checker, point).map_err(|_| KeyError::Point)?;
        Ok(Self {
            checkers: Arc::new([(algorithm, key)]),
        })
    }

    /// The 32 bytes of an Ed25519 key (RFC 8032, section 5.1.5).
    pub(crate) fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Point)?;
        let key = ParsedPublicKey::new(&signature::ED25519, bytes).map_err(|_| KeyError::Point)?;
        Ok(Self {
            checkers: Arc::new([(PublicAlgorithm::EdDsa, key)]),
        })
    }

    /// An Ed25519 key as its 32 bytes in base64, with the letters of URLs or the others, with padding or without;
    /// `None` if the text is something else.
    ///
    /// # Source
    /// RFC 8037, section 2: the member `x` of a JSON Web Key.
    #[must_use]
    pub fn from_raw_ed25519(text: &str) -> Option<Self> {
        let plain = text.trim().trim_end_matches('=');
        let plain = plain.replace('+', "-").replace('/', "_");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(plain).ok()?;
        Self::ed25519(&bytes).ok()
    }

    /// The same key for one algorithm only, if it is one of its own.
    pub(crate) fn only(&self, algorithm: PublicAlgorithm) -> Option<Self> {
        let checker = self.checkers.iter().find(|(its, _)| *its == algorithm)?;
        Some(Self {
            checkers: Arc::new([checker.clone()]),
        })
    }

    /// What the key is made for.
    #[must_use]
    pub fn family(&self) -> Family {
        match self.checkers.first() {
            Some((PublicAlgorithm::EdDsa, _)) => Family::EdDsa,
            Some((PublicAlgorithm::Es256 | PublicAlgorithm::Es384 | PublicAlgorithm::Es512, _)) => {
                Family::Ecdsa
            }
            _ => Family::Rsa,
        }
    }

    /// The algorithms whose signatures it checks.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = PublicAlgorithm> + '_ {
        self.checkers.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Whether `signature` is that of `text`; `None` if the key is not for this algorithm.
    ///
    /// Takes 20 to 400 µs: not on a worker.
    pub(crate) fn has_signed(
        &self,
        algorithm: PublicAlgorithm,
        text: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let (_, checker) = self.checkers.iter().find(|(its, _)| *its == algorithm)?;
        Some(checker.verify_sig(text, signature).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey")?;
        f.debug_list().entries(self.algorithms()).finish()
    }
}

impl Curve {
    /// Bytes of a coordinate.
    pub(crate) fn coordinate(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A number without the zeros before it, which some makers write.
fn number(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

fn is_even(number: &[u8]) -> bool {
    number.last().is_none_or(|last| last % 2 == 0)
}
