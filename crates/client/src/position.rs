//! A place in a channel's stream.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A place in a channel's stream: the offset of a publication, within an epoch of the stream.
///
/// Its text is `epoch:offset`, split at the last colon. Keep it, and give it to a later
/// subscription to go on from there.
///
/// # Example
/// ```
/// let position: veche_client::Position = "ERGBxnOY:7".parse()?;
/// assert_eq!(position.to_string(), "ERGBxnOY:7");
/// # Ok::<_, veche_client::InvalidPosition>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    pub(crate) epoch: Arc<str>,
    pub(crate) offset: u64,
}

/// The text is no position: it has no colon, or no number behind the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position is written as epoch:offset")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (epoch, offset) = text.rsplit_once(':').ok_or(InvalidPosition)?;
        let is_number = !offset.is_empty() && offset.bytes().all(|byte| byte.is_ascii_digit());
        let offset = offset.parse().ok().filter(|_| is_number);
        Ok(Self {
            epoch: epoch.into(),
            offset: offset.ok_or(InvalidPosition)?,
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_split_at_the_last_colon() {
        let position: Position = "a:b:7".parse().expect("a position");
        assert_eq!((&*position.epoch, position.offset), ("a:b", 7));
        assert_eq!(position.to_string(), "a:b:7");
        for wrong in ["", "7", "a:", "a:+7", "a:7x", "a:18446744073709551616"] {
            assert_eq!(wrong.parse::<Position>(), Err(InvalidPosition), "{wrong}");
        }
    }
}
