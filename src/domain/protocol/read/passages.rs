//! `guidance.md`: headings and paragraphs. Each paragraph ends with its anchor, `{#dys-001}`, and perhaps with tags,
//! `[patient_specific_order_only]`. A block quote is a remark to the reader of the file and is not citable.

use super::{desk::Desk, dose::dose_in};
use crate::domain::protocol::package::Passage;
use std::collections::BTreeSet;

/// What a passage may be tagged with: what must be known or warned of before it is used.
pub const TAGS: [&str; 12] = [
    "patient_specific_order_only",
    "emergency",
    "home_oxygen",
    "actively_dying",
    "allergy",
    "renal_or_hepatic",
    "pregnancy",
    "interaction",
    "immunosuppression",
    "low_platelets",
    "caregiver",
    "age",
];

/// Reads the passages in order.
pub fn read(desk: &mut Desk, text: &str) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut heading = String::new();
    for (line, block) in blocks(text) {
        if let Some(title) = block.strip_prefix('#') {
            title.trim_start_matches('#').trim().clone_into(&mut heading);
        } else if !block.starts_with('>') && !block.starts_with("<!--") {
            let Some(passage) = passage(desk, line, &heading, &block) else { continue };
            if passages.iter().any(|before| before.anchor == passage.anchor) {
                let message = format!("the anchor `{}` stands twice; give each paragraph its own", passage.anchor);
                desk.fault(line, "duplicate-anchor", message);
            }
            passages.push(passage);
        }
    }
    if passages.is_empty() {
        desk.fault(1, "no-passages", "there is no citable paragraph; end each with an anchor such as {#dys-001}");
    }
    passages
}

/// Runs of lines without an empty line between them, with the line they begin on. A heading is a run of its own.
fn blocks(text: &str) -> Vec<(u32, String)> {
    let mut blocks: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (line, words) in (1_u32..).zip(text.lines().map(str::trim)) {
        if words.is_empty() {
            open = false;
        } else if words.starts_with('#') {
            blocks.push((line, words.to_owned()));
            open = false;
        } else if let Some((_, block)) = blocks.last_mut().filter(|_| open) {
            block.push(' ');
            block.push_str(words);
        } else {
            blocks.push((line, words.to_owned()));
            open = true;
        }
    }
    blocks
}

fn passage(desk: &mut Desk, line: u32, heading: &str, block: &str) -> Option<Passage> {
    let Some((text, rest)) = block.split_once("{#") else {
        let message = "this paragraph has no anchor; end it with one such as {#dys-001}";
        desk.fault(line, "missing-anchor", message);
        return None;
    };
    let Some((anchor, tags)) = rest.split_once('}') else {
        desk.fault(line, "missing-anchor", "the anchor is not closed; write {#dys-001}");
        return None;
    };
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if anchor.is_empty() || !anchor.bytes().all(fits) {
        desk.fault(line, "bad-id", format!("the anchor `{anchor}` must be lower case letters, digits and hyphens"));
    }
    if heading.is_empty() {
        desk.fault(line, "no-heading", format!("`{anchor}` stands under no heading; put one above it"));
    }
    let tags = read_tags(desk, line, tags);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        desk.fault(line, "empty-passage", format!("`{anchor}` has no words before its anchor"));
    }
    if let Some(dose) = dose_in(&text)
        && !tags.contains("patient_specific_order_only")
    {
        let message = format!("`{anchor}` has `{dose}`, which looks like a dose; tag it [patient_specific_order_only]");
        desk.fault(line, "dose-without-tag", message);
    }
    Some(Passage { anchor: anchor.to_owned(), heading: heading.to_owned(), text, tags })
}

fn read_tags(desk: &mut Desk, line: u32, text: &str) -> BTreeSet<String> {
    let mut tags = BTreeSet::new();
    for tag in text.split_whitespace() {
        let word = tag.strip_prefix('[').and_then(|tag| tag.strip_suffix(']'));
        if let Some(word) = word.filter(|word| TAGS.contains(word)) {
            tags.insert(word.to_owned());
        } else {
            let message = format!("`{tag}` after an anchor is no tag; write one of [{}]", TAGS.join("], ["));
            desk.fault(line, "unknown-tag", message);
        }
    }
    tags
}
