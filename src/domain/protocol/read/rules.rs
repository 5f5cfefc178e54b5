//! Rules, red flags, computed values and the goals-of-care overlay.

use super::{
    desk::{Block, Desk, list},
    expressions::{self, Place},
    header::basis,
    names::Names,
    questions::Origin,
    yaml::{Node, Value},
};
use crate::domain::{
    disposition::Disposition,
    protocol::{
        expression::{Computation, Expression, Source},
        model::{OverlayRight, Rule, RuleKind},
        plan::Overlay,
    },
};
use std::collections::{BTreeMap, BTreeSet};

const KEYS: [&str; 6] = ["id", "when", "disposition", "basis", "also_run", "overlay"];

/// A protocol with fewer red flags of its own is refused.
const FEWEST_RED_FLAGS: usize = 3;

/// Gathers the ids of rules and computed values before any expression is read.
pub fn gather(desk: &mut Desk, block: &Block, names: &mut Names) {
    for (key, what) in [("computed", "computed value"), ("red_flags", "red flag"), ("rules", "rule")] {
        let Some(Node { value: Value::List(items), .. }) = block.optional(key) else { continue };
        for item in items {
            let Value::Map(entries) = &item.value else { continue };
            let Some(id) = entries.iter().find(|entry| entry.key == "id") else { continue };
            let Value::Text(id) = &id.node.value else { continue };
            let known = if key == "computed" { &mut names.computed } else { &mut names.rules };
            if !known.insert(id.clone()) {
                desk.fault(item.line, "duplicate-id", format!("there are two called {what} `{id}`; rename one"));
            }
        }
    }
}

/// Reads the computed values.
pub fn read_computed(desk: &mut Desk, block: &Block, names: &Names) -> BTreeMap<String, Computation> {
    let mut computed = BTreeMap::new();
    let Some(node) = block.optional("computed") else { return computed };
    for item in desk.items(node, "`computed`") {
        let Some(block) = desk.block(item, "computed value", &["id", "expr"]) else { continue };
        let (Some(id), Some(node)) = (block.id(desk), block.required(desk, "expr")) else { continue };
        if let Some(computation) = expressions::read_computation(desk, names, node, &block.what) {
            computed.insert(id, computation);
        }
    }
    computed
}

/// Reads the red flags.
pub fn read_red_flags(desk: &mut Desk, block: &Block, names: &Names, origin: Origin) -> Vec<Rule> {
    let Some(node) = block.required(desk, "red_flags") else { return Vec::new() };
    let items = desk.items(node, "`red_flags`");
    if origin == Origin::Own && items.len() < FEWEST_RED_FLAGS {
        let message = format!("{} red flags of its own; a protocol needs at least {FEWEST_RED_FLAGS}", items.len());
        desk.fault(node.line, "too-few-red-flags", message);
    }
    items.iter().filter_map(|item| rule(desk, item, names, RuleKind::RedFlag, origin)).collect()
}

/// Reads the rules.
pub fn read_rules(desk: &mut Desk, block: &Block, names: &Names) -> Vec<Rule> {
    let Some(node) = block.required(desk, "rules") else { return Vec::new() };
    let items = desk.items(node, "`rules`");
    items.iter().filter_map(|item| rule(desk, item, names, RuleKind::Rule, Origin::Own)).collect()
}

fn rule(desk: &mut Desk, item: &Node, names: &Names, kind: RuleKind, origin: Origin) -> Option<Rule> {
    let (what, place) = match kind {
        RuleKind::RedFlag => ("red flag", Place::RedFlag),
        RuleKind::Rule => ("rule", Place::Rule),
    };
    let block = desk.block(item, what, &KEYS)?;
    let id = block.id(desk);
    if let Some(id) = &id {
        desk.wants(item.line, format!("rule.{id}"));
    }
    let when = block.required(desk, "when").and_then(|node| expressions::read(desk, names, node, &block.what, place));
    let disposition =
        block.required(desk, "disposition").and_then(|node| desk.disposition(node, &block.named("disposition")));
    if disposition == Some(Disposition::HospiceNow) {
        let message = format!("{} leads to hospice_now, which only the goals-of-care overlay may", block.what);
        desk.fault(item.line, "hospice-without-overlay", message);
    }
    let basis = basis(desk, &block, names);
    let also_run = block.optional("also_run").and_then(|node| desk.text(node, &block.named("also_run")));
    let overlay = match block.optional("overlay") {
        Some(node) => desk.word(
            node,
            &block.named("overlay"),
            &[("allowed", OverlayRight::Allowed), ("not_allowed", OverlayRight::NotAllowed)],
        ),
        None => Some(OverlayRight::Allowed),
    };
    let universal = origin == Origin::Universal;
    Some(Rule { id: id?, kind, universal, when: when?, disposition: disposition?, basis, also_run, overlay: overlay? })
}

