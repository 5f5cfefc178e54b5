//! What was said, by speaker, with every gap in the audio in its place.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass the fields they show by reference")]

use crate::{
    domain::{
        ids::CallId,
        recording::{sample_at, seconds},
        transcript::Voice,
    },
    flows::open_call::{CallPage, PageGap, PageUtterance},
    web::pages::{call::recording::clock, icons, words},
};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// The transcript of a call.
#[derive(Template)]
#[template(path = "parts/transcript.html")]
pub struct TranscriptPart {
    call: CallId,
    lines: Vec<Line>,
    /// The first instant of the recording, once it can be played.
    zero: Option<DateTime<Utc>>,
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
        let zero = page.recording.as_ref().and_then(|recording| recording.layout.as_ref()).map(|layout| layout.zero);
        let lines = lines.into_iter().map(|(_, line)| line).collect();
        Self { call: page.head.id, lines, zero, zone: page.zone }
    }

    /// Where in the recording an instant is heard: in seconds for a player, and as minutes and seconds for a reader.
    fn heard_at(&self, at: &DateTime<Utc>) -> Option<(String, String)> {
        let sample = sample_at(self.zero?, *at);
        Some((seconds(sample), clock(sample)))
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
        "not_recorded" => "heard, and not kept in the recording",
        "not_heard" => "they were heard by us and no words came of it",
        _ => "not heard",
    };
    let seconds = (gap.to_at - gap.from_at).num_milliseconds().max(0).saturating_add(999) / 1_000;
    format!("{seconds} s of {side} audio are missing: {why}")
}
