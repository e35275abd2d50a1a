//! What stands in the database for a token.

use sha2::{Digest, Sha256};

/// What is stored of a token: its SHA-256 in hexadecimal digits.
///
/// Whoever reads the database cannot log in with it. Tokens have 244 random bits, so that a slow
/// hash, as passwords need it, would protect nothing more.
pub(crate) fn digest(token: &str) -> String {
    format!("{:x}", Sha256::digest(token))
}
