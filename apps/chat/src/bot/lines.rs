//! What the bot says.

use serde::Deserialize;

/// What it says in an empty room.
pub(super) const GREETING: [&str; 2] = [
    "Hello! I am Echo, a small bot. Write something, and I answer. · Привет! Я Эхо, маленький бот. Напишите что-нибудь — отвечу.",
    "The aeroplane above breaks the network of this window. Write on while it is broken: I do too, and nothing gets lost. · Самолёт наверху ломает сеть этого окна. Пишите дальше: я тоже буду, и ничего не пропадёт.",
];

/// A language that it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Language {
    #[serde(rename = "en")]
    English,
    #[serde(rename = "ru")]
    Russian,
}

impl Language {
    /// That of a message: Russian where the text has Cyrillic letters.
    pub(super) fn of(text: &str) -> Self {
        if text.chars().any(|c| matches!(c, '\u{400}'..='\u{4ff}')) {
            Self::Russian
        } else {
            Self::English
        }
    }
}

/// What it says, line by line, while somebody's network is broken.
pub(super) fn talk(language: Language) -> [String; 8] {
    let (lines, of) = match language {
        Language::English => (ENGLISH_TALK, "of"),
        Language::Russian => (RUSSIAN_TALK, "из"),
    };
    let mut number = 0;
    lines.map(|line| {
        number += 1;
        format!("{number} {of} 8 · {line}")
    })
}

/// The answer after so many others to the message with this number in the room.
pub(super) fn answer(said: usize, language: Language, seq: i64) -> String {
    let all = match language {
        Language::English => &ENGLISH,
        Language::Russian => &RUSSIAN,
    };
    let line = all.get(said % all.len()).copied().unwrap_or_default();
    line.replace("{seq}", &seq.to_string())
}

const ENGLISH: [&str; 5] = [
    "I heard you: yours is message {seq} of this room, here and in every other window.",
    "Message {seq}, stored before anybody saw it. Try a second window, or `curl`.",
    "Got {seq}. Now cut the network with the aeroplane, and write again.",
    "{seq} it is. You can edit it, delete it, or answer mine: press ↑ in the empty field.",
    "Number {seq}. Names behind @ are completed; try @Echo when others are here.",
];

const RUSSIAN: [&str; 5] = [
    "Слышу вас: это сообщение номер {seq} — здесь и в любом другом окне.",
    "Сообщение {seq} сохранено раньше, чем его кто-то увидел. Попробуйте второе окно или `curl`.",
    "Дошло, номер {seq}. Теперь оборвите сеть самолётом и напишите ещё.",
    "Номер {seq}. Его можно исправить, удалить, а на моё — ответить: нажмите ↑ в пустом поле.",
    "Есть {seq}. Имена после @ дописываются сами: попробуйте @Echo, когда тут будут другие.",
];

const ENGLISH_TALK: [&str; 8] = [
    "I go on writing while you are away.",
    "You do not see this yet.",
    "Write something: it waits with you.",
    "Each line has its number in the room.",
    "So a gap is noticed.",
    "And what comes twice is one message.",
    "Mend the network when you like.",
    "Are all eight here?",
];

const RUSSIAN_TALK: [&str; 8] = [
    "Пока вас нет, я пишу дальше.",
    "Этого вы пока не видите.",
    "Напишите что-нибудь: оно подождёт у вас.",
    "У каждой строки в комнате свой номер.",
    "Поэтому пропуск заметен.",
    "А что пришло дважды — одно сообщение.",
    "Чините сеть, когда захотите.",
    "Все восемь на месте?",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_in_the_language_of_the_message_and_names_its_number() {
        for (text, language) in [
            ("hello", Language::English),
            ("привет", Language::Russian),
            ("", Language::English),
        ] {
            assert_eq!(Language::of(text), language, "{text}");
            for said in 0..12 {
                let answer = answer(said, language, 4711);
                assert!(answer.contains("4711"), "{answer}");
                assert_eq!(Language::of(&answer), language, "{answer}");
            }
        }
    }
}
