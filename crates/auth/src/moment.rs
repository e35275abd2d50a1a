//! Points and spans of time in words, for those who compare clocks.

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Unix time in UTC, as `2026-11-23 21:40:07 UTC`.
pub(crate) fn utc(unix: i64) -> String {
    // Days are counted from 1 March of the year 0, so that leap days stand at the end of a year; 400 years are an era.
    let days = unix.div_euclid(DAY).saturating_add(719_468);
    let second = unix.rem_euclid(DAY);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + carry;
    format!(
        "{year:04}-{month:02}-{day_of_month:02} {:02}:{:02}:{:02} UTC",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// A span of seconds, rounded up, in at most two units: `2 h 5 min`.
pub(crate) fn span(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast stops at the bounds, which is what is meant"
    )]
    let mut rest = seconds.abs().ceil() as i64;
    let mut parts = Vec::new();
    for (size, unit) in [(DAY, "d"), (3600, "h"), (60, "min"), (1, "s")] {
        let count = rest / size;
        rest %= size;
        if (count > 0 && parts.len() < 2) || (unit == "s" && parts.is_empty()) {
            parts.push(format!("{count} {unit}"));
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{span, utc};

    #[test]
    fn moments_are_told_in_utc() {
        for (unix, told) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (1_700_000_000, "2023-11-14 22:13:20 UTC"),
            (1_709_164_799, "2024-02-28 23:59:59 UTC"),
            (1_709_164_800, "2024-02-29 00:00:00 UTC"),
            (1_709_251_200, "2024-03-01 00:00:00 UTC"),
            (4_102_444_800, "2100-01-01 00:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(utc(unix), told);
        }
    }

    #[test]
    fn spans_are_told_in_two_units_at_most() {
        for (seconds, told) in [
            (0.0, "0 s"),
            (0.1, "1 s"),
            (37.0, "37 s"),
            (-61.0, "1 min 1 s"),
            (7500.0, "2 h 5 min"),
            (3600.0, "1 h"),
            (1e9, "11574 d 1 h"),
        ] {
            assert_eq!(span(seconds), told);
        }
    }
}
