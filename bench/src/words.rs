//! What people read instead of a figure's key: a name, and the unit that suits the amount.

/// What an amount is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things that are counted, shares and text.
    None,
    /// A number that is a name.
    Name,
    Seconds,
    Milliseconds,
    Microseconds,
    Bytes,
}

/// Keys without the prefixes [`PREFIXES`], their names and their units.
const FIGURES: &[(&str, &str, Unit)] = &[
    ("mode", "mode", Unit::None),
    ("dialect", "dialect", Unit::None),
    ("server_pid", "process of the server", Unit::Name),
    ("connections", "connections", Unit::None),
    ("connections_failed", "connections that failed", Unit::None),
    ("connections_ended", "connections that ended", Unit::None),
    ("opening_s", "time to open them", Unit::Seconds),
    (
        "opening_server_ms_per_1000",
        "server time per 1000 of them",
        Unit::Milliseconds,
    ),
    ("seconds", "measured for", Unit::Seconds),
    ("publications", "publications", Unit::None),
    ("publications_per_s", "publications per second", Unit::None),
    ("publications_answered", "publications answered", Unit::None),
    ("publications_refused", "publications refused", Unit::None),
    ("deliveries", "deliveries", Unit::None),
    ("deliveries_per_s", "deliveries per second", Unit::None),
    ("deliveries_per_frame", "deliveries per frame", Unit::None),
    ("latency_p50_us", "latency, median", Unit::Microseconds),
    ("latency_p90_us", "latency, 90 %", Unit::Microseconds),
    ("latency_p99_us", "latency, 99 %", Unit::Microseconds),
    ("latency_p999_us", "latency, 99.9 %", Unit::Microseconds),
    ("latency_max_us", "latency, longest", Unit::Microseconds),
    ("latency_mean_us", "latency, mean", Unit::Microseconds),
    (
        "server_us_per_delivery",
        "server time per delivery",
        Unit::Microseconds,
    ),
    (
        "server_user_us_per_delivery",
        "  in the server's code",
        Unit::Microseconds,
    ),
    (
        "server_system_us_per_delivery",
        "  in the system",
        Unit::Microseconds,
    ),
    (
        "server_us_per_ping",
        "server time per ping",
        Unit::Microseconds,
    ),
    ("server_cores", "processors used by the server", Unit::None),
    (
        "generator_us_per_delivery",
        "generator time per delivery",
        Unit::Microseconds,
    ),
    (
        "generator_cores",
        "processors used by the generator",
        Unit::None,
    ),
    ("pings", "pings", Unit::None),
    ("lost", "lost", Unit::None),
    ("doubled", "doubled", Unit::None),
    ("disordered", "out of order", Unit::None),
    ("misrouted", "delivered to the wrong client", Unit::None),
    ("memory", "memory of the server", Unit::Bytes),
    ("memory_before", "memory of the server before", Unit::Bytes),
    ("memory_after", "memory of the server after", Unit::Bytes),
    (
        "memory_while",
        "memory of the server meanwhile",
        Unit::Bytes,
    ),
    (
        "memory_per_connection",
        "memory per connection",
        Unit::Bytes,
    ),
    (
        "memory_per_connection_pss",
        "memory per connection (PSS)",
        Unit::Bytes,
    ),
    ("memory_per_slow", "memory per slow client", Unit::Bytes),
    (
        "connecting_p50_ms",
        "connecting, median",
        Unit::Milliseconds,
    ),
    ("connecting_p99_ms", "connecting, 99 %", Unit::Milliseconds),
    (
        "connecting_max_ms",
        "connecting, longest",
        Unit::Milliseconds,
    ),
    ("slow_closed", "slow clients closed", Unit::None),
    (
        "slow_closed_after_s",
        "slow clients closed after",
        Unit::Seconds,
    ),
    ("slow_received", "deliveries to slow clients", Unit::None),
    ("slow_missing", "missing at slow clients", Unit::None),
    ("close_codes", "close codes", Unit::None),
];

