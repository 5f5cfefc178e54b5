//! A person's own second factors: an authenticator app, passkeys, recovery codes. Each change is recorded, told by
//! letter, and ends every other session of that person.

mod apps;
mod colleagues;
mod keys;

pub use crate::{
    domain::{factor::FactorPolicy, passkey::NoPasskeys, totp::Enrolment},
    store::{
        factors::{Held, Standing},
        passkeys::NamedPasskey,
    },
};
pub use apps::{confirm_app, propose_app, proposed, remove_app, renew_codes};
pub use colleagues::{list, reset, reset_by_address, set_policy};
pub use keys::{PasskeyChallenge, PasskeyReply, add_passkey, begin_passkey, remove_passkey};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        factor::Factor,
        ids::{OrgId, SessionId, StaffId},
        job::Job,
        notice::Notice,
        passkey::RelyingParty,
        people::Actor,
        private::Private,
        recovery_code::{self, CodeMark, RecoveryCode},
    },
    error::Error,
    ports::keys::Purpose,
    store::{OrgTx, audit, audit::Receipt, factors, half_sign_ins, jobs, passkeys, sessions, staff},
};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How long a proposed app or a challenge waits for its answer.
const WAITING: TimeDelta = TimeDelta::minutes(5);

/// Whose factors, from which session, and what is shown of them in an app.
pub struct Person<'a> {
    /// Who acts.
    pub actor: &'a Actor,
    /// The session that stays when the others end.
    pub session: SessionId,
    /// Their full name.
    pub full_name: &'a str,
    /// Their organization's name.
    pub organization: &'a str,
}

impl Person<'_> {
    fn staff(&self) -> Result<StaffId, Error> {
        self.actor.staff_id().ok_or(Error::Forbidden)
    }
}

/// What a person has, and what their organization wants.
pub struct Factors {
    /// The organization's rule.
    pub policy: FactorPolicy,
    /// Since when an authenticator app is in force.
    pub app: Option<DateTime<Utc>>,
    /// Their passkeys, oldest first.
    pub passkeys: Vec<NamedPasskey>,
    /// Recovery codes that were not used.
    pub recovery_codes: i64,
    /// Why there can be no passkeys at this address, if so.
    pub no_passkeys: Option<NoPasskeys>,
}

impl Factors {
    /// Whether a password alone is not enough.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.app.is_some() || !self.passkeys.is_empty()
    }

    /// Whether the organization insists on one.
    #[must_use]
    pub const fn required(&self) -> bool {
        matches!(self.policy, FactorPolicy::Required)
    }

    /// Whether a factor must be added before anything else opens.
    #[must_use]
    pub const fn owed(&self) -> bool {
        self.required() && !self.any()
    }
}

/// What came of adding a factor.
#[derive(Default)]
pub struct Added {
    /// Recovery codes that were made with the first factor, as they are shown once; none with a further one.
    pub codes: Vec<String>,
}

/// Reads what a person has.
///
/// # Errors
/// When the database is away.
pub async fn open(app: &App, person: &Person<'_>) -> Result<Factors, Error> {
    let who = person.staff()?;
    let mut tx = app.db.begin(person.actor).await?;
    let deed = Deed::of(DeedKind::OpenedFactors).subject(who.0);
    let _receipt: Receipt = audit::record(&mut tx, person.actor, &deed, app.clock.now()).await?;
    let held = factors::held(&mut tx, who).await?;
    let factors = Factors {
        policy: factors::policy(&mut tx).await?,
        app: factors::app(&mut tx, who).await?.map(|app| app.created_at),
        passkeys: passkeys::of_staff(&mut tx, who).await?,
        recovery_codes: held.recovery_codes,
        no_passkeys: RelyingParty::of(&app.settings.public_url).err(),
    };
    tx.commit().await?;
    Ok(factors)
}

/// What every change of a credential brings with it: other sessions end, and a letter tells its owner.
async fn tell(
    tx: &mut OrgTx,
    receipt: &Receipt,
    whose: StaffId,
    keep: Option<SessionId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    half_sign_ins::end_all(tx, receipt, whose, now).await?;
    sessions::end_all(tx, receipt, whose, keep, now).await?;
    let job = Job::SendNotice { staff: whose, notice: Notice::CredentialChanged };
    jobs::enqueue(tx, &job, &Uuid::now_v7().to_string(), now, now).await
}

/// Records a new factor; the first one brings recovery codes with it.
async fn added(
    app: &App,
    tx: &mut OrgTx,
    person: &Person<'_>,
    factor: Factor,
    subject: Uuid,
    first: Option<&Codes>,
) -> Result<Receipt, Error> {
    let now = app.clock.now();
    let who = person.staff()?;
    let deed = Deed::of(DeedKind::AddedFactor).subject(subject).with("factor", factor.word());
    let receipt = audit::record(tx, person.actor, &deed, now).await?;
    if let Some(codes) = first {
        let deed = Deed::of(DeedKind::RenewedRecoveryCodes).subject(who.0).with("codes", codes.marks.len());
        let receipt = audit::record(tx, person.actor, &deed, now).await?;
        factors::replace_recovery_codes(tx, &receipt, who, &codes.marks, now).await?;
    }
    sessions::strengthen(tx, &receipt, person.session).await?;
    tell(tx, &receipt, who, Some(person.session), now).await?;
    Ok(receipt)
}

/// Refuses to take the last factor from somebody who must have one.
fn may_go(policy: FactorPolicy, left: Held) -> Result<(), Error> {
    match policy {
        FactorPolicy::Required if !left.any() => Err(Error::Conflict(
            "your organization requires a second factor, and this is your only one; add another first".to_owned(),
        )),
        FactorPolicy::Required | FactorPolicy::Offered => Ok(()),
    }
}

/// Fresh recovery codes with the marks under which they are kept.
struct Codes {
    shown: Vec<String>,
    marks: Vec<CodeMark>,
}

async fn fresh_codes(app: &App, org: OrgId, staff: StaffId) -> Result<Codes, Error> {
    let mut codes = Codes { shown: Vec::new(), marks: Vec::new() };
    for _ in 0..recovery_code::HOW_MANY {
        let code = RecoveryCode::of(rand::random());
        let bytes = code.bound_to(staff);
        let mark = app.vault.keys().mark(Purpose::Code, org, None, &bytes).await?;
        codes.marks.push(CodeMark { key: mark.key, bytes: mark.bytes });
        codes.shown.push(code.shown());
    }
    Ok(codes)
}

/// The codes that come with a person's first factor; nothing for a further one.
async fn codes_for_first(app: &App, person: &Person<'_>) -> Result<Option<Codes>, Error> {
    let who = person.staff()?;
    let mut tx = app.db.begin(person.actor).await?;
    let held = factors::held(&mut tx, who).await?;
    drop(tx);
    if held.any() && held.recovery_codes > 0 {
        return Ok(None);
    }
    fresh_codes(app, person.actor.org, who).await.map(Some)
}

/// The e-mail address a factor is labelled with.
async fn address(app: &App, person: &Person<'_>) -> Result<Private<String>, Error> {
    let mut tx = app.db.begin(person.actor).await?;
    staff::address(&mut tx, person.staff()?).await?.ok_or(Error::SignedOut)
}
