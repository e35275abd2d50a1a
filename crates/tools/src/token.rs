//! Connection tokens: given once, or printed by a command whenever one is needed.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// Where the token of the connection comes from. Its debug output does not show it.
#[derive(Clone, Default)]
pub enum Token {
    /// There is none: the client is anonymous.
    #[default]
    None,
    /// This one, until it runs out.
    Fixed(String),
    /// What this command of the shell prints, each time a token is needed.
    Command(String),
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Fixed(_) => "Fixed(…)",
            Self::Command(_) => "Command(…)",
        })
    }
}

/// Runs a command of the shell, and returns what it printed, without blanks around it.
///
/// # Errors
/// In words: it failed, printed nothing, or took longer than [`LONGEST`].
pub(crate) async fn from_command(command: &str) -> Result<String, String> {
    let (shell, flag) = if cfg!(windows) {
        ("cmd", "/C")
    } else {
        ("sh", "-c")
    };
    let running = Command::new(shell)
        .args([flag, command])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(LONGEST, running).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("the token command cannot be run: {error}")),
        Err(_) => return Err("the token command took longer than 30 seconds".to_owned()),
    };
    if !output.status.success() {
        return Err(format!("the token command failed: {}", output.status));
    }
    let token = String::from_utf8(output.stdout)
        .map_err(|_| "the token command printed what is no text".to_owned())?;
    match token.trim() {
        "" => Err("the token command printed nothing".to_owned()),
        token => Ok(token.to_owned()),
    }
}

/// How long a token command may run.
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(all(test, unix))]
mod tests {
    use super::{Token, from_command};

    #[tokio::test]
    async fn a_command_gives_what_it_prints_or_says_why_not() {
        assert_eq!(from_command("echo ' abc '").await.unwrap(), "abc");
        let failed = from_command("echo abc; exit 4").await.unwrap_err();
        assert!(failed.contains("exit status: 4"), "{failed}");
        assert!(from_command("true").await.unwrap_err().contains("nothing"));
        assert!(!format!("{:?}", Token::Fixed("secret".into())).contains("secret"));
    }
}
