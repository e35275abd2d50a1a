//! Configuration files: JSON, YAML or TOML by extension, read into one kind of tree.

use std::path::Path;

use serde_json::Value;

/// Reads the text of a file; `name` decides the format.
///
/// # Errors
/// One line for people: an unknown extension, or where the text stops being valid.
pub(crate) fn parse(name: &str, text: &str) -> Result<Value, String> {
    let extension = Path::new(name).extension().unwrap_or_default();
    let value = match extension.to_string_lossy().to_ascii_lowercase().as_str() {
        "json" => {
            serde_json::from_str(text).map_err(|error| format!("{name}: not valid JSON: {error}"))
        }
        "yaml" | "yml" if text.trim().is_empty() => Ok(Value::Null),
        "yaml" | "yml" => serde_saphyr::from_str_with_options(text, yaml_options())
            .map_err(|error| format!("{name}: not valid YAML: {}", first_line(&error.to_string()))),
        "toml" => toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            let line = line
                .map(|line| format!(" at line {line}"))
                .unwrap_or_default();
            format!("{name}: not valid TOML: {}{line}", error.message())
        }),
        _ => Err(format!(
            "{name}: the format is told by the extension; name it .json, .yaml, .yml or .toml"
        )),
    }?;
    match value {
        Value::Object(_) => Ok(value),
        Value::Null => Ok(Value::Object(serde_json::Map::new())),
        _ => Err(format!("{name}: the file must hold one object of keys")),
    }
}

/// Only `true` and `false` are booleans, as in YAML 1.2: a namespace may be called `on`.
fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! { strict_booleans: true }
}

fn first_line(text: &str) -> &str {
    let line = text.lines().next().unwrap_or(text);
    line.strip_prefix("error: ").unwrap_or(line)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn the_three_formats_give_the_same_tree() {
        let tree = json!({"client": {"ping_interval": "20s", "allowed_origins": ["*"]}, "http_server": {"port": 9000}});
        let yaml = "client:\n  ping_interval: 20s\n  allowed_origins: [\"*\"]\nhttp_server:\n  port: 9000\n";
        let toml = "[client]\nping_interval = \"20s\"\nallowed_origins = [\"*\"]\n[http_server]\nport = 9000\n";
        assert_eq!(parse("a.json", &tree.to_string()).unwrap(), tree);
        assert_eq!(parse("a.yaml", yaml).unwrap(), tree);
        assert_eq!(parse("a.YML", yaml).unwrap(), tree);
        assert_eq!(parse("dir/a.toml", toml).unwrap(), tree);
    }

    #[test]
    fn a_broken_file_is_named_with_the_line() {
        for (name, text, line) in [
            ("a.json", "{\n\"a\": }", "line 2"),
            ("a.toml", "a = 1\nb = ", "line 2"),
            ("a.yaml", "a: 1\nb: [", "a.yaml: not valid YAML"),
        ] {
            let error = parse(name, text).unwrap_err();
            assert!(error.starts_with(name) && error.contains(line), "{error}");
        }
    }

    #[test]
    fn a_file_of_another_kind_or_shape_is_refused() {
        assert!(parse("config", "{}").unwrap_err().contains(".toml"));
        assert!(parse("a.json", "[]").unwrap_err().contains("one object"));
    }

    #[test]
    fn a_yaml_word_is_text_unless_it_is_true_or_false() {
        let tree = parse("a.yaml", "a: on\nb: y\nc: true\nd: 1").unwrap();
        assert_eq!(tree, json!({"a": "on", "b": "y", "c": true, "d": 1}));
    }

    #[test]
    fn an_empty_yaml_file_says_nothing() {
        assert_eq!(parse("a.yaml", "# nothing\n").unwrap(), json!({}));
        assert_eq!(parse("a.yaml", "").unwrap(), json!({}));
    }
}
