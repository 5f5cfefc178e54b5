//! `scenarios.yaml`: the tests that travel with a protocol.

use super::{
    desk::{Block, Desk, named_entries},
    yaml::{Node, Value},
};
use crate::domain::protocol::{
    answer::Answer,
    evaluate::Inputs,
    model::Protocol,
    package::{Expected, Scenario},
};

const KEYS: [&str; 7] = ["id", "set", "unset", "facts", "drop_facts", "confirmed", "expect"];

/// A protocol with fewer tests is refused.
const FEWEST: usize = 12;

/// Reads the scenarios. Every question of the universal screen starts as an explicit "no": a scenario that leaves one
/// unasked says so with `unset`.
pub fn read(desk: &mut Desk, protocol: &Protocol, node: &Node) -> Vec<Scenario> {
    let Some(file) = desk.block(node, "the scenarios", &["protocol", "base", "facts", "scenarios"]) else {
        return Vec::new();
    };
    if let Some(id) = file.text(desk, "protocol")
        && id != protocol.header.id
    {
        desk.fault(
            file.line,
            "wrong-protocol",
            format!("these scenarios are for `{id}`, not `{}`", protocol.header.id),
        );
    }
    let mut base = Inputs::default();
    for question in protocol.questions.iter().filter(|question| question.universal) {
        base.answers.insert(question.id.clone(), Answer::YesNo(false));
    }
    set_answers(desk, protocol, &file, "base", &mut base);
    set_facts(desk, protocol, &file, &mut base);
    let Some(list) = file.required(desk, "scenarios") else { return Vec::new() };
    let items = desk.items(list, "`scenarios`");
    let scenarios: Vec<Scenario> = items.iter().filter_map(|item| scenario(desk, protocol, &base, item)).collect();
    if scenarios.len() < FEWEST {
        let message = format!("{} scenarios; a protocol needs at least {FEWEST}", scenarios.len());
        desk.fault(list.line, "too-few-scenarios", message);
    }
    for (index, scenario) in scenarios.iter().enumerate() {
        if scenarios.iter().take(index).any(|before| before.id == scenario.id) {
            desk.fault(list.line, "duplicate-id", format!("there are two scenarios called `{}`", scenario.id));
        }
    }
    scenarios
}

fn scenario(desk: &mut Desk, protocol: &Protocol, base: &Inputs, item: &Node) -> Option<Scenario> {
    let block = desk.block(item, "scenario", &KEYS)?;
    let id = block.id(desk);
    let mut inputs = base.clone();
    set_answers(desk, protocol, &block, "set", &mut inputs);
    for name in names(desk, &block, "unset") {
        if inputs.answers.remove(&name).is_none() {
            desk.fault(item.line, "unknown-name", format!("{} unsets `{name}`, which has no answer", block.what));
        }
    }
    set_facts(desk, protocol, &block, &mut inputs);
    for name in names(desk, &block, "drop_facts") {
        if inputs.facts.remove(&name).is_none() {
            desk.fault(item.line, "unknown-name", format!("{} drops the fact `{name}`, which is not set", block.what));
        }
    }
    let needs: &[String] = protocol.overlay.as_ref().map_or(&[], |overlay| &overlay.needs);
    for name in names(desk, &block, "confirmed") {
        if needs.contains(&name) {
            inputs.confirmed.insert(name);
        } else {
            desk.fault(item.line, "unknown-name", format!("{} confirms `{name}`, which nothing needs", block.what));
        }
    }
    let expect = block.required(desk, "expect").and_then(|node| expected(desk, protocol, node, &block.what));
    Some(Scenario { id: id?, inputs, expect: expect? })
}

fn expected(desk: &mut Desk, protocol: &Protocol, node: &Node, what: &str) -> Option<Expected> {
    let keys = ["disposition", "fired", "not_fired", "shown_red_flags"];
    let block = desk.block(node, &format!("`expect` of {what}"), &keys)?;
    let mut expected = Expected {
        disposition: block.optional("disposition").and_then(|node| desk.disposition(node, "`disposition`")),
        fired: names(desk, &block, "fired"),
        not_fired: names(desk, &block, "not_fired"),
        shown_red_flags: names(desk, &block, "shown_red_flags"),
    };
    let named = expected.fired.iter().chain(&expected.not_fired).chain(&expected.shown_red_flags);
    for rule in named.filter(|rule| protocol.rule(rule).is_none()) {
        desk.fault(node.line, "unknown-name", format!("{what} names `{rule}`, which is no rule or red flag"));
    }
    if expected == Expected::default() {
        desk.fault(node.line, "expects-nothing", format!("{what} expects nothing and so tests nothing"));
    }
    expected.fired.dedup();
    Some(expected)
}

fn names(desk: &mut Desk, block: &Block, key: &str) -> Vec<String> {
    block.optional(key).map(|node| desk.texts(node, &block.named(key))).unwrap_or_default()
}

fn set_answers(desk: &mut Desk, protocol: &Protocol, block: &Block, key: &str, inputs: &mut Inputs) {
    let Some(node) = block.optional(key) else { return };
    for entry in named_entries(desk, node, &block.named(key)) {
        let text = match &entry.node.value {
            Value::YesNo(true) => "yes".to_owned(),
            Value::YesNo(false) => "no".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::List(_) => desk.texts(&entry.node, &entry.key).join(","),
            Value::Nothing | Value::Map(_) => String::new(),
        };
        match protocol.read_answer(&entry.key, &text) {
            Ok(answer) => {
                inputs.answers.insert(entry.key.clone(), answer);
            }
            Err(fault) => desk.fault(entry.line, "bad-answer", format!("{}: {fault}", block.what)),
        }
    }
}

fn set_facts(desk: &mut Desk, protocol: &Protocol, block: &Block, inputs: &mut Inputs) {
    let Some(node) = block.optional("facts") else { return };
    for entry in named_entries(desk, node, &block.named("facts")) {
        if !protocol.facts.iter().any(|fact| fact.id == entry.key) {
            let message = format!("{} sets the fact `{}`, which the protocol does not read", block.what, entry.key);
            desk.fault(entry.line, "unknown-name", message);
        } else if let Some(value) = desk.yes_no(&entry.node, &format!("fact `{}`", entry.key)) {
            inputs.facts.insert(entry.key.clone(), value);
        }
    }
}
