//! What people type, parsed once: names, rooms, message ids and texts.

use sha2::Digest;
use unicode_security::confusable_detection::skeleton;

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
        if id.chars().all(is_ignorable) {
            return Err("the name has no visible character".to_owned());
        }
        Ok(Self { id, name })
    }

    /// How the name looks, in lower case and as it is shown: two users with a look in common can be taken for each other.
    ///
    /// # Source
    /// Unicode Technical Standard 39, section 4, "Confusable Detection".
    pub(crate) fn looks(&self) -> [String; 2] {
        [&self.id, &self.name].map(|text| {
            let visible: String = text.chars().filter(|c| !is_ignorable(*c)).collect();
            skeleton(&visible).collect()
        })
    }
}

/// Looks at a password that shall be one: 8 to 128 characters, and not the name itself.
pub(crate) fn check_password(password: &str, user: &User) -> Result<(), String> {
    let length = password.chars().count();
    let (least, most) = (limits::PASSWORD_CHARS.start(), limits::PASSWORD_CHARS.end());
    if !limits::PASSWORD_CHARS.contains(&length) {
        return Err(format!(
            "the password has {length} characters; {least} to {most} are needed"
        ));
    }
    let besides = password.to_lowercase().replace(&user.id, "");
    if besides.trim().chars().count() < 4 {
        return Err("the password is little more than the name".to_owned());
    }
    Ok(())
}

/// Reads the title of a room: 1 to [`limits::TITLE_CHARS`] characters, as a name otherwise.
pub(crate) fn parse_title(title: &str) -> Result<String, String> {
    line(title, limits::TITLE_CHARS).map_err(|fault| format!("the title {fault}"))
}

/// Reads the topic of a room: one line of at most [`limits::TOPIC_CHARS`] characters, or nothing.
pub(crate) fn parse_topic(topic: &str) -> Result<String, String> {
    if topic.trim().is_empty() {
        return Ok(String::new());
    }
    line(topic, limits::TOPIC_CHARS).map_err(|fault| format!("the topic {fault}"))
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

    /// An id that nobody guesses, for a private room.
    pub(crate) fn random() -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        Self(format!("p-{}", random.get(..24).unwrap_or(&random)))
    }

    /// The id of the conversation of two users, the same whoever begins it.
    pub(crate) fn of_pair(one: &str, other: &str) -> Self {
        let pair = serde_json::json!([one.min(other), one.max(other)]).to_string();
        let digest = format!("{:x}", sha2::Sha256::digest(pair));
        Self(format!("dm-{}", digest.get(..32).unwrap_or(&digest)))
    }

    /// The same id with a number behind it, for a title that differs but gives the same id.
    pub(crate) fn numbered(&self, number: u32) -> Self {
        let suffix = format!("-{number}");
        let room = limits::ROOM_ID_BYTES.saturating_sub(suffix.len());
        // An id is ASCII, so every place is between two letters.
        let base = self.0.get(..room).unwrap_or(&self.0);
        Self(format!("{}{suffix}", base.trim_end_matches('-')))
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

/// Reads the text of a message: up to [`limits::TEXT_CHARS`] characters, white space around it removed,
/// and without control characters and those that force a direction.
pub(crate) fn parse_text(text: &str) -> Result<String, String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if text.is_empty() {
        return Err("the message has no text".to_owned());
    }
    let length = text.chars().count();
    if length > limits::TEXT_CHARS {
        let limit = limits::TEXT_CHARS;
        return Err(format!(
            "the message has {length} characters, the limit is {limit}"
        ));
    }
    Ok(text
        .chars()
        .filter(|c| *c == '\n' || *c == '\t' || !(c.is_control() || turns(*c)))
        .collect())
}

