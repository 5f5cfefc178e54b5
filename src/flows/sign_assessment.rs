//! A nurse or physician decides and signs: the assessment is frozen and its follow-up exists, or neither.

use crate::{
    app::App,
    domain::{
        assessment::{Assessment, decide, look_again_within},
        audit::{Deed, DeedKind},
        call::Owed,
        disposition::Disposition,
        follow_up::{FollowUpReason, NewFollowUp},
        ids::{AssessmentId, CallId, FollowUpId, StaffId},
        people::{Actor, Language, Role},
        private::Private,
        protocol::{Package, evaluate},
    },
    error::Error,
    live::LiveEvent,
    store::{
        OrgTx, assessments,
        audit::{open_chart, record},
        calls, follow_ups, protocols,
    },
};
use chrono::{DateTime, Utc};

pub use crate::domain::assessment::Signing;

/// What a signature brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The assessment.
    pub assessment: AssessmentId,
    /// What happens next.
    pub disposition: Disposition,
    /// The work that is owed now.
    pub follow_up: FollowUpId,
    /// When somebody must have acted.
    pub due_at: DateTime<Utc>,
}

/// Signs the assessment of a call.
///
/// # Errors
/// `Invalid` says what must be done first (an open question, a missing reason, an emergency that stands); `Conflict` when
/// it was saved since or is signed; `NotFound` when nobody opened it; `Forbidden` unless a nurse or physician.
pub async fn sign(app: &App, actor: &Actor, call: CallId, signing: Signing) -> Result<Signed, Error> {
    let by = actor.staff_among(&[Role::Nurse, Role::Physician]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let patient = calls::patient_of(&mut tx, call).await?;
    let receipt = open_chart(&mut tx, actor, patient, DeedKind::OpenedAssessment, now).await?;
    receipt.may_change()?;
    let mut assessment = assessments::lock(&mut tx, &receipt, call).await?.ok_or(Error::NotFound)?;
    if assessment.signed.is_some() {
        return Err(Error::Conflict("This assessment is signed and final.".to_owned()));
    }
    if assessment.revision != signing.revision {
        let text = "Somebody saved this assessment since you read it. Read it again before you sign.";
        return Err(Error::Conflict(text.to_owned()));
    }
    let package = protocols::package(&mut tx, &assessment.protocol, &assessment.version).await?;
    assessment.evaluation = evaluate(&package.protocol, &assessment.inputs);
    let name = |id: &str| package.question_text(id).to_owned();
    let decision = decide(&assessment.evaluation, &signing, name).map_err(|why| Error::Invalid(why.to_string()))?;
    assessments::sign(&mut tx, &assessment, &signing, by, now).await?;
    let deed = Deed::of(DeedKind::SignedAssessment)
        .patient(patient)
        .subject(assessment.id.0)
        .with("call", call)
        .with("protocol", &assessment.protocol)
        .with("version", &assessment.version)
        .with("sha256", hex::encode(&assessment.sha256))
        .with("found", assessment.evaluation.disposition.map_or("nothing", Disposition::code))
        .with("decided", signing.disposition.code())
        .with("decision", decision.code());
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    let work = work_owed(&package, &assessment, &signing, now);
    let opened = follow_ups::open(&mut tx, actor, &work, now).await?;
    was_read(&mut tx, actor, by, call, now).await?;
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::AssessmentMoved);
    let disposition = signing.disposition;
    Ok(Signed { assessment: assessment.id, disposition, follow_up: opened.id(), due_at: work.due_at })
}

/// Whoever signs has read the check-in, so that work is done.
async fn was_read(tx: &mut OrgTx, actor: &Actor, by: StaffId, call: CallId, now: DateTime<Utc>) -> Result<(), Error> {
    let reasons = [Owed::CheckInToRead, Owed::CheckInCutOff, Owed::CheckInSilent].map(FollowUpReason::Call);
    for held in follow_ups::open_after(tx, call, &reasons).await? {
        follow_ups::complete(tx, &held, by, "Read and signed.", now).await?;
        let deed = Deed::of(DeedKind::CompletedFollowUp).patient(held.patient).subject(held.id.0);
        let _receipt = record(tx, actor, &deed, now).await?;
    }
    Ok(())
}

fn work_owed(package: &Package, assessment: &Assessment, signing: &Signing, now: DateTime<Utc>) -> NewFollowUp {
    let title = package.text(Language::English, &package.protocol.header.title);
    let plan = signing.agreed_plan.reveal().trim();
    let agreed = if plan.is_empty() { String::new() } else { format!(" Agreed: {plan}") };
    NewFollowUp {
        patient: assessment.patient,
        call: Some(assessment.call),
        assessment: Some(assessment.id),
        reason: FollowUpReason::Assessment,
        summary: Private::new(format!("{title}: {}.{agreed}", signing.disposition.words())),
        urgency: signing.disposition,
        owner: None,
        due_at: now + look_again_within(package, signing.disposition),
        once_key: format!("assessment:{}", assessment.id),
    }
}