/// Rules and computed values may name one another, but never in a circle.
pub fn check_circles(desk: &mut Desk, line: u32, rules: &[Rule], computed: &BTreeMap<String, Computation>) {
    let mut leads: BTreeMap<Source, Vec<Source>> = BTreeMap::new();
    for rule in rules {
        leads.insert(Source::Rule(rule.id.clone()), rule.when.sources().into_iter().cloned().collect());
    }
    for (id, computation) in computed {
        let sources = match computation {
            Computation::Sum(sources) | Computation::Max(sources) => sources.clone(),
            Computation::Minus(first, second) => vec![first.clone(), second.clone()],
            Computation::CountTrue(parts) => parts.iter().flat_map(Expression::sources).cloned().collect(),
        };
        leads.insert(Source::Computed(id.clone()), sources);
    }
    let mut settled = BTreeSet::new();
    for start in leads.keys() {
        if let Some(circle) = circle_from(start, &leads, &mut settled) {
            desk.fault(line, "circle", format!("{circle} depends on itself; a value must not need its own outcome"));
            return;
        }
    }
}

/// Walks from one name without recursion, so that a hostile file cannot exhaust the stack.
fn circle_from(
    start: &Source,
    leads: &BTreeMap<Source, Vec<Source>>,
    settled: &mut BTreeSet<Source>,
) -> Option<String> {
    let mut path: Vec<(Source, usize)> = vec![(start.clone(), 0)];
    while let Some((name, next)) = path.last_mut() {
        let step = leads.get(name).and_then(|steps| steps.get(*next)).cloned();
        *next += 1;
        match step {
            Some(step) if path.iter().any(|(on_path, _)| *on_path == step) => return Some(word(&step)),
            Some(step) if leads.contains_key(&step) && !settled.contains(&step) => path.push((step, 0)),
            Some(_) => {}
            None => {
                if let Some((done, _)) = path.pop() {
                    settled.insert(done);
                }
            }
        }
    }
    None
}

fn word(source: &Source) -> String {
    match source {
        Source::Question(id) => format!("question `{id}`"),
        Source::Fact(id) => format!("fact `{id}`"),
        Source::Computed(id) => format!("computed value `{id}`"),
        Source::Rule(id) => format!("rule `{id}`"),
    }
}

/// Reads what an unanswered red flag means at least.
pub fn read_floor(desk: &mut Desk, block: &Block) -> Option<Disposition> {
    let node = block.required(desk, "unknown_policy")?;
    let policy = desk.block(node, "`unknown_policy`", &["red_flag_unanswered", "required_unanswered"])?;
    if let Some(node) = policy.required(desk, "required_unanswered") {
        desk.word(node, "`required_unanswered`", &[("block_close", ())]);
    }
    let node = policy.required(desk, "red_flag_unanswered")?;
    let unanswered = desk.block(node, "`red_flag_unanswered`", &["floor", "reason"])?;
    if let Some(reason) = unanswered.required(desk, "reason") {
        desk.key(reason, "`reason` of `red_flag_unanswered`");
    }
    let floor = unanswered.required(desk, "floor")?;
    let level = desk.disposition(floor, "`floor`")?;
    if level < Disposition::Clinician1h {
        let message = format!("the floor is {}; an unanswered red flag is at least clinician_1h", level.code());
        desk.fault(floor.line, "floor-too-low", message);
    }
    Some(level)
}

/// Reads where help comes from under a comfort-only plan.
pub fn read_overlay(desk: &mut Desk, block: &Block, names: &Names) -> Option<Overlay> {
    let node = block.optional("goals_of_care_overlay")?;
    let block = desk.block(node, "`goals_of_care_overlay`", &["when", "remap", "needs"])?;
    let when = block.required(desk, "when").and_then(|node| {
        let when = expressions::read(desk, names, node, &block.what, Place::Rule)?;
        if !when.reads_only_facts() {
            desk.fault(node.line, "not-a-fact", "the overlay may depend on facts of the record only");
        }
        Some(when)
    });
    let needs = block.required(desk, "needs").map(|node| {
        let needs = desk.texts(node, &block.named("needs"));
        for need in &needs {
            desk.wants(node.line, format!("need.{need}"));
        }
        if needs.is_empty() {
            desk.fault(node.line, "empty-list", "the overlay needs at least one confirmation on the call");
        }
        needs
    });
    let remap = block.required(desk, "remap")?;
    let allowed = Disposition::EmergencyNow;
    let map = desk.block(remap, "`remap`", &[allowed.code()])?;
    let to = map.required(desk, allowed.code())?;
    let to_level = desk.disposition(to, "`remap`")?;
    if to_level != Disposition::HospiceNow {
        let known = list(&[Disposition::HospiceNow.code()]);
        let message =
            format!("the overlay may not lead to {}; it changes who helps, never when: {known}", to_level.code());
        desk.fault(to.line, "overlay-lowers-urgency", message);
    }
    Some(Overlay { when: when?, from: allowed, to: to_level, needs: needs? })
}
