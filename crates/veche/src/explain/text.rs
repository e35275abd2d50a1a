//! An explanation for people.

use std::fmt::Write as _;

use serde_json::Value;
use veche_config::Loaded;
use veche_config::origin::KeyValue;
use veche_server::explain::{Decision, Explanation, Outcome, Part, Refusal, RefusalKind};

use super::held;
use crate::output::Paint;

/// The explanation as lines.
pub(super) fn of(explanation: &Explanation, loaded: &Loaded, paint: Paint) -> String {
    let mut text = String::new();
    for part in &explanation.parts {
        write_part(part, loaded, paint, &mut text);
    }
    for note in &explanation.notes {
        // A string takes all that is written to it, here and below.
        let _ = writeln!(text, "note: {note}");
    }
    if let Some(Err(refusal)) = explanation.parts.last().map(|part| &part.verdict) {
        write_refusal(refusal, paint, &mut text);
    }
    text.truncate(text.trim_end().len());
    text
}

fn write_part(part: &Part, loaded: &Loaded, paint: Paint, text: &mut String) {
    let verdict = match &part.verdict {
        Ok(Decision::Allowed(_)) => paint.good("allowed"),
        Ok(Decision::Asked(_)) => paint.strong("the application is asked"),
        Err(refusal) => paint.bad(&format!("denied, {}", words(&refusal.kind))),
    };
    let _ = writeln!(text, "{}: {verdict}", part.title);
    for step in &part.steps {
        let sign = match step.outcome {
            Outcome::Passes | Outcome::Allows => paint.good("✓"),
            Outcome::No => paint.dim("·"),
            Outcome::Refuses => paint.bad("✗"),
            Outcome::Asks => paint.strong("?"),
        };
        let _ = writeln!(text, "  {sign} {}", step.finding);
        if let Some(KeyValue { key, value, origin }) = held(step, loaded) {
            let value = brief(&value);
            let held = paint.dim(&format!("{key}: {value} ({origin})"));
            let _ = writeln!(text, "      {held}");
        }
    }
}

/// What the client is told, with its code.
fn words(kind: &RefusalKind) -> String {
    match kind {
        RefusalKind::Error(error) => format!("error {} ({})", error.code.0, error.message),
        RefusalKind::Disconnect(it) => format!("disconnect {} ({})", it.code, it.reason),
    }
}

fn write_refusal(refusal: &Refusal, paint: Paint, text: &mut String) {
    let Some(reason) = &refusal.reason else {
        return;
    };
    let _ = writeln!(text, "{} {}", paint.strong("why:"), reason.why);
    for (at, change) in reason.changes.iter().enumerate() {
        let head = match at {
            0 => paint.strong("to change it:"),
            _ => paint.strong("          or:"),
        };
        let _ = writeln!(text, "{head} {change}");
    }
}

/// A value as it would stand in a file; a list of namespaces by their names.
fn brief(value: &Value) -> String {
    let Some(items) = value.as_array() else {
        return value.to_string();
    };
    let names = items
        .iter()
        .map(|item| item.get("name").unwrap_or(item).to_string());
    format!("[{}]", names.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use veche_config::{File, Sources};
    use veche_server::configuration;
    use veche_server::explain::{Operation, Question, Rule, Step, explain};

    use super::{Decision, Explanation, Outcome, Paint, Part, of};

    const CONFIG: &str =
        r#"{"channel": {"namespaces": [{"name": "chat", "allow_publish_for_subscriber": true}]}}"#;

    #[tokio::main(flavor = "current_thread")]
    async fn told_of(question: &Question) -> String {
        let file = File {
            name: "config.json".to_owned(),
            text: CONFIG.to_owned(),
        };
        let sources = Sources {
            file: Some(file),
            ..Sources::default()
        };
        let loaded = configuration::load(&sources).unwrap();
        of(&explain(&loaded, question, 0).await, &loaded, Paint::Plain)
    }

    #[test]
    fn a_denial_is_told_step_by_step_and_ends_with_what_would_change_it() {
        let text = told_of(&Question {
            operation: Operation::Publish,
            channel: "chat:lobby".to_owned(),
            user: Some("anna".to_owned()),
            ..Question::default()
        });
        let expected = r#"connect as user "anna": allowed
  ✓ the connection token names the user
publish "chat:lobby" as user "anna": denied, error 103 (permission denied)
  ✓ the name has 10 bytes, of at most 255
      channel.max_length: 255 (default)
  ✓ the name is in namespace "chat"
      channel.namespace_boundary: ":" (default)
  ✓ the name is ASCII
      channel.namespaces[chat].channel_regex: "" (default)
  ✓ data must be anything but nothing
      channel.namespaces[chat].publication_data_format: "" (default)
  · namespace "chat" does not allow publishing by clients
      channel.namespaces[chat].allow_publish_for_client: false (default)
  ✓ namespace "chat" allows publishing by subscribers
      channel.namespaces[chat].allow_publish_for_subscriber: true (config.json)
  · the client is not subscribed to "chat:lobby"
  · not everything is allowed
      client.insecure: false (default)
note: it is assumed that the user has proved who it is; --token checks a token
why: namespace "chat" allows publishing by subscribers only (channel.namespaces[chat].allow_publish_for_subscriber); subscribe to "chat:lobby" first
to change it: subscribe to the channel first
          or: set channel.namespaces[chat].allow_publish_for_client to true"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn who_is_allowed_is_told_by_which_rule_and_nothing_to_change() {
        let text = told_of(&Question {
            operation: Operation::Publish,
            channel: "chat:lobby".to_owned(),
            user: Some("anna".to_owned()),
            is_subscribed: true,
            ..Question::default()
        });
        assert!(
            text.contains("publish \"chat:lobby\" as user \"anna\": allowed\n"),
            "{text}"
        );
        assert!(!text.contains("to change it"), "{text}");
    }

    #[test]
    fn where_the_application_is_asked_that_is_the_verdict() {
        let loaded = configuration::load(&Sources::default()).unwrap();
        let step = Step::new(
            Rule::ConnectProxy,
            Outcome::Asks,
            "the application is asked",
        );
        let explanation = Explanation {
            parts: vec![Part {
                operation: Operation::Connect,
                title: "connect".to_owned(),
                steps: vec![step.by("client.proxy.connect.enabled")],
                verdict: Ok(Decision::Asked(Rule::ConnectProxy)),
            }],
            notes: Vec::new(),
        };
        let expected = "connect: the application is asked
  ? the application is asked
      client.proxy.connect.enabled: false (default)";
        assert_eq!(of(&explanation, &loaded, Paint::Plain), expected);
    }
}
