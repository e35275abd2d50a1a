//! Events as lines for people.

use std::fmt::Write as _;

use crate::event::{Ended, Error, Event, Info, Publication};

/// Where a line for people belongs: what was asked for on standard output, all else on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Answer,
    Note,
    Trouble,
}

/// The line of an event, and where it belongs.
pub(crate) fn text(event: &Event) -> (Kind, String) {
    let (kind, text) = match event {
        Event::Publication(publication) => (Kind::Answer, published(publication)),
        Event::Published { line, position, .. } => {
            let at = position.as_ref().map(|it| format!(" at {it}"));
            let text = format!("{}published{}", numbered(*line), at.unwrap_or_default());
            (Kind::Answer, text)
        }
        Event::Answer { data, .. } => (Kind::Answer, data.to_string()),
        Event::Presence { info, .. } => (Kind::Answer, person(info)),
        Event::PresenceStats {
            num_clients,
            num_users,
            ..
        } => {
            let text = format!("clients: {num_clients}, users: {num_users}");
            (Kind::Answer, text)
        }
        Event::Join { channel, info } => (Kind::Note, format!("{channel}: {} came", person(info))),
        Event::Leave { channel, info } => (Kind::Note, format!("{channel}: {} left", person(info))),
        Event::Error(error) => (Kind::Trouble, failed(error)),
        Event::Disconnected(Ended { code, reason }) => {
            let text = format!("disconnected for good: {reason} ({code})");
            (Kind::Trouble, text)
        }
        state => (Kind::Note, of_state(state)),
    };
    (kind, printable(&text))
}

fn of_state(event: &Event) -> String {
    match event {
        Event::Connecting { code: 0, .. } => "connecting".to_owned(),
        Event::Connecting { code, reason } => format!("connecting again: {reason} ({code})"),
        Event::Connected { client, user, .. } => {
            let user = user.as_ref().map(|user| format!(" as {user}"));
            format!("connected{}, client {client}", user.unwrap_or_default())
        }
        Event::Subscribing {
            channel, code: 0, ..
        } => format!("{channel}: subscribing"),
        Event::Subscribing {
            channel,
            code,
            reason,
        } => format!("{channel}: subscribing again: {reason} ({code})"),
        Event::Subscribed {
            channel,
            was_recovering,
            recovered,
            position,
        } => {
            let how = match (was_recovering, recovered) {
                (false, _) => "",
                (true, true) => ", and what was missed follows",
                (true, false) => ", and some publications may be lost",
            };
            let at = position.as_ref().map(|it| format!(" at {it}"));
            format!("{channel}: subscribed{}{how}", at.unwrap_or_default())
        }
        Event::Unsubscribed {
            channel,
            code,
            reason,
        } => format!("{channel}: unsubscribed: {reason} ({code})"),
        Event::History {
            channel,
            count,
            position,
        } => {
            let at = position.as_ref().map(|it| format!("; the top is {it}"));
            let s = if *count == 1 { "" } else { "s" };
            format!(
                "{channel}: {count} publication{s}{}",
                at.unwrap_or_default()
            )
        }
        _ => String::new(),
    }
}

fn published(publication: &Publication) -> String {
    let mut text = format!("{} {}", publication.channel, publication.data);
    let mut notes = Vec::new();
    if let Some(event) = publication.tags.get("event") {
        notes.push(event.clone());
    }
    if let Some(info) = &publication.info
        && !info.user.is_empty()
    {
        notes.push(format!("by {}", info.user));
    }
    notes.extend(publication.position.as_ref().map(ToString::to_string));
    if !notes.is_empty() {
        write!(text, "  ({})", notes.join(", ")).expect("a string takes everything");
    }
    text
}

fn person(info: &Info) -> String {
    if info.user.is_empty() {
        return format!("an anonymous client ({})", info.client);
    }
    format!("{} ({})", info.user, info.client)
}

fn failed(error: &Error) -> String {
    let channel = error.channel.as_ref().map(|it| format!("{it}: "));
    let code = error.code.map(|code| format!(" ({code})"));
    let uncertain = if error.uncertain {
        "; it may have been done all the same"
    } else {
        ""
    };
    format!(
        "{}{}{}{}{uncertain}",
        numbered(error.line),
        channel.unwrap_or_default(),
        error.reason,
        code.unwrap_or_default()
    )
}

fn numbered(line: Option<u64>) -> String {
    line.map_or(String::new(), |line| format!("line {line}: "))
}

/// Control characters of strangers must not reach a terminal.
fn printable(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let escaped = text.chars().flat_map(|it| {
        let (plain, escaped) = if it.is_control() {
            (None, Some(it.escape_unicode()))
        } else {
            (Some(it), None)
        };
        plain.into_iter().chain(escaped.into_iter().flatten())
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::{Error, Event, Kind, printable, text};

    #[test]
    fn a_failure_says_which_line_and_whether_it_may_have_been_done() {
        let error = Event::Error(Error {
            line: Some(3),
            code: Some(103),
            reason: "permission denied".into(),
            uncertain: true,
            channel: None,
        });
        let expected = "line 3: permission denied (103); it may have been done all the same";
        assert_eq!(text(&error), (Kind::Trouble, expected.to_owned()));
    }

    #[test]
    fn what_strangers_write_cannot_steer_a_terminal() {
        assert_eq!(printable("a\u{1b}[2J\u{9b}"), r"a\u{1b}[2J\u{9b}");
        assert_eq!(printable("привет"), "привет");
    }
}
