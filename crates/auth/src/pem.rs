//! A public key in PEM (RFC 7468), read generously: line breaks may be lost or spelled `\n`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::der;
use crate::key::{KeyError, PublicKey};

/// Reads `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`; of several the first counts.
///
/// # Errors
/// What else it is, or what is wrong with it.
/// # Source
/// RFC 7468, sections 5 and 13; RFC 8017, appendix A.1.1.
pub fn public_key(text: &str) -> Result<PublicKey, KeyError> {
    let (label, body) = first_block(text)?;
    // Checked before the body: an encrypted private key has lines that are not base64.
    if label.ends_with("PRIVATE KEY") {
        return Err(KeyError::Private);
    }
    let body = body.replace("\\n", "").replace("\\r", "");
    let body: String = body.split_whitespace().collect();
    let der = BASE64_STANDARD
        .decode(body)
        .map_err(|_| KeyError::Damaged("the lines between BEGIN and END are not base64"))?;
    match label {
        "PUBLIC KEY" => der::subject_public_key_info(&der),
        "RSA PUBLIC KEY" => der::rsa_public_key(&der),
        "CERTIFICATE" => der::certificate(&der),
        _ => Err(KeyError::Other(label.to_owned())),
    }
}

/// Whether the text has the beginning of a PEM block.
#[must_use]
pub fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN ")
}

fn first_block(text: &str) -> Result<(&str, &str), KeyError> {
    let (_, block) = text.split_once("-----BEGIN ").ok_or(KeyError::NotPem)?;
    let (label, rest) = block
        .split_once("-----")
        .ok_or(KeyError::Damaged("its first line does not end"))?;
    let end = format!("-----END {label}-----");
    let (body, _) = rest
        .split_once(end.as_str())
        .ok_or(KeyError::Damaged("its last line, END, is missing"))?;
    Ok((label, body))
}
