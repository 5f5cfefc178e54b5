//! A nurse asks; passages of the call's own protocol version answer, word for word, or it is said whom to ask. The
//! model may be away, slow, broken or hostile: the nurse sees the passages all the same. Keeps promise 4.

use crate::{
    app::{App, Guide},
    domain::{
        audit::{Deed, DeedKind},
        credential::CredentialKind,
        guidance::{
            GuidanceView, Passage, ProtocolRef, QUESTION_MOST, Refusal, Shown, Statement, WhyPassages,
            choose::{Found, choose, found_without_index},
            evidence::{Evidence, Retrieved, Search},
            extract::extract,
            prompt,
            scope::out_of_scope,
            scrub::scrub,
            verify::{Draft, verify},
        },
        ids::{CallId, GuidanceId, OrgId, PatientId},
        people::{Actor, Role},
        private::Private,
    },
    error::Error,
    live::LiveEvent,
    ports::{
        Outage, OutageKind,
        embeddings::Embeddings,
        llm::{Llm, ModelKey, Prompt},
        vectors::{Hit, IndexedPassage, Question},
    },
    store,
};
use std::time::Instant;

/// How many passages a search brings for choosing.
const SEARCH_MOST: usize = 12;

/// Answers a question on a call and keeps what was shown with its evidence.
///
/// # Errors
/// `Forbidden` for roles that do not work calls, `Invalid` for an empty or overlong question, `NotFound` for a call of
/// nobody here, `Conflict` when the call's protocol was never imported. A model in trouble is never an error.
pub async fn ask(app: &App, actor: &Actor, call: CallId, question: Private<String>) -> Result<GuidanceView, Error> {
    let asked_by = actor.staff_among(&[Role::Nurse, Role::Physician]).ok_or(Error::Forbidden)?;
    let question = readable(&question)?;
    let opened = open(app, actor, call).await?;
    let began = Instant::now();
    let (shown, mut evidence) = answer(app, actor.org, &opened, question.reveal()).await;
    evidence.latency_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let asked_at = app.clock.now();
    let view = GuidanceView { id: GuidanceId::at(asked_at), asked_by, asked_at, question, shown };
    let mut tx = app.db.begin(actor).await?;
    store::guidance::keep(&mut tx, call, &view, &evidence).await?;
    let deed = Deed::of(DeedKind::AskedQuestion)
        .patient(opened.patient)
        .subject(view.id.0)
        .with("call", call)
        .with("outcome", view.shown.outcome.word())
        .with("protocol", key(&opened.protocol))
        .with("statements", view.shown.statements.len())
        .with("withheld", evidence.rejected.len());
    let _receipt = store::audit::record(&mut tx, actor, &deed, asked_at).await?;
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::GuidanceShown);
    Ok(view)
}

/// Everything that was shown on a call, oldest first. Reading it is recorded.
///
/// # Errors
/// `Forbidden` for roles without a part in a call's care, `NotFound` for a call of nobody here.
pub async fn answers(app: &App, actor: &Actor, call: CallId) -> Result<Vec<GuidanceView>, Error> {
    match actor.role() {
        Some(Role::Nurse | Role::Physician | Role::Coordinator) => {}
        Some(Role::Admin | Role::Auditor) | None => return Err(Error::Forbidden),
    }
    let mut tx = app.db.begin(actor).await?;
    let patient = store::calls::patient_of(&mut tx, call).await?;
    let why = Deed::of(DeedKind::OpenedCall).subject(call.0);
    let chart = store::audit::open_chart_for(&mut tx, actor, patient, why, app.clock.now()).await?;
    let shown = store::guidance::shown(&mut tx, &chart, call).await?;
    tx.commit().await?;
    Ok(shown)
}

/// Builds an organization's passage index from the database. Vectors that are missing are computed and kept; when the
/// embeddings are away the index goes by words.
///
/// # Errors
/// When the database or the index is away.
pub async fn reindex(app: &App, org: OrgId) -> Result<(), Error> {
    let actor = Actor::careline(org);
    let mut tx = app.db.begin(&actor).await?;
    let mut passages = store::guidance::searchable(&mut tx).await?;
    let sealed = store::credentials::sealed(&mut tx, CredentialKind::ModelApi).await?;
    tx.commit().await?;
    match &app.guide {
        Guide::Extractive => {}
        Guide::Generated { embeddings, .. } => {
            let key = app.vault.model_key(org, sealed).await;
            embed_missing(app, &actor, &**embeddings, key, &mut passages).await?;
        }
    }
    let indexed = passages
        .into_iter()
        .map(|passage| IndexedPassage {
            protocol: key(&passage.protocol),
            text: indexed_text(&passage.heading, &passage.text),
            anchor: passage.anchor,
            vector: passage.embedding,
        })
        .collect();
    Ok(app.vectors.replace(org, indexed).await?)
}

