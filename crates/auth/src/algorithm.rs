//! The algorithms that sign tokens (RFC 7518, section 3; RFC 8037, section 3.1), in two families that never meet.

use std::fmt;

/// The algorithm in the header of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// With a key that both sides share.
    Shared(SharedAlgorithm),
    /// With a private key, checked by the public one.
    Public(PublicAlgorithm),
}

/// Signs with a key that both sides share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SharedAlgorithm {
    Hs256,
    Hs384,
    Hs512,
}

/// Signs with a private key; a public key checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicAlgorithm {
    /// RSA, PKCS #1 v1.5, with SHA-256.
    Rs256,
    /// RSA, PKCS #1 v1.5, with SHA-384.
    Rs384,
    /// RSA, PKCS #1 v1.5, with SHA-512.
    Rs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519; the other curve of its name, Ed448, is not known here.
    EdDsa,
}

impl Algorithm {
    /// The algorithm of this name, which is spelled exactly so. `none` is not one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let shared = match name {
            "HS256" => SharedAlgorithm::Hs256,
            "HS384" => SharedAlgorithm::Hs384,
            "HS512" => SharedAlgorithm::Hs512,
            _ => return PublicAlgorithm::named(name).map(Self::Public),
        };
        Some(Self::Shared(shared))
    }
}

impl PublicAlgorithm {
    /// The algorithm of this name, which is spelled exactly so. RFC 9864 has a second name for Ed25519.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        })
    }
}

impl fmt::Display for PublicAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        })
    }
}
