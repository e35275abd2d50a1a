//! What people type, parsed once: names, rooms, message ids and texts.

use crate::limits;

/// Who somebody is: the name in lower case, so that `Anna` and `anna` are one person.
///
/// It is the `sub` of connection tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct User {
    /// The identity: [`name`](Self::name) in lower case.
    pub(crate) id: String,
    /// The name as it was typed at the login.
    pub(crate) name: String,
}

impl User {
    /// Reads a name: 1 to [`limits::NAME_CHARS`] characters, no control or direction-changing ones.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let name = line(name, limits::NAME_CHARS).map_err(|fault| format!("the name {fault}"))?;
        let id = name.to_lowercase();
        Ok(Self { id, name })
    }
}

/// Reads the title of a room: 1 to [`limits::TITLE_CHARS`] characters, as a name otherwise.
pub(crate) fn parse_title(title: &str) -> Result<String, String> {
    line(title, limits::TITLE_CHARS).map_err(|fault| format!("the title {fault}"))
}

/// A room as addresses and channels spell it: lower-case Latin letters, digits, inner hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RoomId(String);

impl RoomId {
    /// Reads an id; `None` is an id that no room can have.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let fits = !id.is_empty() && id.len() <= limits::ROOM_ID_BYTES;
        let spelled = id
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        (fits && spelled && !id.starts_with('-') && !id.ends_with('-')).then(|| Self(id.to_owned()))
    }

    /// Makes an id from a title: Cyrillic is transliterated, everything else that is not a Latin
    /// letter or a digit becomes a hyphen. A title without either gives `room`.
    pub(crate) fn of_title(title: &str) -> Self {
        let mut id = String::new();
        for letter in title.to_lowercase().chars() {
            match letter {
                'a'..='z' | '0'..='9' => id.push(letter),
                'а'..='я' | 'ё' => id.push_str(latin(letter)),
                _ if id.is_empty() || id.ends_with('-') => {}
                _ => id.push('-'),
            }
            if id.len() >= limits::ROOM_ID_BYTES - 4 {
                break;
            }
        }
        let id = id.trim_matches('-');
        Self(if id.is_empty() {
            "room".to_owned()
        } else {
            id.to_owned()
        })
    }

    /// The same id with a number behind it, for a title that differs but gives the same id.
    pub(crate) fn numbered(&self, number: u32) -> Self {
        Self(format!("{}-{number}", self.0))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads a message id: a UUID in any of its usual spellings, kept in the hyphenated one.
pub(crate) fn parse_message_id(id: &str) -> Result<String, String> {
    uuid::Uuid::try_parse(id)
        .map(|id| id.hyphenated().to_string())
        .map_err(|_| "the message id must be a UUID".to_owned())
}

/// Reads the text of a message: up to [`limits::TEXT_BYTES`] bytes, white space around it removed.
pub(crate) fn parse_text(text: &str) -> Result<String, String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if text.is_empty() {
        return Err("the message has no text".to_owned());
    }
    if text.len() > limits::TEXT_BYTES {
        let limit = limits::TEXT_BYTES;
        return Err(format!(
            "the message has {} bytes, the limit is {limit}",
            text.len()
        ));
    }
    Ok(text
        .chars()
        .filter(|c| *c == '\n' || *c == '\t' || !c.is_control())
        .collect())
}

/// A single line of 1 to `limit` characters, white space around it removed.
fn line(text: &str, limit: usize) -> Result<String, String> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 {
        return Err("is empty".to_owned());
    }
    if length > limit {
        return Err(format!("has {length} characters, the limit is {limit}"));
    }
    if text.chars().any(is_invisible) {
        return Err("contains an invisible character".to_owned());
    }
    Ok(text.to_owned())
}

/// Control characters, and those that turn the direction of the text or hide in it.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// One Cyrillic letter in Latin ones.
fn latin(letter: char) -> &'static str {
    match letter {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' => "g",
        'д' => "d",
        'е' => "e",
        'ё' => "yo",
        'ж' => "zh",
        'з' => "z",
        'и' => "i",
        'й' => "y",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "shch",
        'ы' => "y",
        'э' => "e",
        'ю' => "yu",
        'я' => "ya",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_line_of_up_to_32_characters() {
        assert_eq!(User::parse("  Анна ").expect("valid").name, "Анна");
        assert_eq!(User::parse("Анна").expect("valid").id, "анна");
        assert!(User::parse(&"я".repeat(32)).is_ok());
        for bad in [
            "",
            "   ",
            "a\nb",
            "a\u{202E}b",
            "zero\u{200B}width",
            &"я".repeat(33),
        ] {
            assert!(User::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_title_gives_an_id_that_parses_again() {
        for (title, id) in [
            ("General", "general"),
            ("Чай и Кофе", "chay-i-kofe"),
            ("  C++ / Rust!  ", "c-rust"),
            ("茶", "room"),
            ("---", "room"),
        ] {
            assert_eq!(RoomId::of_title(title).as_str(), id, "{title}");
            assert!(RoomId::parse(id).is_some());
        }
        let long = RoomId::of_title(&"щ".repeat(48));
        assert!(
            RoomId::parse(long.numbered(999).as_str()).is_some(),
            "{long:?}"
        );
    }

    #[test]
    fn an_id_with_anything_else_in_it_is_no_room() {
        for bad in [
            "",
            "-a",
            "a-",
            "A",
            "a b",
            "a:b",
            "a/b",
            "é",
            &"a".repeat(49),
        ] {
            assert_eq!(RoomId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_text_is_bounded_in_bytes_and_freed_of_control_characters() {
        assert_eq!(parse_text(" a\u{7}b\n\tc \n").expect("valid"), "ab\n\tc");
        assert!(parse_text(" \n ").is_err());
        assert!(parse_text(&"я".repeat(4096)).is_ok());
        assert!(parse_text(&"я".repeat(4097)).is_err());
    }

    #[test]
    fn a_message_id_has_one_spelling() {
        let id = "0c0ffee0-0000-4000-8000-000000000001";
        assert_eq!(parse_message_id(&id.to_uppercase()).expect("valid"), id);
        assert!(parse_message_id("42").is_err());
    }
}
