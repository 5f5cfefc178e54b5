//! Single sign-on: somebody is sent to the provider their organization trusts, comes back, and is let in as whoever they
//! are here, in the role their groups mean now.

mod admission;
pub mod begin;
pub mod finish;
pub mod settings;

use crate::{
    app::App,
    domain::{
        ids::{OrgId, SignOnId},
        private::Private,
        sealed::Place,
    },
    error::Error,
    ports::{
        Outage, OutageKind,
        sign_on::{Provider, Secrets},
    },
    store::sign_on::SignOn,
};

/// Where a provider sends people back to.
pub const RETURN: &str = "/sign-in/sso/return";
/// What somebody reads whose organization's provider does not answer as it should.
const AWRY: &str = "Your organization's sign-in provider does not answer as it should. Try again in a moment; if it \
                    stays so, tell an administrator.";

/// Where an organization's client secret is sealed.
const fn place_of_client_secret(org: OrgId) -> Place {
    Place { org, table: "single_sign_on", column: "client_secret", row: org.0 }
}

/// Where the secrets of a sign-in on its way are sealed.
const fn place_of_secrets(org: OrgId, id: SignOnId) -> Place {
    Place { org, table: "sign_on_attempt", column: "secrets", row: id.0 }
}

/// The address a provider sends people back to, as it must be registered there.
#[must_use]
pub fn return_address(app: &App) -> String {
    format!("{}{RETURN}", app.settings.public_url)
}

async fn provider(app: &App, org: OrgId, trusted: &SignOn) -> Result<Provider, Error> {
    let secret = app.vault.open(place_of_client_secret(org), &trusted.client_secret).await?;
    Ok(Provider {
        org,
        issuer: trusted.issuer.clone(),
        client_id: trusted.client_id.clone(),
        client_secret: text(&secret)?,
        group_claim: trusted.group_claim.clone(),
        return_to: return_address(app),
    })
}

fn text(bytes: &Private<Vec<u8>>) -> Result<Private<String>, Error> {
    let text = String::from_utf8(bytes.reveal().clone());
    text.map(Private::new).map_err(|_| Error::Fault("a sealed secret is no text".to_owned()))
}

/// Two words that hold no space.
fn packed(secrets: &Secrets) -> Private<Vec<u8>> {
    Private::new(format!("{} {}", secrets.nonce.reveal(), secrets.verifier.reveal()).into_bytes())
}

fn unpacked(bytes: &Private<Vec<u8>>) -> Result<Secrets, Error> {
    let text = text(bytes)?;
    let (nonce, verifier) =
        text.reveal().split_once(' ').ok_or_else(|| Error::Fault("sealed secrets cannot be read".to_owned()))?;
    Ok(Secrets { nonce: Private::new(nonce.to_owned()), verifier: Private::new(verifier.to_owned()) })
}

/// A provider that is not what it was when it was set up is nobody's mistake at this screen, and none of ours.
fn awry(outage: Outage) -> Error {
    match outage.kind {
        OutageKind::Refused(_) | OutageKind::Garbled => {
            tracing::warn!(cause = %outage, "a sign-in provider is not what it was");
            Error::Invalid(AWRY.to_owned())
        }
        OutageKind::Unreachable | OutageKind::TimedOut | OutageKind::Broken | OutageKind::Throttled => {
            Error::Outage(outage)
        }
    }
}
