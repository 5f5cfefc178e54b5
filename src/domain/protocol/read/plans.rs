//! Care advice, escalation and follow-up clocks.

use super::{
    desk::{Block, Desk, named_entries},
    dose::dose_in,
    expressions::{self, Place},
    header::basis,
    names::Names,
    yaml::Node,
};
use crate::domain::{
    disposition::Disposition,
    protocol::plan::{CareAdvice, FollowUpClock, Medication, Step},
};
use chrono::Duration;
use std::collections::{BTreeMap, BTreeSet};

const MEDICATION: [(&str, Medication); 3] = [
    ("none", Medication::None),
    ("verbatim_passage", Medication::VerbatimPassage),
    ("patient_specific_order_only", Medication::PatientSpecificOrderOnly),
];

/// Reads the care advice.
pub fn read_care_advice(desk: &mut Desk, block: &Block, names: &Names) -> Vec<(u32, CareAdvice)> {
    let Some(node) = block.required(desk, "care_advice") else { return Vec::new() };
    let items = desk.items(node, "`care_advice`");
    let mut advice: Vec<(u32, CareAdvice)> = Vec::new();
    for item in items {
        let Some(read) = care_advice(desk, item, names) else { continue };
        if advice.iter().any(|(_, before)| before.id == read.id) {
            desk.fault(item.line, "duplicate-id", format!("there are two care advices called `{}`", read.id));
        }
        advice.push((item.line, read));
    }
    advice
}

fn care_advice(desk: &mut Desk, item: &Node, names: &Names) -> Option<CareAdvice> {
    let keys = ["id", "for", "text", "basis", "medication", "avoid_when"];
    let block = desk.block(item, "care advice", &keys)?;
    let id = block.id(desk);
    let levels: BTreeSet<Disposition> = match block.required(desk, "for") {
        Some(node) => desk
            .items(node, &block.named("for"))
            .iter()
            .filter_map(|level| desk.disposition(level, &block.named("for")))
            .collect(),
        None => BTreeSet::new(),
    };
    let text = block.required(desk, "text").and_then(|node| desk.key(node, &block.named("text")));
    let basis = basis(desk, &block, names);
    let medication =
        block.required(desk, "medication").and_then(|node| desk.word(node, &block.named("medication"), &MEDICATION));
    let avoid_when = expressions::optional(desk, names, &block, "avoid_when", Place::Avoid);
    Some(CareAdvice { id: id?, levels, text: text?, basis, medication: medication?, avoid_when })
}

/// Advice that claims to speak of no medicine must not look like a dose in any language.
pub fn check_doses(desk: &mut Desk, advice: &[(u32, CareAdvice)], texts: &BTreeMap<&str, BTreeMap<String, String>>) {
    for (line, advice) in advice.iter().filter(|(_, advice)| advice.medication == Medication::None) {
        for (language, texts) in texts {
            if let Some(dose) = texts.get(&advice.text).and_then(|text| dose_in(text)) {
                let message = format!(
                    "care advice `{}` says it speaks of no medicine, but its {language} text has `{dose}`; \
                     take it out or mark it patient_specific_order_only",
                    advice.id
                );
                desk.fault(*line, "dose-in-care-advice", message);
            }
        }
    }
}

/// Reads the escalation steps of every level.
pub fn read_escalation(desk: &mut Desk, block: &Block) -> BTreeMap<Disposition, Vec<Step>> {
    let mut escalation = BTreeMap::new();
    let Some(node) = block.required(desk, "escalation") else { return escalation };
    for entry in named_entries(desk, node, "`escalation`") {
        let Some(level) = level(desk, &entry.key, entry.line, "`escalation`") else { continue };
        let items = desk.items(&entry.node, &format!("`escalation` of {}", entry.key));
        let steps: Vec<Step> = items.iter().filter_map(|item| step(desk, item)).collect();
        if !steps.last().is_some_and(ends_with_a_person) {
            let message = format!(
                "the escalation of {} must end with a step whose `else` is a person on call or emergency_now",
                entry.key
            );
            desk.fault(entry.line, "escalation-without-end", message);
        }
        escalation.insert(level, steps);
    }
    escalation
}

fn level(desk: &mut Desk, code: &str, line: u32, what: &str) -> Option<Disposition> {
    let level = Disposition::from_code(code);
    if level.is_none() {
        desk.fault(line, "unknown-disposition", format!("{what} names the level `{code}`, which does not exist"));
    }
    level
}

/// The people a protocol may call upon, and those of them who are on call by day and night.
const PEOPLE: [(&str, &str); 5] = [
    ("on_call_clinician", "on_call_clinician"),
    ("on_call_hospice_nurse", "on_call_hospice_nurse"),
    ("medical_director", "medical_director"),
    ("care_coordinator", "care_coordinator"),
    ("assigned_nurse", "assigned_nurse"),
];
const ON_CALL: [&str; 4] = ["on_call_clinician", "on_call_hospice_nurse", "medical_director", "emergency_now"];

