//! A histogram drawn with letters.

use crate::histogram::Histogram;

/// A line for each step, the longest bar [`WIDTH`] wide.
pub(crate) fn draw(histogram: &Histogram) -> String {
    let steps = histogram.steps();
    let most = steps
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or_default()
        .max(1);
    let line = |(end, count): &(u64, u64)| {
        let eighths = count.saturating_mul(WIDTH * 8).div_ceil(most);
        let percent = *count as f64 * 100.0 / histogram.count().max(1) as f64;
        let line = format!(
            "  up to {:>8} {percent:>6.2} %  {}",
            span(*end),
            bar(eighths)
        );
        format!("{}\n", line.trim_end())
    };
    steps.iter().map(line).collect()
}

/// A duration in nanoseconds, with the unit that suits it.
fn span(nanos: u64) -> String {
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{} µs", nanos / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", nanos / 1_000_000),
        _ => format!("{} s", nanos / 1_000_000_000),
    }
}

fn bar(eighths: u64) -> String {
    let whole = usize::try_from(eighths / 8).unwrap_or_default();
    let part = usize::try_from(eighths % 8).unwrap_or_default();
    let mut bar = "█".repeat(whole);
    bar.push_str(PARTS.get(part).copied().unwrap_or_default());
    bar
}

const WIDTH: u64 = 40;
const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

#[cfg(test)]
mod tests {
    use super::draw;
    use crate::histogram::Histogram;

    #[test]
    fn bars_are_as_long_as_the_counts_say() {
        let mut histogram = Histogram::default();
        for nanos in [
            150_000, 160_000, 180_000, 190_000, 450_000, 450_000, 4_000_000,
        ] {
            histogram.add(nanos);
        }
        let expected = [
            "  up to   200 µs  57.14 %  ████████████████████████████████████████",
            "  up to   500 µs  28.57 %  ████████████████████",
            "  up to     1 ms   0.00 %",
            "  up to     2 ms   0.00 %",
            "  up to     5 ms  14.29 %  ██████████",
        ];
        let drawn = draw(&histogram);
        assert_eq!(drawn.lines().collect::<Vec<_>>(), expected);
    }
}
