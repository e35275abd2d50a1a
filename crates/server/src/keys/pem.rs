//! Loads PEM from a value: PEM itself, PEM in base64, or a path.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use veche_auth::pem::is_pem;

/// Longer texts are no path.
const MAX_PATH: usize = 1024;

/// The PEM of a value that is PEM itself, base64 of PEM, or the path of a file with PEM.
///
/// # Errors
/// The reason why the value is not PEM.
pub(crate) fn load(value: &str) -> Result<String, String> {
    if is_pem(value) {
        return Ok(value.to_owned());
    }
    let joined: String = value.split_whitespace().collect();
    let decoded = BASE64_STANDARD.decode(joined).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some(text) = decoded.filter(|text| is_pem(text)) {
        return Ok(text);
    }
    if value.len() > MAX_PATH || value.contains(['\n', '\0']) {
        return Err("is not PEM; it has no line -----BEGIN PUBLIC KEY-----".to_owned());
    }
    let text = fs::read_to_string(value).map_err(|error| {
        format!(
            "\"{value}\" is neither PEM nor base64 of PEM, and as a file it can't be read: {error}"
        )
    })?;
    if is_pem(&text) {
        Ok(text)
    } else {
        Err(format!("there is no PEM in the file \"{value}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::load;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";

    #[test]
    fn pem_may_stand_there_itself_or_in_base64_or_in_a_file() {
        assert_eq!(load(PEM).unwrap(), PEM);
        let base64 =
            "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KQUFBQQotLS0tLUVORCBQVUJMSUMgS0VZ\nLS0tLS0K";
        assert_eq!(load(base64).unwrap(), PEM);
        let path = std::env::temp_dir().join(format!("veche-pem-{}", std::process::id()));
        std::fs::write(&path, PEM).unwrap();
        assert_eq!(load(path.to_str().unwrap()).unwrap(), PEM);
        std::fs::write(&path, "AAAA").unwrap();
        let why = load(path.to_str().unwrap()).unwrap_err();
        assert!(why.starts_with("there is no PEM in the file"), "{why}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_is_no_pem_and_no_file_is_told() {
        let why = load("no/such/key.pem").unwrap_err();
        assert!(
            why.contains("No such file") && why.contains("no/such/key.pem"),
            "{why}"
        );
        assert!(load("two\nlines").unwrap_err().contains("-----BEGIN"));
        assert!(load(&"x".repeat(5000)).unwrap_err().contains("-----BEGIN"));
        assert!(load("/").unwrap_err().contains("can't be read"));
    }
}
