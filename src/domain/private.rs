//! What must not leak: a value that cannot be printed, logged or serialised.

/// A patient's or contact's own words and facts. It has no `Debug`, `Display` or `Serialize`, so a log line,
/// an error text or a metric cannot carry it; `reveal` marks each place where it leaves on purpose.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Wraps a value at the door.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The only way out.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// The only way out, by value.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl From<&str> for Private<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl<T> From<T> for Private<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}