/// Figures of a part of the run, and what is put behind their names.
const PREFIXES: [(&str, &str); 2] = [("before_", " (before)"), ("while_", " (meanwhile)")];

/// The name and the unit of a figure; `None` for a key that nobody has named.
pub(crate) fn find(key: &str) -> Option<(String, Unit)> {
    let named = |key: &str| FIGURES.iter().find(|(its, ..)| *its == key);
    if let Some((_, name, unit)) = named(key) {
        return Some(((*name).to_owned(), *unit));
    }
    PREFIXES.iter().find_map(|(prefix, behind)| {
        let (_, name, unit) = named(key.strip_prefix(prefix)?)?;
        Some((format!("{name}{behind}"), *unit))
    })
}

/// A number with its unit, of which the next larger or smaller one is taken where that reads better.
pub(crate) fn amount(number: f64, decimals: usize, unit: Unit) -> String {
    match unit {
        Unit::None => grouped(number, decimals),
        Unit::Name => format!("{number:.0}"),
        Unit::Seconds => time(number),
        Unit::Milliseconds => time(number / 1e3),
        Unit::Microseconds => time(number / 1e6),
        Unit::Bytes => bytes(number),
    }
}

/// A duration in seconds, with three digits that count.
fn time(seconds: f64) -> String {
    let steps = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")];
    let step = steps.iter().find(|(size, _)| seconds.abs() >= *size);
    let (size, unit) = step.copied().unwrap_or((1e-6, "µs"));
    format!("{} {unit}", digits(seconds / size))
}

fn bytes(bytes: f64) -> String {
    let steps = [
        (1_073_741_824.0, "GiB"),
        (1_048_576.0, "MiB"),
        (1024.0, "KiB"),
    ];
    match steps.iter().find(|(size, _)| bytes.abs() >= *size) {
        Some((size, unit)) => format!("{} {unit}", digits(bytes / size)),
        None => format!("{bytes:.0} B"),
    }
}

/// Three digits that count, and all of those before the point.
fn digits(number: f64) -> String {
    let decimals = match number.abs() {
        small if small < 10.0 => 2,
        middle if middle < 100.0 => 1,
        _ => 0,
    };
    format!("{number:.decimals$}")
}

/// A number whose thousands stand apart.
fn grouped(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", whole),
    };
    let mut out = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && whole.len() > 4 && (whole.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_unit_that_suits_them() {
        for (number, unit, text) in [
            (5.0579, Unit::Microseconds, "5.06 µs"),
            (0.2058, Unit::Microseconds, "0.21 µs"),
            (12_976.1, Unit::Microseconds, "13.0 ms"),
            (234_555.3, Unit::Microseconds, "235 ms"),
            (40.25, Unit::Milliseconds, "40.2 ms"),
            (0.139, Unit::Seconds, "139 ms"),
            (10.02, Unit::Seconds, "10.0 s"),
            (12_623_872.0, Unit::Bytes, "12.0 MiB"),
            (1394.0, Unit::Bytes, "1.36 KiB"),
            (-200.0, Unit::Bytes, "-200 B"),
        ] {
            assert_eq!(amount(number, 1, unit), text);
        }
        assert_eq!(amount(486_000.0, 0, Unit::None), "486 000");
        assert_eq!(amount(-1_234_567.5, 1, Unit::None), "-1 234 567.5");
        assert_eq!(amount(1000.0, 0, Unit::None), "1000");
        assert_eq!(amount(30_301.0, 0, Unit::Name), "30301");
    }

    #[test]
    fn a_figure_of_a_part_of_the_run_says_which() {
        let (name, unit) = find("while_latency_p99_us").unwrap();
        assert_eq!(
            (name.as_str(), unit),
            ("latency, 99 % (meanwhile)", Unit::Microseconds)
        );
        assert_eq!(find("nothing"), None);
    }
}
