//! What takes two persons: asking, and answering what another asked. Nobody answers what they asked for, nor twice.

pub use crate::{
    domain::approval::{Answer, ApprovalKind, ApprovalState},
    store::approvals::Request,
};

use crate::{
    app::App,
    domain::{
        approval::{EXPORT_LASTS, Right, fingerprint},
        audit::{Deed, DeedKind},
        ids::{ApprovalId, StaffId},
        job::Job,
        notice::Notice,
        people::{Actor, Role, Who},
    },
    error::Error,
    store::{
        OrgTx,
        approvals::{self, Asked, Which},
        audit::record,
        jobs, rights, staff, teams,
    },
};
use chrono::{DateTime, Utc};

/// Asks a second admin to make a staff member an admin.
///
/// # Errors
/// `Forbidden` unless an admin; `NotFound` for nobody here; `Conflict` when it waits already or they are one.
pub async fn ask_for_admin(app: &App, actor: &Actor, staff: StaffId) -> Result<ApprovalId, Error> {
    let by = actor.staff_among(&[Role::Admin]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let member = rights::members(&mut tx, Some(staff)).await?.into_iter().next().ok_or(Error::NotFound)?;
    if member.role == Role::Admin || !member.is_active {
        return Err(Error::Conflict("They are an admin already, or their login is closed.".to_owned()));
    }
    let kind = ApprovalKind::AdminRole;
    let asked = Asked {
        id: ApprovalId::at(now),
        kind,
        staff: Some(staff),
        protocol: None,
        sha256: fingerprint(kind, staff),
        asked_by: by,
    };
    let deed = Deed::of(DeedKind::AskedApproval).subject(asked.id.0).with("kind", kind.word()).with("staff", staff);
    put(tx, actor, &asked, &deed, now).await
}

/// Asks a second admin or an auditor to allow one export of the whole record.
///
/// # Errors
/// `Forbidden` unless an admin or auditor; `Conflict` when one waits or is granted already.
pub async fn ask_for_export(app: &App, actor: &Actor) -> Result<ApprovalId, Error> {
    let by = actor.staff_among(&[Role::Admin, Role::Auditor]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let kind = ApprovalKind::RecordExport;
    approvals::lapse(&mut tx, kind, now - EXPORT_LASTS, now).await?;
    let asked = Asked {
        id: ApprovalId::at(now),
        kind,
        staff: None,
        protocol: None,
        sha256: fingerprint(kind, by),
        asked_by: by,
    };
    let deed = Deed::of(DeedKind::AskedApproval).subject(asked.id.0).with("kind", kind.word());
    put(tx, actor, &asked, &deed, now).await
}

/// Writes a request and tells every admin of it.
async fn put(
    mut tx: OrgTx,
    actor: &Actor,
    asked: &Asked,
    deed: &Deed,
    now: DateTime<Utc>,
) -> Result<ApprovalId, Error> {
    let receipt = record(&mut tx, actor, deed, now).await?;
    approvals::ask(&mut tx, &receipt, asked, now).await?;
    let admins = staff::of_role(&mut tx, Role::Admin).await?;
    tell(&mut tx, admins, asked, now).await?;
    tx.commit().await?;
    Ok(asked.id)
}

/// Answers what another asked. The last approval needed grants it; one refusal ends it. A new admin's old sessions and
/// teams end with the grant.
///
/// # Errors
/// `Forbidden` for whoever asked, or who may not answer this kind; `Conflict` when it is settled or they answered before.
pub async fn answer(app: &App, actor: &Actor, id: ApprovalId, answer: Answer) -> Result<ApprovalState, Error> {
    let Who::Staff { id: by, role, .. } = actor.who else { return Err(Error::Forbidden) };
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let request = approvals::lock(&mut tx, id).await?;
    let asked = &request.asked;
    let right = right_of(&mut tx, by).await?;
    if asked.asked_by == by || !asked.kind.may_be_answered_by(role, right) {
        return Err(Error::Forbidden);
    }
    if request.state != ApprovalState::Open {
        return Err(Error::Conflict("This was settled before; read the list again.".to_owned()));
    }
    let deed = Deed::of(DeedKind::SignedApproval)
        .subject(id.0)
        .with("kind", asked.kind.word())
        .with("answer", answer.word())
        .with("sha256", hex::encode(&asked.sha256));
    let receipt = record(&mut tx, actor, &deed, now).await?;
    approvals::answer(&mut tx, &receipt, asked, by, answer, now).await?;
    let state = match answer {
        Answer::Refused => ApprovalState::Refused,
        Answer::Approved if request.approved.len() + 1 < asked.kind.signatures() => ApprovalState::Open,
        Answer::Approved => granted(&mut tx, actor, &request, now).await?,
    };
    if state != ApprovalState::Open {
        approvals::settle(&mut tx, id, state, now).await?;
    }
    tx.commit().await?;
    Ok(state)
}

/// What the last signature brings about at once, and where the request then stands.
async fn granted(tx: &mut OrgTx, actor: &Actor, request: &Request, now: DateTime<Utc>) -> Result<ApprovalState, Error> {
    match (request.asked.kind, request.asked.staff) {
        (ApprovalKind::AdminRole, Some(staff)) => {
            let deed = Deed::of(DeedKind::ChangedRole).subject(staff.0).with("role", Role::Admin.word());
            let receipt = record(tx, actor, &deed, now).await?;
            rights::change_role(tx, &receipt, staff, Role::Admin, now).await?;
            rights::revoke(tx, &receipt, Right::ClinicalLead, staff, actor.staff_id(), now).await?;
            teams::leave(tx, &receipt, None, staff, actor.staff_id(), now).await?;
            Ok(ApprovalState::Used)
        }
        (ApprovalKind::AdminRole | ApprovalKind::RecordExport | ApprovalKind::ProtocolUse, _) => {
            Ok(ApprovalState::Granted)
        }
    }
}

/// One request and what the reader may do about it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The request.
    pub request: Request,
    /// Whether it waits for the reader.
    pub waits_for_me: bool,
}

/// What waits, what the reader asked for, and what was settled lately.
///
/// # Errors
/// When the database is away.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Listed>, Error> {
    let Who::Staff { id: me, role, .. } = actor.who else { return Err(Error::Forbidden) };
    let mut tx = app.db.begin(actor).await?;
    let requests = approvals::read(&mut tx, Which::Newest).await?;
    let right = right_of(&mut tx, me).await?;
    tx.commit().await?;
    let all = requests.into_iter().map(|request| {
        let signed = request.approved.iter().any(|(by, _)| *by == me);
        let waits_for_me = request.state == ApprovalState::Open
            && !signed
            && request.asked.asked_by != me
            && request.asked.kind.may_be_answered_by(role, right);
        Listed { request, waits_for_me }
    });
    Ok(all.filter(|listed| sees(role, right, listed.request.asked.kind)).collect())
}

/// Whether a kind of request concerns a role at all.
fn sees(role: Role, right: Option<Right>, kind: ApprovalKind) -> bool {
    role == Role::Admin || kind.may_be_answered_by(role, right)
}

async fn right_of(tx: &mut OrgTx, staff: StaffId) -> Result<Option<Right>, Error> {
    let member = rights::members(tx, Some(staff)).await?.into_iter().next();
    Ok(member.filter(|member| member.leads).map(|_| Right::ClinicalLead))
}

async fn tell(tx: &mut OrgTx, whom: Vec<StaffId>, asked: &Asked, now: DateTime<Utc>) -> Result<(), Error> {
    for staff in whom.into_iter().filter(|staff| *staff != asked.asked_by) {
        let letter = Job::SendNotice { staff, notice: Notice::ApprovalWanted };
        jobs::enqueue(tx, &letter, &asked.id.to_string(), now, now).await?;
    }
    Ok(())
}