fn ends_with_a_person(step: &Step) -> bool {
    match step {
        Step::StayOnLine | Step::CallerDials { .. } => false,
        Step::Notify { otherwise, .. } | Step::WarmTransfer { otherwise, .. } | Step::Task { otherwise, .. } => {
            ON_CALL.contains(&otherwise.as_str())
        }
    }
}

fn step(desk: &mut Desk, item: &Node) -> Option<Step> {
    let keys = ["do", "target", "notify", "warm_transfer", "task", "ack_within", "due", "else"];
    let block = desk.block(item, "escalation step", &keys)?;
    if let Some(node) = block.optional("do") {
        let word = desk.word(node, "`do`", &[("stay_on_line", "stay"), ("caller_dials", "dials")])?;
        if word == "stay" {
            return Some(Step::StayOnLine);
        }
        return Some(Step::CallerDials { target: block.text(desk, "target")? });
    }
    let person = |desk: &mut Desk, node: &Node| desk.word(node, &block.what, &PEOPLE).map(str::to_owned);
    let time = |desk: &mut Desk, key| {
        let node = block.required(desk, key)?;
        duration(desk, node, &block.named(key)).map(|time| time.num_minutes())
    };
    let otherwise = |desk: &mut Desk| {
        let known: Vec<(&str, &str)> = PEOPLE.into_iter().chain([("emergency_now", "emergency_now")]).collect();
        let node = block.required(desk, "else")?;
        desk.word(node, "`else`", &known).map(str::to_owned)
    };
    if let Some(node) = block.optional("notify") {
        let (who, ack, otherwise) = (person(desk, node), time(desk, "ack_within"), otherwise(desk));
        return Some(Step::Notify { who: who?, ack_within_minutes: ack?, otherwise: otherwise? });
    }
    if let Some(node) = block.optional("warm_transfer") {
        let (who, ack, otherwise) = (person(desk, node), time(desk, "ack_within"), otherwise(desk));
        return Some(Step::WarmTransfer { who: who?, ack_within_minutes: ack?, otherwise: otherwise? });
    }
    if let Some(node) = block.optional("task") {
        let (who, due, otherwise) = (person(desk, node), time(desk, "due"), otherwise(desk));
        return Some(Step::Task { who: who?, due_minutes: due?, otherwise: otherwise? });
    }
    desk.fault(item.line, "unknown-step", "a step is one of do, notify, warm_transfer or task");
    None
}

/// Reads when somebody looks again after every level.
pub fn read_follow_up(desk: &mut Desk, block: &Block) -> BTreeMap<Disposition, FollowUpClock> {
    let mut clocks = BTreeMap::new();
    let Some(node) = block.required(desk, "follow_up") else { return clocks };
    for entry in named_entries(desk, node, "`follow_up`") {
        let Some(level) = level(desk, &entry.key, entry.line, "`follow_up`") else { continue };
        let what = format!("`follow_up` of {}", entry.key);
        let Some(block) = desk.block(&entry.node, &what, &["within", "safety_net"]) else { continue };
        let within = block.required(desk, "within").and_then(|node| duration(desk, node, &block.named("within")));
        let safety_net = block.optional("safety_net").and_then(|node| desk.key(node, &block.named("safety_net")));
        if level == Disposition::SelfCare && safety_net.is_none() {
            let message = "self_care is advice with a safety net; add `safety_net: {t: ...}`";
            desk.fault(entry.line, "self-care-without-safety-net", message);
        }
        if let Some(within) = within {
            clocks.insert(level, FollowUpClock { within, safety_net });
        }
    }
    clocks
}

/// An ISO 8601 duration of days, hours and minutes, such as `PT4H` or `P3D`.
fn duration(desk: &mut Desk, node: &Node, what: &str) -> Option<Duration> {
    let text = desk.text(node, what)?;
    let duration = read_duration(&text);
    if duration.is_none() {
        desk.fault(node.line, "bad-duration", format!("{what} is `{text}`; write such as PT15M, PT4H or P3D"));
    }
    duration
}

fn read_duration(text: &str) -> Option<Duration> {
    let (days, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((days, time)) => (days, time),
        None => (text.strip_prefix('P')?, ""),
    };
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number <= 10_000).map(i64::from);
    let days = if days.is_empty() { 0 } else { number(days.strip_suffix('D')?)? };
    let (hours, rest) = match time.split_once('H') {
        Some((hours, rest)) => (number(hours)?, rest),
        None => (0, time),
    };
    let minutes = if rest.is_empty() { 0 } else { number(rest.strip_suffix('M')?)? };
    let total = Duration::days(days) + Duration::hours(hours) + Duration::minutes(minutes);
    (total > Duration::zero()).then_some(total)
}
