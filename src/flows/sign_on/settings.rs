//! What an admin sets: the provider their organization trusts, what its groups mean, and who may still use a password.
//! The provider is asked before anything is saved.

use super::place_of_client_secret;
use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::StaffId,
        people::{Actor, Role, Who},
        private::Private,
        sealed::Sealed,
        sign_on::{self, GroupRole},
    },
    error::Error,
    ports::{Outage, OutageKind},
    store::{
        audit,
        sign_on::{self as kept, Passwords, SignOn},
        staff, teams,
    },
};

/// The settings as an admin types them.
#[derive(Clone, Default)]
pub struct Typed {
    /// The provider's address.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; empty keeps the one there is.
    pub client_secret: Private<String>,
    /// The claim that lists groups.
    pub group_claim: String,
    /// One `group = role` a line.
    pub groups: String,
    /// Whether only the one admin below may use a password.
    pub passwords: Choice,
    /// The e-mail address of the admin who always may.
    pub break_glass: String,
}

/// Who is to come in by password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Whoever has one.
    #[default]
    Everybody,
    /// One admin alone.
    One,
}

/// The settings as they stand.
pub struct Standing {
    /// As they would be typed; the secret is never read back.
    pub typed: Typed,
    /// Whether a provider is trusted.
    pub trusted: bool,
    /// The admins there are, by address.
    pub admins: Vec<String>,
}

