//! Numbers of a protocol: exact thousandths, so that 38.0 is 38 and 89.95 is never 89.94999.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// A number with at most three decimals, between minus and plus one thousand million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decimal {
    thousandths: i64,
}

const LARGEST: i64 = 1_000_000_000_000;

impl Decimal {
    /// A whole number.
    #[must_use]
    pub fn whole(number: i32) -> Self {
        Self { thousandths: i64::from(number).saturating_mul(1000) }
    }

    /// A number of thousandths.
    #[must_use]
    pub const fn thousandths(thousandths: i64) -> Self {
        Self { thousandths }
    }

    /// Reads `7`, `-3` or `38.25`; nothing else: no exponent, no comma, no sign but minus.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let readable = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !readable(whole) || !readable(part) || part.len() > 3 || whole.len() > 10 {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let part: i64 = format!("{part:0<3}").parse().ok()?;
        let thousandths = whole.checked_mul(1000)?.checked_add(part)?;
        (thousandths <= LARGEST).then_some(Self { thousandths: thousandths.saturating_mul(sign) })
    }

    /// Whether it has no decimals.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.thousandths % 1000 == 0
    }

    /// The whole part, towards zero.
    #[must_use]
    pub const fn truncated(self) -> i64 {
        self.thousandths / 1000
    }

    /// Sum; stays within what an `i64` holds.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { thousandths: self.thousandths.saturating_add(other.thousandths) }
    }

    /// Difference; stays within what an `i64` holds.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self { thousandths: self.thousandths.saturating_sub(other.thousandths) }
    }

    /// Degrees Fahrenheit in degrees Celsius, rounded to a thousandth.
    #[must_use]
    pub const fn celsius_of_fahrenheit(self) -> Self {
        let ninths = self.thousandths.saturating_sub(32_000).saturating_mul(5);
        let half = if ninths < 0 { -4 } else { 4 };
        Self { thousandths: ninths.saturating_add(half) / 9 }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.thousandths < 0 { "-" } else { "" };
        let size = self.thousandths.unsigned_abs();
        let part = format!("{:03}", size % 1000);
        match part.trim_end_matches('0') {
            "" => write!(f, "{sign}{}", size / 1000),
            part => write!(f, "{sign}{}.{part}", size / 1000),
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a number with at most three decimals"))
    }
}
