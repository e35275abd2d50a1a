//! Durations as Go writes them: `25s`, `1h30m`, `300ms`, `-1s`.

use std::time::Duration;

/// A duration that may be negative, as the files of Centrifugo may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) negative: bool,
    pub(crate) amount: Duration,
}

/// Reads `text`.
///
/// # Errors
/// The problem and its remedy: the text is not a duration, or has more than 2^63 nanoseconds (292 years).
/// # Source
/// The Go standard library's documentation of `time.ParseDuration`.
pub(crate) fn parse(text: &str) -> Result<Signed, String> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let nanos = if rest == "0" { Some(0) } else { amount(rest) };
    let nanos = nanos.ok_or_else(|| complaint(text))?;
    let nanos = i64::try_from(nanos).map_err(|_| TOO_LONG.to_owned())?;
    Ok(Signed {
        negative,
        amount: Duration::from_nanos(nanos.unsigned_abs()),
    })
}

const TOO_LONG: &str = "is too long; write at most \"2562047h\" (292 years)";

/// Nanoseconds, as far as a number can hold them; `None` if it is no duration.
fn amount(mut rest: &str) -> Option<u128> {
    let mut nanos: u128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        nanos = nanos.saturating_add(part(number, unit_nanos(unit)?)?);
        rest = tail;
    }
    Some(nanos)
}

/// Writes a duration in the shortest form that [`parse`] reads back.
pub(crate) fn format(duration: Duration) -> String {
    if duration.is_zero() {
        return "0s".to_owned();
    }
    let (mut seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let mut out = String::new();
    for (size, unit) in [(3600, 'h'), (60, 'm'), (1, 's')] {
        let count = seconds / size;
        seconds %= size;
        if count > 0 {
            out.push_str(&format!("{count}{unit}"));
        }
    }
    for (count, unit) in [
        (nanos / 1_000_000, "ms"),
        (nanos / 1000 % 1000, "us"),
        (nanos % 1000, "ns"),
    ] {
        if count > 0 {
            out.push_str(&format!("{count}{unit}"));
        }
    }
    out
}

/// The problem with `text`, and its remedy.
pub(crate) fn complaint(text: &str) -> String {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("is not a duration; write \"{text}s\"");
    }
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u32>().ok());
    if let Some(hours) = days.and_then(|days| days.checked_mul(24)) {
        return format!("is not a duration; write \"{hours}h\"");
    }
    "is not a duration; write numbers with units, such as \"25s\" or \"1h30m\"".to_owned()
}

fn unit_nanos(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn part(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        // The text has only digits, so a number that fails is too large.
        whole.parse().unwrap_or(u128::MAX)
    };
    let mut nanos = whole.saturating_mul(unit);
    let mut scale = unit;
    for digit in fraction.chars() {
        scale /= 10;
        nanos = nanos.saturating_add(u128::from(digit.to_digit(10)?) * scale);
    }
    Some(nanos)
}

#[cfg(test)]
mod tests {
    use super::{complaint, format, parse};

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, millis) in [
            ("25s", 25_000),
            ("1h30m", 5_400_000),
            ("1h30m0.5s", 5_400_500),
            ("1.5h", 5_400_000),
            ("250ms", 250),
            ("+2m", 120_000),
            ("0", 0),
        ] {
            let read = parse(text).unwrap();
            assert_eq!(
                (read.negative, read.amount.as_millis()),
                (false, millis),
                "{text}"
            );
        }
        assert!(parse("-1s").unwrap().negative);
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "", "25", "s", "1d", "1s1", "1..5s", ".s", "-", "1 s", "1.2.3s",
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.starts_with("is not a duration"), "{text}: {why}");
        }
    }

    #[test]
    fn the_longest_duration_has_292_years_and_a_longer_one_is_refused_as_such() {
        let longest = parse("2562047h").unwrap().amount;
        assert_eq!(longest, std::time::Duration::from_hours(2_562_047));
        for text in ["2562048h", "300000000h", &format!("{}h", "9".repeat(99))] {
            assert!(
                parse(text).unwrap_err().starts_with("is too long"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_written_duration_reads_back_the_same() {
        for text in ["25s", "720h", "1h30m", "300ms", "1m500us", "0s", "1s1ns"] {
            assert_eq!(format(parse(text).unwrap().amount), text);
        }
    }

    #[test]
    fn the_complaint_says_what_to_write() {
        assert!(complaint("25").ends_with("write \"25s\""));
        assert!(complaint("30d").ends_with("write \"720h\""));
        assert!(complaint("soon").contains("\"1h30m\""));
    }
}
