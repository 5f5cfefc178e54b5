//! Letters to staff. They never carry a patient's name or words: a mailbox is outside the house.

use super::Outage;
use crate::domain::private::Private;
use async_trait::async_trait;

/// One e-mail letter.
#[derive(Clone)]
pub struct Letter {
    /// Address of a staff member.
    pub to: Private<String>,
    /// Its subject.
    pub subject: String,
    /// Plain text; private because it may carry a link that opens something.
    pub text: Private<String>,
}

/// Who carries letters: an SMTP server, or a spool folder.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands one letter over. It may arrive twice when the outcome was unknown and the job ran again.
    async fn send(&self, letter: &Letter) -> Result<(), Outage>;
}
