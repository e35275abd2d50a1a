//! Numbers and booleans.

/// A number or a boolean that a field can hold.
pub trait Scalar: Sized {
    /// Reads a token that is a valid JSON number or literal.
    fn parse(token: &str) -> Option<Self>;
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Scalar for $integer {
            #[inline]
            fn parse(token: &str) -> Option<Self> {
                // Minus zero is no integer.
                token.parse().ok().filter(|_| token != "-0")
            }
        }
    )*};
}

integers!(u32 u64 i32 i64);

impl Scalar for f64 {
    fn parse(token: &str) -> Option<Self> {
        token
            .parse()
            .ok()
            .filter(|number: &Self| number.is_finite())
    }
}

impl Scalar for bool {
    fn parse(token: &str) -> Option<Self> {
        token.parse().ok()
    }
}
