//! Where a run takes place: a database of its own, by the three doors into it.

use crate::domain::private::Private;

/// Addresses of one empty, migrated database.
#[derive(Clone)]
pub struct Places {
    /// Past every rule: to found, to sabotage, to look.
    pub superuser_url: Private<String>,
    /// As the owner of the tables.
    pub owner_url: Private<String>,
    /// As the application.
    pub app_url: Private<String>,
}
