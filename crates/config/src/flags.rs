//! Flags: every key that holds a plain value is also a flag of its dotted name.

use crate::setting::Kind;
use crate::table;

/// Values by dotted key, in the order they were given; of equals the last counts.
pub type Flags = Vec<(String, String)>;

/// Takes the flags that are keys out of `arguments` and returns them and the rest.
///
/// `--key value` and `--key=value` are the same; a boolean without a value is true. Everything
/// behind `--` stays.
///
/// # Errors
/// One line for people: a flag without its value, or a dotted flag that no key has.
pub fn split(arguments: Vec<String>) -> Result<(Flags, Vec<String>), String> {
    let mut flags = Flags::new();
    let mut rest = Vec::with_capacity(arguments.len());
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            rest.push(argument);
            rest.extend(arguments.by_ref());
            break;
        }
        let Some(name) = argument.strip_prefix("--") else {
            rest.push(argument);
            continue;
        };
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (name, None),
        };
        let Some(key) = table::find(name).filter(|key| key.is_flag()) else {
            if name.contains('.') {
                return Err(unknown(name));
            }
            rest.push(argument);
            continue;
        };
        let value = match (value, &key.kind) {
            (Some(value), _) => value,
            (None, Kind::Bool) => arguments
                .next_if(|next| next == "true" || next == "false")
                .unwrap_or_else(|| "true".to_owned()),
            (None, _) => arguments
                .next()
                .ok_or_else(|| format!("--{name} needs a value ({})", key.kind))?,
        };
        flags.push((key.path.clone(), value));
    }
    Ok((flags, rest))
}

fn unknown(name: &str) -> String {
    if table::find(name).is_some() || table::is_section(name) {
        return format!(
            "--{name}: this key holds more than one value; set it in a file or a variable"
        );
    }
    match table::nearest(name).filter(|near| !near.contains('[')) {
        Some(near) => format!("--{name}: no such key is known; did you mean --{near}?"),
        None => format!("--{name}: no such key is known"),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    fn flags(line: &str) -> Result<(Vec<String>, Vec<String>), String> {
        let (flags, rest) = split(line.split_whitespace().map(str::to_owned).collect())?;
        let flags = flags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        Ok((flags, rest))
    }

    #[test]
    fn keys_are_taken_and_all_else_stays() {
        let (taken, rest) = flags(
            "-c a.json --http_server.port 9000 demo --log.level=debug --pid_file x --quiet -- --log.level=info",
        )
        .unwrap();
        assert_eq!(
            taken,
            ["http_server.port=9000", "log.level=debug", "pid_file=x"]
        );
        assert_eq!(
            rest,
            ["-c", "a.json", "demo", "--quiet", "--", "--log.level=info"]
        );
    }

    #[test]
    fn a_boolean_flag_without_a_value_is_true() {
        let (taken, rest) =
            flags("--admin.enabled --health.enabled=false --client.insecure false demo").unwrap();
        assert_eq!(
            taken,
            [
                "admin.enabled=true",
                "health.enabled=false",
                "client.insecure=false"
            ]
        );
        assert_eq!(rest, ["demo"]);
    }

    #[test]
    fn an_empty_value_is_a_value() {
        assert_eq!(
            flags("--http_server.address=").unwrap().0,
            ["http_server.address="]
        );
    }

    #[test]
    fn what_cannot_be_a_flag_is_refused() {
        for (line, words) in [
            ("--http_server.port", "needs a value"),
            ("--http_server.prot 1", "--http_server.port?"),
            ("--channel.namespaces chat", "more than one value"),
            ("--client.token x", "more than one value"),
            ("--no.such", "no such key"),
        ] {
            assert!(flags(line).unwrap_err().contains(words), "{line}");
        }
    }
}