/// Reads them.
///
/// # Errors
/// `Forbidden` for everybody but an admin.
pub async fn read(app: &App, actor: &Actor) -> Result<Standing, Error> {
    only_admins(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let admins = staff::admins(&mut tx).await?;
    let trusted = kept::read(&mut tx).await?;
    let groups = kept::groups(&mut tx).await?;
    let typed = trusted.as_ref().map_or_else(Typed::default, |trusted| Typed {
        issuer: trusted.issuer.clone(),
        client_id: trusted.client_id.clone(),
        client_secret: Private::default(),
        group_claim: trusted.group_claim.clone(),
        groups: sign_on::write_groups(&groups),
        passwords: if trusted.passwords == Passwords::Everybody { Choice::Everybody } else { Choice::One },
        break_glass: trusted
            .break_glass
            .and_then(|id| admins.iter().find(|admin| admin.0 == id))
            .map_or_else(String::new, |admin| admin.1.reveal().clone()),
    });
    let admins = admins.into_iter().map(|admin| admin.1.into_revealed()).collect();
    Ok(Standing { typed, trusted: trusted.is_some(), admins })
}

/// Saves them.
///
/// # Errors
/// `Forbidden` for everybody but an admin; `Invalid` naming what is wrong, also when the provider does not answer as one.
pub async fn save(app: &App, actor: &Actor, typed: &Typed) -> Result<(), Error> {
    only_admins(actor)?;
    let now = app.clock.now();
    let groups = sign_on::read_groups(&typed.groups);
    let (present, admins, teams) = {
        let mut tx = app.db.begin(actor).await?;
        (kept::read(&mut tx).await?, staff::admins(&mut tx).await?, teams::all(&mut tx).await?)
    };
    let break_glass = admins.iter().find(|admin| admin.1.reveal() == typed.break_glass.trim()).map(|admin| admin.0);
    let issuer = typed.issuer.trim().to_owned();
    let kept_secret = present.filter(|present| present.issuer == issuer).map(|present| present.client_secret);
    let mut faults = faults_of(typed, break_glass, kept_secret.is_some());
    let groups = groups.unwrap_or_else(|fault| {
        faults.push(fault);
        Vec::new()
    });
    let unknown =
        |group: &&GroupRole| group.team.as_ref().is_some_and(|name| teams.iter().all(|team| team.name != *name));
    faults.extend(
        groups
            .iter()
            .find(unknown)
            .map(|group| format!("groups: there is no care team called {}", group.team.as_deref().unwrap_or_default())),
    );
    if !faults.is_empty() {
        return Err(Error::Invalid(faults.join("; ")));
    }
    app.sign_on.examine(actor.org, &issuer, now).await.map_err(|outage| unusable(&outage))?;
    let (client_secret, changed) = match kept_secret.filter(|_| typed.client_secret.reveal().is_empty()) {
        Some(kept) => (kept, "no"),
        None => (sealed(app, actor, &typed.client_secret).await?, "yes"),
    };
    let only = break_glass.filter(|_| typed.passwords == Choice::One);
    let sign_on = SignOn {
        issuer,
        client_id: typed.client_id.trim().to_owned(),
        client_secret,
        group_claim: typed.group_claim.trim().to_owned(),
        passwords: only.map_or(Passwords::Everybody, Passwords::Only),
        break_glass,
    };
    let deed = Deed::of(DeedKind::SavedSignOn)
        .with("groups", groups.len())
        .with("secret_changed", changed)
        .with("passwords", if only.is_some() { "one_admin" } else { "everybody" });
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    kept::save(&mut tx, &receipt, &sign_on, now).await?;
    kept::save_groups(&mut tx, &receipt, &groups).await?;
    tx.commit().await
}

/// Trusts no provider any more: everybody comes in by password again.
///
/// # Errors
/// `Forbidden` for everybody but an admin.
pub async fn remove(app: &App, actor: &Actor) -> Result<(), Error> {
    only_admins(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::record(&mut tx, actor, &Deed::of(DeedKind::RemovedSignOn), app.clock.now()).await?;
    kept::remove(&mut tx, &receipt).await?;
    tx.commit().await
}

async fn sealed(app: &App, actor: &Actor, secret: &Private<String>) -> Result<Sealed, Error> {
    let bytes = Private::new(secret.reveal().clone().into_bytes());
    Ok(app.vault.seal(place_of_client_secret(actor.org), &bytes).await?)
}

/// Names every faulty field at once.
fn faults_of(typed: &Typed, break_glass: Option<StaffId>, has_secret: bool) -> Vec<String> {
    let within = |text: &str, most: usize| (1..=most).contains(&text.trim().chars().count());
    let plain = |text: &str| text.trim().bytes().all(|byte| byte.is_ascii_graphic());
    let issuer = typed.issuer.trim();
    [
        (!(issuer.starts_with("https://") || issuer.starts_with("http://")) || issuer.len() > 300 || !plain(issuer))
            .then_some("issuer: write the provider's address as it names itself, such as https://sign-in.example.org"),
        (!within(&typed.client_id, 200) || !plain(&typed.client_id))
            .then_some("client id: write the name the provider gave to Careline"),
        (typed.client_secret.reveal().is_empty() && !has_secret)
            .then_some("client secret: write it; a new provider is never given the secret of another"),
        (typed.client_secret.reveal().chars().count() > 1000).then_some("client secret: at most 1000 characters"),
        (!within(&typed.group_claim, 100) || !plain(&typed.group_claim))
            .then_some("group claim: write the claim that lists groups, such as groups"),
        (break_glass.is_none() && !typed.break_glass.trim().is_empty())
            .then_some("admin with a password: this is no open login of an admin"),
        (break_glass.is_none() && typed.passwords == Choice::One)
            .then_some("admin with a password: choose one before passwords are refused to everybody else"),
    ]
    .into_iter()
    .flatten()
    .map(str::to_owned)
    .collect()
}

/// What an admin reads whose provider does not answer as one.
fn unusable(outage: &Outage) -> Error {
    let what = match &outage.kind {
        OutageKind::Refused(code) if code.starts_with("address_") => {
            "issuer: this address is not gone to; write an https address of a host on the public Internet".to_owned()
        }
        OutageKind::Refused(code) if code == "other_issuer" => {
            "issuer: the provider names itself otherwise; write its address exactly as its description does".to_owned()
        }
        OutageKind::Refused(code) => format!("issuer: no description of a provider is found there ({code})"),
        OutageKind::Garbled => "issuer: what is found there is no description of a provider".to_owned(),
        OutageKind::Unreachable | OutageKind::TimedOut | OutageKind::Broken | OutageKind::Throttled => {
            format!("issuer: {}", outage.kind)
        }
    };
    Error::Invalid(what)
}

fn only_admins(actor: &Actor) -> Result<(), Error> {
    match actor.who {
        Who::Staff { role: Role::Admin, token: None, .. } => Ok(()),
        Who::Staff { .. } | Who::Careline | Who::Carrier | Who::Operator | Who::Visitor => Err(Error::Forbidden),
    }
}
