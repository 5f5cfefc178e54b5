//! The operator runs a stored call again: for a complaint, before a new version of a protocol is used, or to see that the
//! record still says what happened. Exit code 0: the same cards; 1: some differ; 2: it cannot be run, and why.

use super::App;
use crate::{Ending, say};
use careline::{
    domain::{guidance::ProtocolRef, ids::CallId, replay::Replay},
    flows::{
        found_organization,
        replay_call::{self, Ran, Wanted},
    },
};
use serde_json::json;

/// What is run again, and why.
#[derive(clap::Args)]
pub struct Args {
    /// The call, by its id.
    call: CallId,
    /// The organization's code.
    #[arg(long)]
    org: String,
    /// Why it is run; it is kept.
    #[arg(long)]
    why: String,
    /// Who runs it, by name; it is kept.
    #[arg(long)]
    operator: String,
    /// Run it under another version of its protocol, such as dyspnea@1.1.0.
    #[arg(long, value_name = "CODE@VERSION", value_parser = edition)]
    protocol: Option<ProtocolRef>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

fn edition(text: &str) -> Result<ProtocolRef, String> {
    match text.split_once('@') {
        Some((id, version)) if !id.is_empty() && !version.is_empty() => {
            Ok(ProtocolRef { id: id.to_owned(), version: version.to_owned() })
        }
        _ => Err("write a protocol and a version, such as dyspnea@1.1.0".to_owned()),
    }
}

pub async fn replay(app: App, args: Args) -> Result<u8, Ending> {
    let actor = found_organization::operator_in(&app, &args.org).await?;
    let wanted = Wanted { call: args.call, why: args.why, operator: args.operator, under: args.protocol };
    let (replay, name) = match replay_call::replay(&app, &actor, &wanted).await? {
        Ran::Through(replay, name) => (replay, name),
        Ran::Cannot(why) => return Err(Ending { says: format!("replay: cannot be run: {why}"), code: 2 }),
    };
    if args.json {
        let verdict = if replay.differences.is_empty() { "same" } else { "differs" };
        let all = json!({"call": wanted.call, "protocol": name, "verdict": verdict, "replay": replay});
        say(&all.to_string());
    } else {
        say(&format!("replay: call {} under {} {}", wanted.call, name.id, name.version));
        for line in lines(&replay) {
            say(&line);
        }
    }
    Ok(u8::from(!replay.differences.is_empty()))
}

fn lines(replay: &Replay) -> Vec<String> {
    let mut lines = Vec::new();
    for point in &replay.points {
        lines.push(format!("  {} {}", clock(point.at_ms), point.place));
        lines.extend(point.cards.iter().map(|card| format!("           {card}")));
    }
    for change in &replay.differences {
        let (at, place) = (clock(change.at_ms), &change.place);
        lines.push(format!("differs: {at} {place}: was {}; is {}; {}", change.was, change.is, change.why));
    }
    lines.push(match replay.differences.len() {
        0 => format!("replay: the same at {} points", replay.points.len()),
        1 => "replay: one card differs".to_owned(),
        count => format!("replay: {count} cards differ"),
    });
    lines
}

/// Minutes and seconds since patient and nurse began to talk.
fn clock(at_ms: Option<i64>) -> String {
    at_ms.map_or_else(
        || "after ".to_owned(),
        |at_ms| {
            let sign = if at_ms < 0 { "-" } else { "+" };
            let seconds = at_ms.unsigned_abs() / 1_000;
            format!("{sign}{}:{:02}", seconds / 60, seconds % 60)
        },
    )
}
