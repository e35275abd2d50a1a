//! A place in a channel's stream, as the command line and the lines of JSON have it.

use std::str::FromStr;

use serde::Serialize;

/// An offset within an epoch, written as `EPOCH:OFFSET` and split at the last colon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The offset of a publication.
    pub offset: u64,
    /// Which stream it counts in.
    pub epoch: String,
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no position: write EPOCH:OFFSET");
        let (epoch, offset) = text.rsplit_once(':').ok_or_else(wrong)?;
        // `u64::from_str` takes a plus sign, too.
        let is_number = offset.bytes().all(|byte| byte.is_ascii_digit());
        let offset = offset.parse().ok().filter(|_| is_number);
        Ok(Self {
            offset: offset.ok_or_else(wrong)?,
            epoch: epoch.to_owned(),
        })
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn a_position_is_split_at_the_last_colon() {
        let position: Position = "a:b:7".parse().unwrap();
        assert_eq!((position.epoch.as_str(), position.offset), ("a:b", 7));
        assert_eq!(position.to_string(), "a:b:7");
        assert_eq!(":0".parse::<Position>().unwrap().epoch, "");
        for wrong in ["", "7", "a:", "a:+7", "a:7x", "a:18446744073709551616"] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
    }
}
