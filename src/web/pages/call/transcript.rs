//! What was said, by speaker, with every gap in the audio in its place.

use crate::{
    domain::{
        ids::CallId,
        people::Role,
        private::Private,
        recording::{sample_at, seconds},
        transcript::{LONGEST_CORRECTION, Voice, WordTime, words_of},
    },
    flows::open_call::{CallPage, PageCorrection, PageGap, PageUtterance},
    web::pages::{call::recording::clock, icons, words},
};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// The transcript of a call.
#[derive(Template)]
#[template(path = "parts/transcript.html")]
pub struct TranscriptPart {
    call: CallId,
    lines: Vec<Line>,
    /// The first instant of the recording, once it can be played.
    zero: Option<DateTime<Utc>>,
    /// When the words were erased, and of how many utterances.
    erased: Option<(DateTime<Utc>, usize)>,
    may_correct: bool,
    longest: usize,
    now: DateTime<Utc>,
    zone: Tz,
}

/// One word as it is shown.
struct ShownWord<'a> {
    text: &'a str,
    /// Where in the recording it is heard, in seconds.
    seconds: Option<String>,
    is_unsure: bool,
}

/// One line: words, or the place where some are missing.
enum Line {
    Said(PageUtterance),
    Missing(PageGap),
}

impl TranscriptPart {
    /// From the call as it was read, for a reader of a role.
    #[must_use]
    pub fn of(page: &CallPage, role: Option<Role>) -> Self {
        let standing = page.utterances.iter().filter(|said| said.erased_at.is_none());
        let said = standing.cloned().map(|said| (said.from_at, Line::Said(said)));
        let missing = page.gaps.iter().cloned().map(|gap| (gap.from_at, Line::Missing(gap)));
        let mut lines: Vec<_> = said.chain(missing).collect();
        lines.sort_by_key(|(at, _)| *at);
        let zero = page.recording.as_ref().and_then(|recording| recording.layout.as_ref()).map(|layout| layout.zero);
        let lines = lines.into_iter().map(|(_, line)| line).collect();
        let gone: Vec<_> = page.utterances.iter().filter_map(|said| said.erased_at).collect();
        // A nurse corrects until the assessment is signed, a coordinator later too; urgent access changes nothing.
        let may_correct = match role {
            Some(Role::Coordinator) => page.urgent.is_none(),
            Some(Role::Nurse) => page.urgent.is_none() && page.reviews.is_none(),
            Some(Role::Physician | Role::Admin | Role::Auditor) | None => false,
        };
        Self {
            call: page.head.id,
            lines,
            zero,
            erased: gone.iter().max().map(|at| (*at, gone.len())),
            may_correct,
            longest: LONGEST_CORRECTION,
            now: page.now,
            zone: page.zone,
        }
    }

    /// Where in the recording an instant is heard: in seconds for a player, and as minutes and seconds for a reader.
    fn heard_at(&self, at: &DateTime<Utc>) -> Option<(String, String)> {
        let sample = sample_at(self.zero?, *at);
        Some((seconds(sample), clock(sample)))
    }
}

impl TranscriptPart {
    /// The words of an utterance as they stand, each with where it is heard.
    fn shown<'a>(&self, said: &'a PageUtterance) -> Vec<ShownWord<'a>> {
        let times = said.word_times();
        let times = times.into_iter().chain(std::iter::repeat(None));
        let shown = |(text, time): (&'a str, Option<WordTime>)| {
            let at = time.map(|time| said.from_at + TimeDelta::milliseconds(i64::from(time.from_ms)));
            let seconds = at.and_then(|at| self.heard_at(&at)).map(|(seconds, _)| seconds);
            ShownWord { text, seconds, is_unsure: time.is_some_and(WordTime::is_unsure) }
        };
        words_of(said.words().reveal()).zip(times).map(shown).collect()
    }

    /// The newest correction of an utterance, and what stood there before, the newest first.
    fn corrected<'a>(&self, said: &'a PageUtterance) -> Option<(&'a PageCorrection, Vec<&'a Private<String>>)> {
        said.corrections.last().map(|last| (last, said.stood_before()))
    }
}

/// Who speaks, in words.
#[must_use]
pub const fn voice_words(voice: &Voice) -> &'static str {
    match voice {
        Voice::Patient => "Patient",
        Voice::Caregiver => "Caregiver",
        Voice::Nurse => "Nurse",
    }
}

/// How long a gap was and why, for whoever reads around it.
fn gap_words(gap: &PageGap) -> String {
    let side = if gap.of_nurse { "the nurse's" } else { "the patient's" };
    let seconds = (gap.to_at - gap.from_at).num_milliseconds().max(0).saturating_add(999) / 1_000;
    format!("{seconds} s of {side} audio are missing: {}", why_words(&gap.reason))
}

/// Why audio is missing, in words for a reader.
#[must_use]
pub fn why_words(reason: &str) -> &'static str {
    match reason {
        "frames_lost" => "lost on the way",
        "stream_lost" => "the stream broke off",
        "careline_restarted" => "Careline was restarted; they kept talking",
        "not_recorded" => "heard, and not kept in the recording",
        "not_heard" => "they were heard by us and no words came of it",
        "on_hold" => "on hold, and nobody listened",
        "muted" => "muted, and nobody listened",
        _ => "not heard",
    }
}
