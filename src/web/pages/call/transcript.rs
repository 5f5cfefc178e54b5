//! What was said, by speaker, with every gap in the audio in its place.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass the fields they show by reference")]

use crate::{
    domain::transcript::Voice,
    flows::open_call::{CallPage, PageGap, PageUtterance},
    web::pages::{icons, words},
};
use askama::Template;
use chrono_tz::Tz;

/// The transcript of a call.
#[derive(Template)]
#[template(path = "parts/transcript.html")]
pub struct TranscriptPart {
    lines: Vec<Line>,
    zone: Tz,
}

/// One line: words, or the place where some are missing.
enum Line {
    Said(PageUtterance),
    Missing(PageGap),
}

impl TranscriptPart {
    /// From the call as it was read.
    #[must_use]
    pub fn of(page: &CallPage) -> Self {
        let said = page.utterances.iter().cloned().map(|said| (said.from_at, Line::Said(said)));
        let missing = page.gaps.iter().cloned().map(|gap| (gap.from_at, Line::Missing(gap)));
        let mut lines: Vec<_> = said.chain(missing).collect();
        lines.sort_by_key(|(at, _)| *at);
        Self { lines: lines.into_iter().map(|(_, line)| line).collect(), zone: page.zone }
    }
}

const fn voice_words(voice: &Voice) -> &'static str {
    match voice {
        Voice::Patient => "Patient",
        Voice::Caregiver => "Caregiver",
        Voice::Nurse => "Nurse",
    }
}

/// How long a gap was and why, for whoever reads around it.
fn gap_words(gap: &PageGap) -> String {
    let side = if gap.of_nurse { "the nurse's" } else { "the patient's" };
    let why = match gap.reason.as_str() {
        "frames_lost" => "lost on the way",
        "stream_lost" => "the stream broke off",
        "careline_restarted" => "Careline was restarted; they kept talking",
        _ => "not heard",
    };
    let seconds = (gap.to_at - gap.from_at).num_milliseconds().max(0).saturating_add(999) / 1_000;
    format!("{seconds} s of {side} audio are missing: {why}")
}
