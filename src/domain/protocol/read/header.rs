//! The header: who the protocol is, for whom, since when, and what it rests on.

use super::{
    desk::{Block, Desk},
    names::Names,
};
use crate::domain::protocol::{
    model::{Fact, FactSource, Header, SignOff, Status, Version},
    plan::{Reference, Reuse},
};
use chrono::NaiveDate;

/// The schema this reader knows.
pub const SCHEMA: &str = "careline.protocol/1";

/// Reads the header of a protocol.
pub fn read(desk: &mut Desk, block: &Block) -> Option<Header> {
    if let Some(schema) = block.text(desk, "schema")
        && schema != SCHEMA
    {
        desk.fault(block.line, "unknown-schema", format!("the schema is `{schema}`; this version reads {SCHEMA}"));
    }
    let id = block.id(desk);
    let version = version(desk, block);
    let status = status(desk, block);
    let title = block.required(desk, "title").and_then(|node| desk.key(node, "`title`"));
    check_population(desk, block);
    let jurisdictions = block.required(desk, "jurisdictions").map(|node| desk.texts(node, "`jurisdictions`"));
    let effective = effective(desk, block);
    let review_due = block.text(desk, "review_due").and_then(|text| day(desk, block.line, "`review_due`", &text));
    let sign_off = sign_off(desk, block);
    let (effective_from, effective_until) = effective?;
    Some(Header {
        id: id?,
        version: version?,
        status: status?,
        title: title?,
        effective_from,
        effective_until,
        review_due: review_due?,
        jurisdictions: jurisdictions?,
        sign_off: sign_off?,
    })
}

fn version(desk: &mut Desk, block: &Block) -> Option<Version> {
    let text = block.text(desk, "version")?;
    let version = Version::parse(&text);
    if version.is_none() {
        desk.fault(block.line, "bad-version", format!("the version is `{text}`; write three numbers, such as 1.2.0"));
    }
    version
}

fn status(desk: &mut Desk, block: &Block) -> Option<Status> {
    let node = block.required(desk, "status")?;
    desk.word(node, "`status`", &Status::ALL.map(|status| (status.word(), status)))
}

fn check_population(desk: &mut Desk, block: &Block) {
    let Some(node) = block.required(desk, "population") else { return };
    let Some(population) = desk.block(node, "`population`", &["age_years", "settings", "programmes"]) else { return };
    if let Some(age) = population.optional("age_years")
        && let Some(age) = desk.block(age, "`age_years`", &["gte", "lt"])
    {
        for entry in age.entries() {
            desk.number(&entry.node, "`age_years`");
        }
    }
    for key in ["settings", "programmes"] {
        if let Some(node) = population.optional(key) {
            desk.texts(node, &population.named(key));
        }
    }
}

fn effective(desk: &mut Desk, block: &Block) -> Option<(NaiveDate, Option<NaiveDate>)> {
    let node = block.required(desk, "effective")?;
    let effective = desk.block(node, "`effective`", &["from", "until"])?;
    let from = effective.text(desk, "from").and_then(|text| day(desk, node.line, "`from`", &text))?;
    let until = match effective.optional("until") {
        Some(until) => desk.text(until, "`until`").and_then(|text| day(desk, until.line, "`until`", &text)),
        None => None,
    };
    if until.is_some_and(|until| until <= from) {
        desk.fault(node.line, "ends-before-it-begins", "`until` must be a later day than `from`");
    }
    Some((from, until))
}

fn sign_off(desk: &mut Desk, block: &Block) -> Option<SignOff> {
    let node = block.required(desk, "sign_off")?;
    let sign_off = desk.block(node, "`sign_off`", &["required_roles", "min_distinct_people"])?;
    let roles = sign_off.required(desk, "required_roles").map(|node| desk.texts(node, "`required_roles`"));
    let people = sign_off.required(desk, "min_distinct_people")?;
    let people = desk.number(people, "`min_distinct_people`")?;
    Some(SignOff { required_roles: roles?, min_distinct_people: u32::try_from(people.truncated()).unwrap_or(0) })
}

/// A day written 2026-11-21.
fn day(desk: &mut Desk, line: u32, what: &str, text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    if day.is_none() {
        desk.fault(line, "bad-date", format!("{what} is `{text}`; write a day such as 2027-01-15"));
    }
    day
}

