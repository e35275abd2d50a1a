//! `veche genconfig`: a file to begin with, and secrets nobody else has.

use std::io::ErrorKind;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::cli::{ConfigArgs, GenconfigOptions};
use crate::failure::Failure;
use crate::output;
use crate::private_file;
use crate::sources::DEFAULT_FILE;

/// Writes the file, readable by its owner only.
///
/// # Errors
/// An extension without a format, a file that exists already, or one that cannot be written.
pub(crate) fn run(config_args: &ConfigArgs, options: &GenconfigOptions) -> Result<(), Failure> {
    let path = config_args
        .file
        .as_deref()
        .unwrap_or(Path::new(DEFAULT_FILE));
    let text = text(path, &Secrets::fresh()?)?;
    write(path, &text, options.force)?;
    output::line(&format!(
        "{} is written: put the address of your pages into client.allowed_origins, then run veche -c {}",
        path.display(),
        path.display()
    ))
}

struct Secrets {
    token: String,
    password: String,
    admin: String,
    api: String,
}

impl Secrets {
    fn fresh() -> Result<Self, Failure> {
        Ok(Self {
            token: secret(64)?,
            password: secret(16)?,
            admin: secret(64)?,
            api: secret(64)?,
        })
    }
}

/// So many random bytes, in letters, digits, `-` and `_`.
///
/// # Errors
/// If the system gives none.
pub(crate) fn secret(bytes: usize) -> Result<String, Failure> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer)
        .map_err(|error| Failure::new(format!("the system gives no random bytes: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}

fn text(path: &Path, secrets: &Secrets) -> Result<String, Failure> {
    let Secrets {
        token,
        password,
        admin,
        api,
    } = secrets;
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    match extension.as_str() {
        "json" => Ok(format!(
            r#"{{
  "client": {{
    "token": {{
      "hmac_secret_key": "{token}"
    }},
    "allowed_origins": []
  }},
  "admin": {{
    "enabled": false,
    "password": "{password}",
    "secret": "{admin}"
  }},
  "http_api": {{
    "key": "{api}"
  }}
}}
"#
        )),
        "yaml" | "yml" => Ok(format!(
            "client:\n  token:\n    hmac_secret_key: \"{token}\"\n  allowed_origins: []\n\
             admin:\n  enabled: false\n  password: \"{password}\"\n  secret: \"{admin}\"\n\
             http_api:\n  key: \"{api}\"\n"
        )),
        "toml" => Ok(format!(
            "[client]\nallowed_origins = []\n\n[client.token]\nhmac_secret_key = \"{token}\"\n\n\
             [admin]\nenabled = false\npassword = \"{password}\"\nsecret = \"{admin}\"\n\n\
             [http_api]\nkey = \"{api}\"\n"
        )),
        _ => Err(Failure::new(format!(
            "{}: the format is told by the extension; name it .json, .yaml, .yml or .toml",
            path.display()
        ))),
    }
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let written = if force {
        private_file::replace(path, text)
    } else {
        private_file::create(path, text)
    };
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(format!(
            "{} exists already; --force replaces it, and its secrets with it",
            path.display()
        )),
        _ => Failure::new(format!("cannot write {}: {error}", path.display())),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use veche_config::{File, Sources};
    use veche_server::configuration;

    use super::{Secrets, text, write};
    use crate::testing::Folder;

    #[test]
    fn each_format_is_a_configuration_without_a_warning() {
        let secrets = Secrets::fresh().unwrap();
        for name in ["config.json", "config.yaml", "config.toml"] {
            let text = text(Path::new(name), &secrets).unwrap();
            let file = File {
                name: name.to_owned(),
                text,
            };
            let loaded = configuration::load(&Sources {
                file: Some(file),
                ..Sources::default()
            })
            .unwrap();
            assert!(loaded.warnings.is_empty(), "{name}: {:?}", loaded.warnings);
            let config = loaded.config;
            assert_eq!(config.client.token.hmac_secret_key.expose(), secrets.token);
            assert_eq!(config.http_api.key.expose(), secrets.api);
            assert_eq!(config.admin.password.expose(), secrets.password);
        }
        assert!(text(Path::new("config"), &secrets).is_err());
    }

    #[test]
    fn secrets_differ_each_time() {
        let (one, other) = (Secrets::fresh().unwrap(), Secrets::fresh().unwrap());
        assert_ne!(one.token, other.token);
        assert_ne!(one.token, one.api);
    }

    #[test]
    fn a_file_that_exists_is_kept_unless_force_is_said() {
        let folder = Folder::new("genconfig");
        let path = folder.path.join("config.json");
        write(&path, "one", false).unwrap();
        assert!(write(&path, "two", false).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        write(&path, "three", true).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three");
    }

    #[cfg(unix)]
    #[test]
    fn force_takes_the_file_from_the_sight_of_others() {
        use std::os::unix::fs::PermissionsExt;

        let folder = Folder::new("genconfig-force");
        let path = folder.path.join("config.json");
        std::fs::write(&path, "").unwrap();
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&path, open).unwrap();
        write(&path, "secret", true).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
