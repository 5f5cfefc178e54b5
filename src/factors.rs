//! Second factors at work: a typed code or a passkey's answer is checked here, and spent once, for whoever signs in and
//! whoever proves again who they are.

use crate::{
    domain::{
        factor::Factor,
        ids::{AppId, CeremonyId, OrgId, PasskeyId, StaffId},
        passkey::{Answer, Refusal, RelyingParty},
        people::{Actor, Role},
        recovery_code::{CodeMark, RecoveryCode},
        sealed::Place,
        totp,
    },
    error::Error,
    ports::keys::Purpose,
    store::{
        Db, OrgTx, factors,
        passkeys::{self, CeremonyPurpose},
    },
    vault::Vault,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// How long a challenge waits for its answer.
const WAITING: TimeDelta = TimeDelta::minutes(5);

/// What a typed code could be; whether it counts is known once it was spent.
pub enum Guess {
    /// It is the code of this step of an app.
    Step(AppId, i64),
    /// It is spelled like a recovery code; these are its marks, one for each key that codes were marked with.
    Code(Vec<CodeMark>),
    /// It is nothing.
    Nothing,
}

/// Compares a typed code with what its person has. It reads and asks the keys, so it is called outside a transaction.
///
/// # Errors
/// When the keys or the database are away.
pub async fn examine(
    db: &Db,
    vault: &Vault,
    actor: &Actor,
    staff: StaffId,
    typed: &str,
    now: DateTime<Utc>,
) -> Result<Guess, Error> {
    let mut tx = db.begin(actor).await?;
    let app = factors::app(&mut tx, staff).await?;
    let keys = factors::recovery_code_keys(&mut tx, staff).await?;
    drop(tx);
    if let Some(app) = app {
        let secret = vault.open(place(actor.org, app.id), &app.secret).await?;
        if let Some(step) = totp::step_of(&secret, typed, now) {
            return Ok(Guess::Step(app.id, step));
        }
    }
    let Some(code) = RecoveryCode::parse(typed) else { return Ok(Guess::Nothing) };
    let mut marks = Vec::new();
    for key in keys {
        let mark = vault.keys().mark(Purpose::Code, actor.org, Some(&key), &code.bound_to(staff)).await?;
        marks.push(CodeMark { key: mark.key, bytes: mark.bytes });
    }
    Ok(Guess::Code(marks))
}

/// Spends a guess: a step and a recovery code count for one caller, once.
///
/// # Errors
/// When the database is away.
pub async fn spend(tx: &mut OrgTx, staff: StaffId, guess: &Guess, now: DateTime<Utc>) -> Result<Option<Factor>, Error> {
    match guess {
        Guess::Nothing => Ok(None),
        Guess::Step(app, step) => Ok(factors::spend_step(tx, *app, *step).await?.then_some(Factor::AuthenticatorApp)),
        Guess::Code(marks) => {
            for mark in marks {
                if factors::spend_recovery_code(tx, staff, mark, now).await? {
                    return Ok(Some(Factor::RecoveryCode));
                }
            }
            Ok(None)
        }
    }
}

/// Where the secret of an app is sealed for.
#[must_use]
pub const fn place(org: OrgId, id: AppId) -> Place {
    Place { org, table: "authenticator_app", column: "secret_sealed", row: id.0 }
}

/// What a browser is asked.
pub struct Question {
    /// Names the challenge in the answer.
    pub ceremony: CeremonyId,
    /// Options for `navigator.credentials`.
    pub options: Value,
}

/// What a browser answered.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    /// The challenge it answers.
    pub ceremony: CeremonyId,
    /// The JSON of its `PublicKeyCredential`.
    pub answer: &'a str,
}

/// Asks for a proof by a passkey: of a known person, or of whoever the authenticator finds.
///
/// # Errors
/// `Conflict` when browsers give our address no passkeys.
pub async fn ask(
    tx: &mut OrgTx,
    public_url: &str,
    purpose: CeremonyPurpose,
    staff: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<Question, Error> {
    let party = RelyingParty::of(public_url).map_err(|why| Error::Conflict(why.to_string()))?;
    let known = match staff {
        Some(staff) => passkeys::of_staff(tx, staff).await?,
        None => Vec::new(),
    };
    let known: Vec<Vec<u8>> = known.into_iter().map(|passkey| passkey.credential_id).collect();
    let challenge = party.ask(&known).map_err(|_| Error::Fault("a passkey could not be asked for".to_owned()))?;
    let ceremony = CeremonyId::at(now);
    passkeys::keep_challenge(tx, ceremony, purpose, staff, &challenge.state, now, now + WAITING).await?;
    Ok(Question { ceremony, options: challenge.options })
}

/// Whom an answer proves.
#[derive(Clone, Copy, Debug)]
pub struct Proven {
    /// Who.
    pub staff: StaffId,
    /// Their role now.
    pub role: Role,
    /// By which passkey.
    pub passkey: PasskeyId,
}

/// Why an answer proves nobody, and whose passkey it was, for the record.
#[derive(Clone, Copy, Debug)]
pub struct Unproven {
    /// Whose passkey answered, if it is one of ours.
    pub staff: Option<StaffId>,
    /// Why.
    pub refusal: Refusal,
}

/// Reads an answer. Its challenge is taken out whatever comes of it, so the caller commits in either case.
///
/// # Errors
/// When the database is away.
pub async fn read(
    tx: &mut OrgTx,
    public_url: &str,
    purpose: CeremonyPurpose,
    staff: Option<StaffId>,
    reply: Reply<'_>,
    now: DateTime<Utc>,
) -> Result<Result<Proven, Unproven>, Error> {
    let wrong = Unproven { staff, refusal: Refusal::Wrong };
    let state = passkeys::take_challenge(tx, reply.ceremony, purpose, staff, now).await?;
    let (Some(state), Ok(party), Ok(answer)) = (state, RelyingParty::of(public_url), Answer::read(reply.answer)) else {
        return Ok(Err(wrong));
    };
    let Some(kept) = passkeys::by_credential(tx, answer.credential_id()).await? else { return Ok(Err(wrong)) };
    if staff.is_some_and(|staff| staff != kept.staff) {
        return Ok(Err(wrong));
    }
    let refused = |refusal| Ok(Err(Unproven { staff: Some(kept.staff), refusal }));
    let credential = match party.proven(state, &answer, kept.staff, &kept.credential) {
        Ok(credential) => credential,
        Err(refusal) => return refused(refusal),
    };
    if !passkeys::note_use(tx, kept.id, &credential, now).await? {
        return refused(Refusal::Regressed);
    }
    Ok(Ok(Proven { staff: kept.staff, role: kept.role, passkey: kept.id }))
}
