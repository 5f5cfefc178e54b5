//! Letters by SMTP, or as `.eml` files in a spool folder, through `lettre`.

use crate::ports::{
    Outage, OutageKind,
    mailer::{Letter, Mailer},
};
use async_trait::async_trait;
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox};
use std::{path::Path, time::Duration};

/// Longest a server may take for one command.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which way letters leave.
enum Way {
    Spool(AsyncFileTransport<Tokio1Executor>),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

/// The mailer.
pub struct Mail {
    way: Way,
    from: Mailbox,
}

/// Why a mailer cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadMail(&'static str);

impl Mail {
    /// Letters become files in a folder, made when it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made or the sender is no mailbox.
    pub fn spool(folder: &Path, from: &str) -> Result<Self, BadMail> {
        std::fs::create_dir_all(folder).map_err(|_| BadMail("the spool folder cannot be made"))?;
        Ok(Self { way: Way::Spool(AsyncFileTransport::new(folder)), from: mailbox(from)? })
    }

    /// Letters go to a server such as `smtps://user:password@mail.example.org:465` or
    /// `smtp://user:password@mail.example.org:587?tls=required`.
    ///
    /// # Errors
    /// When the address is not understood or the sender is no mailbox.
    pub fn smtp(url: &str, from: &str) -> Result<Self, BadMail> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| BadMail("write smtps://user:password@host:465 or smtp://user:password@host:587?tls=required"))?
            .timeout(Some(PATIENCE))
            .build();
        Ok(Self { way: Way::Smtp(transport), from: mailbox(from)? })
    }
}

fn mailbox(text: &str) -> Result<Mailbox, BadMail> {
    text.parse().map_err(|_| BadMail("the sender is not a mailbox such as Careline <careline@example.org>"))
}

fn outage(kind: OutageKind) -> Outage {
    Outage { dependency: "mail", kind }
}

#[async_trait]
impl Mailer for Mail {
    async fn send(&self, letter: &Letter) -> Result<(), Outage> {
        let to: Mailbox =
            letter.to.reveal().parse().map_err(|_| outage(OutageKind::Refused("recipient".to_owned())))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&letter.subject)
            .body(letter.text.reveal().clone())
            .map_err(|_| outage(OutageKind::Refused("letter".to_owned())))?;
        match &self.way {
            Way::Spool(way) => way.send(message).await.map(|_| ()).map_err(|_| outage(OutageKind::Broken)),
            Way::Smtp(way) => way.send(message).await.map(|_| ()).map_err(|fault| {
                outage(if fault.is_permanent() {
                    OutageKind::Refused(fault.status().map_or_else(String::new, |code| code.to_string()))
                } else if fault.is_timeout() {
                    OutageKind::TimedOut
                } else {
                    OutageKind::Broken
                })
            }),
        }
    }
}