/// What could be names behind the `@` signs of a text, in lower case: for each sign the longest first.
///
/// A sign within a word, as in an address of mail, is none. At most [`limits::MENTION_WORDS`] signs
/// with different words are looked at.
pub(crate) fn mention_candidates(text: &str) -> Vec<Vec<String>> {
    let mut seen = std::collections::HashSet::new();
    let mut all = Vec::new();
    let mut previous = None;
    for (at, letter) in text.char_indices() {
        let begins = letter == '@' && !previous.is_some_and(char::is_alphanumeric);
        previous = Some(letter);
        if !begins {
            continue;
        }
        let names = names_at(text.get(at + 1..).unwrap_or_default());
        let Some(longest) = names.first() else {
            continue;
        };
        if !seen.insert(longest.clone()) {
            continue;
        }
        all.push(names);
        if all.len() == limits::MENTION_WORDS {
            break;
        }
    }
    all
}

/// The beginnings of a text that end with a word, in lower case, the longest first; at most eight.
fn names_at(text: &str) -> Vec<String> {
    let line: Vec<char> = text
        .chars()
        .take_while(|c| *c != '\n')
        .take(limits::NAME_CHARS + 1)
        .collect();
    let mut ends = Vec::new();
    for (at, letter) in line.iter().enumerate().take(limits::NAME_CHARS) {
        let next = line.get(at + 1);
        if !letter.is_whitespace() && !next.is_some_and(|next| next.is_alphanumeric()) {
            ends.push(at + 1);
        }
    }
    ends.truncate(8);
    let name = |end: usize| line.iter().take(end).collect::<String>().to_lowercase();
    ends.into_iter().rev().map(name).collect()
}

/// Reads a reaction: one emoji, of any kind that Unicode knows, and nothing else.
pub(crate) fn parse_emoji(text: &str) -> Result<String, String> {
    let is_emoji = text.len() <= limits::EMOJI_BYTES
        && text.chars().all(|c| is_pictograph(c) || is_emoji_part(c))
        && (text.chars().any(is_pictograph) || text.ends_with('\u{20E3}'))
        && is_one_picture(text);
    if is_emoji {
        Ok(text.to_owned())
    } else {
        Err("a reaction is one emoji".to_owned())
    }
}

/// Pictures follow each other only where a joiner, or the second half of a flag, makes one of them.
fn is_one_picture(text: &str) -> bool {
    let mut joined = true;
    let mut flag_half = false;
    for letter in text.chars() {
        if letter == '\u{200D}' {
            joined = true;
        } else if matches!(letter, '\u{1F1E6}'..='\u{1F1FF}') {
            if !joined && !flag_half {
                return false;
            }
            flag_half = joined;
            joined = false;
        } else if is_pictograph(letter) || matches!(letter, '0'..='9' | '#' | '*') {
            if !joined {
                return false;
            }
            (joined, flag_half) = (false, false);
        }
    }
    !joined
}

/// Characters that are a picture by themselves.
fn is_pictograph(letter: char) -> bool {
    matches!(
        letter,
        '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
            | '\u{2190}'..='\u{21FF}'
            | '\u{2300}'..='\u{23FF}'
            | '\u{2460}'..='\u{24FF}'
            | '\u{25A0}'..='\u{27BF}'
            | '\u{2900}'..='\u{297F}'
            | '\u{2B00}'..='\u{2BFF}'
            | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}'
            | '\u{1F000}'..='\u{1F3FA}'
            | '\u{1F400}'..='\u{1FAFF}'
    )
}

/// What an emoji has besides its pictures: joiners, the form, skin tones, keycaps, regions.
fn is_emoji_part(letter: char) -> bool {
    joins(letter)
        || matches!(letter, '\u{20E3}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}' | '0'..='9' | '#' | '*')
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
        || matches!(letter, '\u{2028}' | '\u{2029}')
        || is_ignorable(letter) && !joins(letter)
}

