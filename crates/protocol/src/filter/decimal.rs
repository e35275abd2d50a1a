//! Decimal numbers in tags, compared exactly and in place.

use std::cmp::Ordering;

/// A decimal number as its digits: no exponent, so no rounding, and nothing to overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal<'a> {
    is_negative: bool,
    /// Without leading zeros.
    whole: &'a str,
    /// Without trailing zeros.
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    /// Reads an optional sign, digits, and optionally a point and at most 19 digits; `None` for anything else.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((_, "")) => return None,
            Some((_, fraction)) if fraction.len() > MAX_FRACTION => return None,
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self {
            is_negative: text.starts_with('-') && !is_zero,
            whole,
            fraction,
        })
    }

    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        // Of numbers without leading zeros the longer is the greater; fractions compare from their first digit.
        (self.whole.len(), self.whole, self.fraction).cmp(&(
            other.whole.len(),
            other.whole,
            other.fraction,
        ))
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, false) => self.cmp_magnitude(other),
            (true, true) => other.cmp_magnitude(self),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Digits after the point that filters of the reference server take.
const MAX_FRACTION: usize = 19;

/// Bytes of a number that filters of the reference server take.
const MAX_LENGTH: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimals_are_numbers() {
        for good in [
            "7",
            "+7",
            "007",
            "-0",
            "0.5",
            "-12.0340",
            "1.1234567890123456789",
        ] {
            assert!(Decimal::parse(good).is_some(), "{good}");
        }
        let long = "1".repeat(MAX_LENGTH + 1);
        for bad in [
            "",
            "+",
            "-",
            ".",
            ".9",
            "7.",
            "-.5",
            "+-1",
            "1e3",
            " 1",
            "1 ",
            "0x10",
            "1_000",
            "NaN",
            "inf",
            "1.2.3",
            "1.12345678901234567890",
            "٣",
            &long,
        ] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_ordered_by_value_and_not_by_spelling() {
        let ascending = [
            "-11", "-10.5", "-9", "-0.51", "-0.5", "0", "0.05", "0.5", "0.51", "9", "10.5", "11",
            "100",
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                let order = Decimal::parse(left)
                    .unwrap()
                    .cmp(&Decimal::parse(right).unwrap());
                assert_eq!(order, i.cmp(&j), "{left} {right}");
            }
        }
        for (left, right) in [("+7", "007.00"), ("-0", "0"), ("0.50", "00.5")] {
            assert_eq!(Decimal::parse(left), Decimal::parse(right));
        }
    }
}
