//! Text of a client, made fit for a log that is read on a terminal.

use std::borrow::Cow;

/// The same text with every character escaped that a terminal acts on or hides: controls (which begin escape sequences,
/// or a line that looks like one of ours), the separators of lines and paragraphs, and marks that change the direction.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unprintable(c) {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Source of the ranges: Unicode, general categories Cc, Zl and Zp, and property Bidi_Control.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        let escaped = [
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("a\nERROR b\r\0", "a\\u{a}ERROR b\\u{d}\\u{0}"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            (
                "\u{202e}txt\u{2066}\u{2028}",
                "\\u{202e}txt\\u{2066}\\u{2028}",
            ),
        ];
        for (text, expected) in escaped {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn all_else_stays_as_it_is_and_is_not_copied() {
        for text in ["", "news", "Straße 中😀 \"quoted\" \\"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }
}
