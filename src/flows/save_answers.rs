//! The assessment of a call: opened, filled in, evaluated at every change.

use crate::{
    app::App,
    domain::{
        assessment::{Assessment, AssessmentPage, page},
        audit::{Deed, DeedKind},
        ids::CallId,
        people::{Actor, Role},
        protocol::{Inputs, Package, Protocol, evaluate},
    },
    error::Error,
    live::LiveEvent,
    store::{
        OrgTx, assessments,
        audit::{ChartReceipt, open_chart, record},
        calls, people, protocols,
    },
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Opens the assessment of a call; the first who opens it begins it, pinned to the version in use.
///
/// # Errors
/// `NotFound` when there is no such call; `Invalid` when its protocol has no version in use; `Forbidden` for admins and
/// auditors.
pub async fn open(app: &App, actor: &Actor, call: CallId) -> Result<AssessmentPage, Error> {
    match actor.role() {
        Some(Role::Nurse | Role::Coordinator | Role::Physician) => {}
        Some(Role::Admin | Role::Auditor) | None => return Err(Error::Forbidden),
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (receipt, assessment, package) = find_or_begin(&mut tx, actor, call, now).await?;
    let page = show(&mut tx, &receipt, &package, &assessment).await?;
    tx.commit().await?;
    Ok(page)
}

/// Saves what the nurse entered. Fields that are not named stay as they are; an empty field is "not asked"; several
/// fields of one name are several options. `facts` are `yes`, `no` or empty. `confirmed` is all that is confirmed now.
/// Either everything is taken or nothing.
///
/// # Errors
/// `Invalid` names the first question that cannot be taken and what is allowed; `Conflict` when somebody saved since
/// `revision`, or it is signed; `Forbidden` unless a nurse or physician.
pub async fn save(
    app: &App,
    actor: &Actor,
    call: CallId,
    revision: i32,
    answers: Vec<(String, String)>,
    facts: Vec<(String, String)>,
    confirmed: Vec<String>,
) -> Result<AssessmentPage, Error> {
    match actor.role() {
        Some(Role::Nurse | Role::Physician) => {}
        Some(Role::Coordinator | Role::Admin | Role::Auditor) | None => return Err(Error::Forbidden),
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let (receipt, mut assessment, package) = find_or_begin(&mut tx, actor, call, now).await?;
    receipt.may_change()?;
    if assessment.signed.is_some() {
        return Err(Error::Conflict("This assessment is signed and final.".to_owned()));
    }
    if assessment.revision != revision {
        let text = "Somebody saved this assessment since you opened it. Read it again, then make your change.";
        return Err(Error::Conflict(text.to_owned()));
    }
    take_answers(&package.protocol, &mut assessment.inputs, answers)?;
    take_facts(&package.protocol, &mut assessment.inputs, facts)?;
    take_confirmations(&package.protocol, &mut assessment.inputs, confirmed)?;
    assessment.evaluation = evaluate(&package.protocol, &assessment.inputs);
    assessment.revision = revision.saturating_add(1);
    assessments::save(&mut tx, &assessment, now).await?;
    let found = assessment.evaluation.disposition;
    let deed = Deed::of(DeedKind::SavedAnswers)
        .patient(assessment.patient)
        .subject(assessment.id.0)
        .with("call", call)
        .with("revision", assessment.revision)
        .with("answered", assessment.inputs.answers.len())
        .with("found", found.map_or("nothing", |level| level.code()));
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    let page = show(&mut tx, &receipt, &package, &assessment).await?;
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::AssessmentMoved);
    Ok(page)
}

async fn find_or_begin(
    tx: &mut OrgTx,
    actor: &Actor,
    call: CallId,
    now: DateTime<Utc>,
) -> Result<(ChartReceipt, Assessment, Arc<Package>), Error> {
    let patient = calls::patient_of(tx, call).await?;
    let receipt = open_chart(tx, actor, patient, DeedKind::OpenedAssessment, now).await?;
    if let Some(assessment) = assessments::lock(tx, &receipt, call).await? {
        let package = protocols::package(tx, &assessment.protocol, &assessment.version).await?;
        return Ok((receipt, assessment, package));
    }
    // Beginning an assessment is a change of the chart.
    receipt.may_change()?;
    let protocol = assessments::protocol_of(tx, call).await?;
    let pinned = protocols::in_use(tx, &protocol).await?.ok_or_else(|| {
        Error::Invalid(format!("No version of the protocol {protocol} is in use. Ask an admin to import one."))
    })?;
    let package = protocols::package(tx, &protocol, &pinned.version).await?;
    let evaluation = evaluate(&package.protocol, &Inputs::default());
    assessments::begin(tx, call, patient, &pinned, &evaluation, now).await?;
    let assessment = assessments::lock(tx, &receipt, call).await?.ok_or(Error::NotFound)?;
    // Somebody else may have begun it in the meantime, with the version that was in use then.
    let package = protocols::package(tx, &assessment.protocol, &assessment.version).await?;
    Ok((receipt, assessment, package))
}

async fn show(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    package: &Package,
    assessment: &Assessment,
) -> Result<AssessmentPage, Error> {
    let patient = people::patient(tx, receipt).await?;
    Ok(page(package, assessment, patient.facts, patient.language))
}

fn take_answers(protocol: &Protocol, inputs: &mut Inputs, answers: Vec<(String, String)>) -> Result<(), Error> {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (question, text) in answers {
        let texts = fields.entry(question).or_default();
        if !text.trim().is_empty() {
            texts.push(text);
        }
    }
    for (question, texts) in fields {
        if texts.is_empty() && protocol.question(&question).is_some() {
            inputs.answers.remove(&question);
        } else {
            let answer = protocol.read_answer(&question, &texts.join(","));
            inputs.answers.insert(question, answer.map_err(|fault| Error::Invalid(fault.message))?);
        }
    }
    Ok(())
}

fn take_facts(protocol: &Protocol, inputs: &mut Inputs, facts: Vec<(String, String)>) -> Result<(), Error> {
    for (fact, text) in facts {
        if !protocol.facts.iter().any(|known| known.id == fact) {
            return Err(Error::Invalid(format!("This protocol reads no fact called `{fact}`.")));
        }
        match text.trim() {
            "yes" | "true" => inputs.facts.insert(fact, true),
            "no" | "false" => inputs.facts.insert(fact, false),
            "" => inputs.facts.remove(&fact),
            _ => return Err(Error::Invalid(format!("Fact `{fact}`: answer yes or no, or leave it empty."))),
        };
    }
    Ok(())
}

fn take_confirmations(protocol: &Protocol, inputs: &mut Inputs, confirmed: Vec<String>) -> Result<(), Error> {
    let needs: &[String] = protocol.overlay.as_ref().map_or(&[], |overlay| &overlay.needs);
    inputs.confirmed.clear();
    for need in confirmed.into_iter().filter(|need| !need.is_empty()) {
        if !needs.contains(&need) {
            return Err(Error::Invalid(format!("This protocol asks for no confirmation called `{need}`.")));
        }
        inputs.confirmed.insert(need);
    }
    Ok(())
}