/// Reads the facts of the chart.
pub fn read_facts(desk: &mut Desk, block: &Block, names: &mut Names) -> Vec<Fact> {
    let mut facts = Vec::new();
    let Some(node) = block.optional("inputs_from_record") else { return facts };
    for item in desk.items(node, "`inputs_from_record`") {
        let Some(block) = desk.block(item, "fact", &["id", "type", "source"]) else { continue };
        let id = block.id(desk);
        let kind = block.required(desk, "type").and_then(|node| desk.word(node, "`type`", &[("boolean", ())]));
        let source = block.required(desk, "source").and_then(|node| {
            desk.word(node, &block.named("source"), &FactSource::ALL.map(|source| (source.word(), source)))
        });
        let (Some(id), Some(()), Some(source)) = (id, kind, source) else { continue };
        desk.wants(item.line, format!("fact.{id}"));
        if names.facts.insert(id.clone()) {
            facts.push(Fact { id, source });
        } else {
            desk.fault(item.line, "duplicate-id", format!("there are two facts called `{id}`; rename one"));
        }
    }
    facts
}

const REFERENCE_KEYS: [&str; 8] = ["id", "cite", "year", "url", "licence", "reuse", "retrieved", "sha256"];

/// Reads the references; past the draft each needs its year, place, licence, day and hash.
pub fn read_references(desk: &mut Desk, block: &Block, names: &mut Names, status: Option<Status>) -> Vec<Reference> {
    let mut references = Vec::new();
    let Some(node) = block.required(desk, "references") else { return references };
    for item in desk.items(node, "`references`") {
        let Some(block) = desk.block(item, "reference", &REFERENCE_KEYS) else { continue };
        let Some(reference) = reference(desk, &block) else { continue };
        if status.is_some_and(|status| status != Status::Draft) && reference.reuse != Reuse::Local {
            for key in ["year", "url", "licence", "retrieved", "sha256"] {
                if block.optional(key).is_none() {
                    let message = format!("{} lacks `{key}`, which only a draft may", block.what);
                    desk.fault(item.line, "incomplete-reference", message);
                }
            }
        }
        if names.references.insert(reference.id.clone()) {
            references.push(reference);
        } else {
            desk.fault(item.line, "duplicate-id", format!("there are two references called `{}`", reference.id));
        }
    }
    references
}

fn reference(desk: &mut Desk, block: &Block) -> Option<Reference> {
    let id = block.id(desk);
    let cite = block.text(desk, "cite");
    let year = block.optional("year").and_then(|node| desk.number(node, &block.named("year")));
    let url = block.optional("url").and_then(|node| desk.text(node, &block.named("url")));
    let licence = block.optional("licence").and_then(|node| desk.text(node, &block.named("licence")));
    for key in ["retrieved", "sha256"] {
        if let Some(node) = block.optional(key) {
            desk.text(node, &block.named(key));
        }
    }
    let known =
        [("ship", Reuse::Ship), ("quote", Reuse::Quote), ("cite_only", Reuse::CiteOnly), ("local", Reuse::Local)];
    let reuse = block.required(desk, "reuse").and_then(|node| desk.word(node, &block.named("reuse"), &known));
    let year = year.and_then(|year| i32::try_from(year.truncated()).ok());
    Some(Reference { id: id?, cite: cite?, year, url, licence, reuse: reuse? })
}

/// Reads a `basis`: at least one reference, each of which exists.
pub fn basis(desk: &mut Desk, block: &Block, names: &Names) -> Vec<String> {
    let Some(node) = block.optional("basis") else {
        let message = format!("{} has no `basis`; name the reference it rests on", block.what);
        desk.fault(block.line, "rule-without-basis", message);
        return Vec::new();
    };
    let basis = desk.texts(node, &block.named("basis"));
    if basis.is_empty() {
        let message = format!("the `basis` of {} is empty; name the reference it rests on", block.what);
        desk.fault(node.line, "rule-without-basis", message);
    }
    for name in basis.iter().filter(|name| !names.references.contains(*name)) {
        let message = format!("{} rests on `{name}`, which is not among the references", block.what);
        desk.fault(node.line, "unknown-reference", message);
    }
    basis
}