async fn embed_missing(
    app: &App,
    actor: &Actor,
    embeddings: &dyn Embeddings,
    key: Result<ModelKey, Outage>,
    passages: &mut [store::guidance::Searchable],
) -> Result<(), Error> {
    let mut missing: Vec<_> = passages.iter_mut().filter(|passage| passage.embedding.is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = missing.iter().map(|passage| indexed_text(&passage.heading, &passage.text)).collect();
    let embedded = match key {
        Ok(key) => embeddings.embed(&texts, &key).await,
        Err(outage) => Err(outage),
    };
    let vectors = match embedded {
        Ok(vectors) => vectors,
        Err(outage) => {
            tracing::warn!(%outage, passages = texts.len(), "passages are indexed by words alone");
            return Ok(());
        }
    };
    let mut tx = app.db.begin(actor).await?;
    for (passage, vector) in missing.iter_mut().zip(vectors) {
        store::guidance::keep_embedding(&mut tx, passage, &vector).await?;
        passage.embedding = Some(vector);
    }
    tx.commit().await
}

/// What one transaction brings: whose call, which version, its passages, the names to take out of the question; and the key
/// for the model.
struct Opened {
    patient: PatientId,
    protocol: ProtocolRef,
    passages: Vec<Passage>,
    names: Vec<Private<String>>,
    key: Result<ModelKey, Outage>,
}

async fn open(app: &App, actor: &Actor, call: CallId) -> Result<Opened, Error> {
    let mut tx = app.db.begin(actor).await?;
    let patient = store::calls::patient_of(&mut tx, call).await?;
    let chart = store::audit::open_chart(&mut tx, actor, patient, DeedKind::OpenedChart, app.clock.now()).await?;
    let names = store::guidance::names(&mut tx, &chart).await?;
    let (id, pinned) = store::guidance::pinned(&mut tx, call).await?;
    let Some(protocol) = pinned else {
        return Err(Error::Conflict(format!(
            "protocol {id} has no version in use here; an admin imports it, then ask again"
        )));
    };
    let passages = store::guidance::passages(&mut tx, &protocol).await?;
    let sealed = store::credentials::sealed(&mut tx, CredentialKind::ModelApi).await?;
    tx.commit().await?;
    let key = app.vault.model_key(actor.org, sealed).await;
    Ok(Opened { patient, protocol, passages, names, key })
}

fn readable(question: &Private<String>) -> Result<Private<String>, Error> {
    let question = question.reveal().trim();
    if question.is_empty() {
        return Err(Error::Invalid("Write a question first, such as: What helps with breathlessness?".to_owned()));
    }
    let length = question.chars().count();
    if length > QUESTION_MOST {
        return Err(Error::Invalid(format!(
            "The question has {length} characters; shorten it to {QUESTION_MOST} and ask again."
        )));
    }
    Ok(Private::new(question.to_owned()))
}

/// What is shown for a question, and why. It cannot fail: whatever is away leaves the passages.
async fn answer(app: &App, org: OrgId, opened: &Opened, question: &str) -> (Shown, Evidence) {
    let mut evidence = Evidence::default();
    if let Some(refusal) = out_of_scope(question) {
        return refused(refusal, opened, evidence);
    }
    let names: Vec<String> = opened.names.iter().map(|name| name.reveal().clone()).collect();
    let scrubbed = scrub(question, &names);
    let found = search(app, org, opened, &scrubbed, &mut evidence).await;
    evidence.found = Some(found.iter().map(|found| Retrieved::seen(found, &opened.passages)).collect());
    let chosen = match choose(question, &found, &opened.passages) {
        Ok(chosen) => chosen,
        Err(refusal) => return refused(refusal, opened, evidence),
    };
    evidence.retrieved = chosen.iter().map(Retrieved::from).collect();
    let passages: Vec<Passage> = chosen.into_iter().map(|chosen| chosen.passage).collect();
    let protocol = opened.protocol.clone();
    if passages.iter().all(Passage::is_order_only) {
        evidence.why_passages = Some(WhyPassages::OrdersOnly);
        return (Shown::passages_only(WhyPassages::OrdersOnly, &passages, protocol), evidence);
    }
    let shown = match &app.guide {
        Guide::Extractive => {
            Shown::quoted(extract(question, &passages), WhyPassages::NothingSupported, &passages, protocol)
        }
        Guide::Generated { llm, .. } => match generated(&**llm, opened, &scrubbed, &passages, &mut evidence).await {
            Ok(statements) => Shown::quoted(statements, WhyPassages::NothingSupported, &passages, protocol),
            Err(why) => Shown::passages_only(why, &passages, protocol),
        },
    };
    (shown, evidence)
}

fn refused(refusal: Refusal, opened: &Opened, mut evidence: Evidence) -> (Shown, Evidence) {
    evidence.refusal = Some(refusal);
    (Shown::refused(refusal, opened.protocol.clone()), evidence)
}

/// The passages found for a question without identifiers. Meaning fails over to words, a missing index to none.
async fn search(app: &App, org: OrgId, opened: &Opened, scrubbed: &str, evidence: &mut Evidence) -> Vec<Found> {
    let protocol = key(&opened.protocol);
    let vector = match &app.guide {
        Guide::Extractive => None,
        Guide::Generated { embeddings, .. } => question_vector(&**embeddings, opened, scrubbed).await,
    };
    evidence.search = if vector.is_some() { Search::Hybrid } else { Search::Words };
    if !is_indexed(app, org, &protocol, opened.passages.len()).await {
        evidence.search = Search::WithoutIndex;
        return found_without_index(scrubbed, &opened.passages);
    }
    let question = Question { text: scrubbed.to_owned(), vector, protocol: Some(protocol), most: SEARCH_MOST };
    match app.vectors.nearest(org, &question).await {
        // Stems miss words that are only kin, such as panicking and panic; the passages themselves are few.
        Ok(hits) if hits.is_empty() => found_without_index(scrubbed, &opened.passages),
        Ok(hits) => hits.into_iter().map(found).collect(),
        Err(outage) => {
            tracing::warn!(%outage, "searching without the passage index");
            evidence.search = Search::WithoutIndex;
            found_without_index(scrubbed, &opened.passages)
        }
    }
}

fn found(hit: Hit) -> Found {
    Found { anchor: hit.anchor, lexical: hit.lexical, cosine: hit.cosine }
}

async fn question_vector(embeddings: &dyn Embeddings, opened: &Opened, scrubbed: &str) -> Option<Vec<f32>> {
    let question = [scrubbed.to_owned()];
    let embedded = match &opened.key {
        Ok(key) => embeddings.embed(&question, key).await,
        Err(outage) => Err(outage.clone()),
    };
    match embedded {
        Ok(vectors) => vectors.into_iter().next(),
        Err(outage) => {
            tracing::warn!(%outage, "searching by words alone");
            None
        }
    }
}

/// Whether the index holds a version's passages; one that does not is built first. Versions that only signed
/// assessments name are not indexed any more.
async fn is_indexed(app: &App, org: OrgId, protocol: &str, passages: usize) -> bool {
    let holds = async || app.vectors.holds(org, protocol).await.is_ok_and(|held| held >= passages);
    if holds().await {
        return true;
    }
    if let Err(error) = reindex(app, org).await {
        tracing::warn!(%error, "the passage index could not be built");
    }
    holds().await
}

/// What of a model's answer may be shown; the reason when there is nothing to verify.
async fn generated(
    llm: &dyn Llm,
    opened: &Opened,
    scrubbed: &str,
    passages: &[Passage],
    evidence: &mut Evidence,
) -> Result<Vec<Statement>, WhyPassages> {
    let why = |evidence: &mut Evidence, why: WhyPassages| {
        evidence.why_passages = Some(why);
        why
    };
    let Ok(material) = prompt::material(scrubbed, passages) else {
        return Err(why(evidence, WhyPassages::ModelGarbled));
    };
    evidence.note_prompt(prompt::sha256(), &material);
    let prompt = Prompt {
        instructions: prompt::INSTRUCTIONS.to_owned(),
        material,
        schema: prompt::schema(),
        max_tokens: prompt::REPLY_TOKENS,
    };
    let completed = match &opened.key {
        Ok(key) => llm.complete(&prompt, key).await,
        Err(outage) => Err(outage.clone()),
    };
    let completion = match completed {
        Ok(completion) => completion,
        Err(outage) => {
            tracing::warn!(%outage, "passages are shown without the model");
            let reason = match outage.kind {
                OutageKind::Garbled => WhyPassages::ModelGarbled,
                OutageKind::Unreachable
                | OutageKind::TimedOut
                | OutageKind::Broken
                | OutageKind::Throttled
                | OutageKind::Refused(_) => WhyPassages::ModelAway,
            };
            evidence.outage = Some(outage.to_string());
            return Err(why(evidence, reason));
        }
    };
    evidence.note_reply(&completion.text, &completion.model);
    let Some(draft) = Draft::read(&completion.text) else {
        return Err(why(evidence, WhyPassages::ModelGarbled));
    };
    if draft.abstain {
        return Err(why(evidence, WhyPassages::ModelAbstained));
    }
    let verified = verify(&draft, passages);
    evidence.rejected = verified.rejected;
    if verified.statements.is_empty() {
        return Err(why(evidence, WhyPassages::NothingSupported));
    }
    Ok(verified.statements)
}

/// The name of a protocol version in the index. Versions are indexed apart: a running call keeps its own.
fn key(protocol: &ProtocolRef) -> String {
    format!("{}@{}", protocol.id, protocol.version)
}

fn indexed_text(heading: &str, text: &str) -> String {
    format!("{heading}\n{text}")
}
