//! When a call is over, what was said on it becomes a draft: items with the words they came from, for a nurse to decide about.
//! It waits until every stream has ended, it may run twice, and nothing waits for it.

use crate::{
    app::{App, Guide},
    domain::{
        audit::{Deed, DeedKind},
        credential::CredentialKind,
        guidance::prompt::sha256_of,
        ids::{CallId, DraftId, PatientId},
        job::Job,
        people::{Actor, Language},
        private::Private,
        summary::{
            FoundBy, Heard, ITEMS_MOST, Item,
            evidence::DraftEvidence,
            extract::{Words, extract},
            medicines, model, seal, seal_of_all,
            verify::verify,
        },
    },
    error::Error,
    live::LiveEvent,
    ports::{
        Outage,
        llm::{Completion, ModelKey, Prompt},
    },
    store::{audit, calls, credentials, guidance, jobs, summaries},
};
use chrono::{DateTime, Duration, Utc};

/// How long after a call's end words may still be on their way; audio that ends later than that is not waited for.
const WAIT_SECONDS: i64 = 120;
/// Between two looks.
const LOOK_AGAIN_SECONDS: i64 = 2;

/// What one transaction brings.
struct Opened {
    patient: PatientId,
    heard: Vec<Heard>,
    language: Language,
    medicines: Vec<String>,
    names: Vec<String>,
    key: Result<ModelKey, Outage>,
}

/// Drafts the summary of a call that is over, once.
///
/// # Errors
/// When the database is away; the job then runs again.
pub async fn draft(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let Some(opened) = open(app, actor, call).await? else { return Ok(()) };
    let said = Words { heard: &opened.heard, language: opened.language, medicines: &opened.medicines };
    let by_rules = verify(extract(&said), &said);
    let mut evidence = DraftEvidence { withheld: by_rules.withheld, ..DraftEvidence::default() };
    let reply = ask_model(app, &opened, &mut evidence).await;
    let chosen = reply.as_ref().and_then(|reply| model::read(reply, &said));
    if reply.is_some() && chosen.is_none() {
        evidence.outage = Some("unreadable".to_owned());
    }
    let chosen = verify(chosen.unwrap_or_default(), &said);
    evidence.withheld.extend(chosen.withheld);
    let mut items = by_rules.items;
    let added = model::added(&items, chosen.items);
    items.extend(added);
    items.truncate(ITEMS_MOST);
    let by_model = items.iter().any(|item: &Item| item.by == FoundBy::Model);
    let now = app.clock.now();
    let salt: [u8; 16] = rand::random();
    let heard: Vec<_> = opened.heard.iter().map(|heard| (heard.id, seal(&salt, heard))).collect();
    let sha256 = seal_of_all(heard.iter().map(|(_, seal)| seal));
    let new = summaries::NewDraft {
        id: DraftId::at(now),
        call,
        items: &items,
        way: if by_model { FoundBy::Model } else { FoundBy::Rules },
        salt: &salt,
        sha256: &sha256,
        heard: &heard,
        medicines: &opened.medicines,
        evidence: &evidence,
        reply: reply.as_deref(),
    };
    let mut tx = app.db.begin(actor).await?;
    let why = Deed::of(DeedKind::DraftedSummary)
        .subject(new.id.0)
        .with("call", call)
        .with("utterances", heard.len())
        .with("items", new.items.len())
        .with("withheld", evidence.withheld.len())
        .with("way", new.way.word())
        .with("sha256", hex::encode(sha256));
    let receipt = audit::open_chart_for(&mut tx, actor, opened.patient, why, now).await?;
    if !summaries::keep(&mut tx, &receipt, &new, now).await? {
        // Somebody was quicker; what was to be recorded did not happen.
        return Ok(());
    }
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::CallMoved);
    Ok(())
}

/// The words of a call; `None` when there is nothing to draft, or not yet.
async fn open(app: &App, actor: &Actor, call: CallId) -> Result<Option<Opened>, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let ended = calls::ended_at(&mut tx, call).await?;
    let standing = summaries::standing(&mut tx, call).await?;
    let Some(ended) = ended.filter(|_| !standing.drafted) else { return Ok(None) };
    if standing.heard && now - ended < Duration::seconds(WAIT_SECONDS) {
        look_again(&mut tx, call, now).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let patient = calls::patient_of(&mut tx, call).await?;
    let why = Deed::of(DeedKind::OpenedCall).subject(call.0);
    let receipt = audit::open_chart_for(&mut tx, actor, patient, why, now).await?;
    let heard = summaries::words(&mut tx, &receipt, call).await?;
    if heard.is_empty() {
        return Ok(None);
    }
    let (language, remarks) = summaries::listens_for(&mut tx, &receipt).await?;
    let names = guidance::names(&mut tx, &receipt).await?.into_iter().map(Private::into_revealed).collect();
    let sealed = credentials::sealed(&mut tx, CredentialKind::ModelApi).await?;
    tx.commit().await?;
    let key = app.vault.model_key(actor.org, sealed).await;
    let medicines = medicines::of_chart(remarks.reveal());
    Ok(Some(Opened { patient, heard, language, medicines, names, key }))
}

/// What a model replies to the conversation without identifiers; `None` without a model, or when it is in trouble: the rules
/// have found their items already. A conversation is more than a question without names: it goes to a model only under the
/// organization's own account there, never under the one of whoever runs Careline.
async fn ask_model(app: &App, opened: &Opened, evidence: &mut DraftEvidence) -> Option<String> {
    let (Guide::Generated { llm, .. }, Ok(key @ ModelKey::Own(_))) = (&app.guide, &opened.key) else { return None };
    let material = model::material(&opened.heard, &opened.names).ok()?;
    evidence.prompt_sha256 = Some(model::sha256());
    evidence.material_sha256 = Some(sha256_of(&material));
    let prompt = Prompt {
        instructions: model::INSTRUCTIONS.to_owned(),
        material,
        schema: model::schema(),
        max_tokens: model::REPLY_TOKENS,
    };
    match llm.complete(&prompt, key).await {
        Ok(Completion { text, model }) => {
            evidence.model = Some(model.chars().take(80).collect());
            Some(text)
        }
        Err(outage) => {
            tracing::warn!(%outage, "a summary is drafted without the model");
            evidence.outage = Some(outage.to_string());
            None
        }
    }
}

async fn look_again(tx: &mut crate::store::OrgTx, call: CallId, now: DateTime<Utc>) -> Result<(), Error> {
    let salt = now.timestamp_millis().to_string();
    jobs::enqueue(tx, &Job::DraftSummary { said: call }, &salt, now + Duration::seconds(LOOK_AGAIN_SECONDS), now).await
}
