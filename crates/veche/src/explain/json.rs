//! An explanation for machines.

use serde_json::{Value, json};
use veche_config::Loaded;
use veche_server::explain::{Decision, Explanation, Part, Refusal, RefusalKind, Rule, Step};

use super::held;

/// The explanation as one JSON object.
pub(super) fn of(explanation: &Explanation, loaded: &Loaded) -> Value {
    let parts = explanation.parts.iter().map(|it| part(it, loaded));
    json!({
        "allowed": explanation.is_allowed(),
        "parts": parts.collect::<Vec<_>>(),
        "notes": explanation.notes,
    })
}

fn part(part: &Part, loaded: &Loaded) -> Value {
    let steps: Vec<Value> = part.steps.iter().map(|it| step(it, loaded)).collect();
    let mut object = json!({
        "operation": part.operation.name(),
        "title": part.title,
        "allowed": matches!(part.verdict, Ok(Decision::Allowed(_))),
        "steps": steps,
    });
    let verdict = match &part.verdict {
        Ok(Decision::Allowed(rule)) => json!({ "rule": rule.name() }),
        Ok(Decision::Asked(rule)) => json!({ "rule": rule.name(), "asked": true }),
        Err(refusal) => refused(refusal),
    };
    if let (Value::Object(object), Value::Object(verdict)) = (&mut object, verdict) {
        object.extend(verdict);
    }
    object
}

fn refused(refusal: &Refusal) -> Value {
    let (kind, code, message) = match &refusal.kind {
        RefusalKind::Error(error) => ("error", error.code.0, &error.message),
        RefusalKind::Disconnect(it) => ("disconnect", u32::from(it.code), &it.reason),
    };
    let reason = refusal.reason.clone().unwrap_or_default();
    let changes: Vec<_> = reason.changes.iter().map(ToString::to_string).collect();
    json!({
        "rule": reason.rule.map(Rule::name),
        (kind): { "code": code, "message": message },
        "why": reason.why,
        "changes": changes,
    })
}

fn step(step: &Step, loaded: &Loaded) -> Value {
    let option = held(step, loaded)
        .map(|held| json!({ "key": held.key, "value": held.value, "origin": held.origin }));
    json!({
        "rule": step.rule.name(),
        "outcome": step.outcome.name(),
        "finding": step.finding,
        "option": option,
    })
}

#[cfg(test)]
mod tests {
    use veche_config::{File, Sources};
    use veche_server::configuration;
    use veche_server::explain::{Question, explain};

    #[tokio::test]
    async fn machines_read_the_same() {
        let text = r#"{"channel": {"namespaces": [{"name": "chat", "allow_subscribe_for_client": true}]}}"#;
        let loaded = configuration::load(&Sources {
            file: Some(File {
                name: "config.json".to_owned(),
                text: text.to_owned(),
            }),
            ..Sources::default()
        });
        let loaded = loaded.unwrap();
        let question = Question {
            channel: "chat:lobby".to_owned(),
            user: Some(String::new()),
            ..Question::default()
        };
        let answer = super::of(&explain(&loaded, &question, 0).await, &loaded);
        assert_eq!(answer["allowed"], false);
        let part = &answer["parts"][1];
        assert_eq!(part["error"]["code"], 103);
        assert_eq!(part["rule"], "for_anonymous");
        let last = part["steps"].as_array().and_then(|steps| steps.last());
        let last = last.expect("a step");
        assert_eq!(last["rule"], "insecure");
        assert_eq!(last["outcome"], "no");
        assert_eq!(last["option"]["key"], "client.insecure");
        assert_eq!(last["option"]["value"], false);
        assert_eq!(last["option"]["origin"], "default");
    }
}