/// Characters that force a direction: a name of a file, or a whole line, could be made to look like another. Texts in
/// Hebrew or Arabic do without, by the direction of their letters.
fn turns(letter: char) -> bool {
    matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Joiners, which Persian and emoji need, and what chooses the form of an emoji.
fn joins(letter: char) -> bool {
    matches!(letter, '\u{200C}' | '\u{200D}' | '\u{FE0F}')
}

/// Characters that leave no trace where a font does not know them (Unicode's `Default_Ignorable_Code_Point`).
fn is_ignorable(letter: char) -> bool {
    matches!(
        letter,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFF8}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
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
            "\u{3164}",
            "\u{200D}\u{200D}",
            "soft\u{AD}hyphen",
            &"я".repeat(33),
        ] {
            assert!(User::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_that_can_be_taken_for_each_other_have_a_look_in_common() {
        let alike = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|name| User::parse(name).expect("valid").looks());
            one.iter().any(|look| other.contains(look))
        };
        for other in [
            "rita",
            "R\u{131}ta",
            "R\u{456}ta",
            "Ri\u{200D}ta",
            "\u{FF32}ita",
        ] {
            assert!(alike("Rita", other), "{other:?}");
        }
        assert!(alike("Alice", "AIice"));
        // Composed and decomposed.
        assert!(alike("Andr\u{E9}", "Andre\u{301}"));
        for (one, other) in [
            ("Anna", "Anne"),
            ("Анна", "Anna"),
            ("Boris", "Борис"),
            ("Ким", "Кит"),
        ] {
            assert!(!alike(one, other), "{one} {other}");
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
        for long in ["щ".repeat(48), format!("aaa{}", "щ".repeat(45))] {
            for number in [2, 999, u32::MAX] {
                let id = RoomId::of_title(&long).numbered(number);
                assert!(RoomId::parse(id.as_str()).is_some(), "{id:?}");
            }
        }
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
    fn a_text_is_bounded_in_characters_and_freed_of_control_characters() {
        assert_eq!(parse_text(" a\u{7}b\n\tc \n").expect("valid"), "ab\n\tc");
        assert_eq!(
            parse_text("\u{202E}gnp.exe\u{202C} שלום").expect("valid"),
            "gnp.exe שלום"
        );
        assert!(parse_text(" \n ").is_err());
        for letter in ["x", "я", "茶", "👋"] {
            assert!(parse_text(&letter.repeat(limits::TEXT_CHARS)).is_ok());
            assert!(parse_text(&letter.repeat(limits::TEXT_CHARS + 1)).is_err());
        }
    }

    #[test]
    fn a_reaction_is_one_emoji_and_no_text() {
        for emoji in ["👍", "❤️", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇫🇮", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☕", "✅"]
        {
            assert_eq!(parse_emoji(emoji), Ok(emoji.to_owned()), "{emoji}");
        }
        for bad in [
            "",
            "a",
            "1",
            "👍👍",
            "👍a",
            "<b>",
            "\u{200D}",
            "\u{202E}👍",
            "👍 ",
            "12\u{20E3}",
            "👍\u{200D}",
            "🇫🇮🇫🇮",
            &"👍\u{200D}".repeat(20),
        ] {
            assert!(parse_emoji(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn behind_an_at_sign_stand_the_names_that_could_be_meant() {
        let first = |text: &str| mention_candidates(text).first().cloned();
        assert_eq!(
            first("hi @Anna Maria, look"),
            Some(vec![
                "anna maria, look".to_owned(),
                "anna maria,".to_owned(),
                "anna maria".to_owned(),
                "anna".to_owned()
            ])
        );
        assert_eq!(first("write to anna@example.org"), None);
        assert_eq!(first("@ nobody"), Some(vec![" nobody".to_owned()]));
        assert_eq!(mention_candidates("@Анна\n@анна").len(), 1);
        let many: String = (0..1000).map(|n| format!("@n{n}\n")).collect();
        assert_eq!(mention_candidates(&many).len(), limits::MENTION_WORDS);
    }

    #[test]
    fn a_message_id_has_one_spelling() {
        let id = "0c0ffee0-0000-4000-8000-000000000001";
        assert_eq!(parse_message_id(&id.to_uppercase()).expect("valid"), id);
        assert!(parse_message_id("42").is_err());
    }
}
