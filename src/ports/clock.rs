//! Business time. Leases and locks use the database's clock; everything else asks this port.

use chrono::{DateTime, Utc};

/// What time it is for the ward.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}
