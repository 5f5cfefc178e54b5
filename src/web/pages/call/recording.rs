//! The recording of a call that is over: a player, how loud each side was, what is missing, and who holds it.

use crate::{
    domain::{
        ids::CallId,
        people::Role,
        recording::{PEAK_SAMPLES, Side, Span, holes, sample_at, seconds},
        tones::SAMPLES_PER_SECOND,
    },
    flows::open_call::{CallPage, Hold, Layout, PageGap},
    web::pages::{call::transcript::why_words, icons, words},
};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Columns of the picture of loudness.
const COLUMNS: u64 = 600;
/// Height of each half of it.
const HALF: u64 = 40;
/// Missing stretches that are listed; all of them are in the picture.
const LISTED: usize = 20;

/// The recording on the page of its call.
#[derive(Template)]
#[template(path = "parts/recording.html")]
pub struct RecordingPart {
    call: CallId,
    sound: Option<Sound>,
    erased: Option<(DateTime<Utc>, &'static str)>,
    hold: Option<Hold>,
    may_hold: bool,
    /// Whether anything is left that could be held.
    is_left: bool,
    now: DateTime<Utc>,
    zone: Tz,
}

/// What can be heard of it.
struct Sound {
    length: String,
    left: String,
    right: String,
    missing: Vec<Missing>,
    is_faulty: bool,
}

/// A stretch in which one side is silent because nothing was kept.
struct Missing {
    at: String,
    x: u64,
    width: u64,
    y: u64,
    words: String,
}

impl RecordingPart {
    /// From the call as it was read; nothing when it has no recording to show.
    #[must_use]
    pub fn of(page: &CallPage, role: Option<Role>) -> Option<Self> {
        let recording = page.recording.as_ref()?;
        Some(Self {
            call: page.head.id,
            sound: recording.layout.as_ref().map(|layout| Sound::of(layout, &page.gaps)),
            erased: recording.standing.erased.map(|(at, why)| (at, why.says())),
            hold: recording.standing.hold.clone(),
            may_hold: role == Some(Role::Coordinator) && page.urgent.is_none(),
            is_left: recording.layout.is_some() || page.utterances.iter().any(|said| said.erased_at.is_none()),
            now: page.now,
            zone: page.zone,
        })
    }

    const fn half(&self) -> u64 {
        HALF
    }
}

impl Sound {
    fn of(layout: &Layout, gaps: &[PageGap]) -> Self {
        Self {
            length: clock(layout.samples),
            left: picture(layout, Side::Left),
            right: picture(layout, Side::Right),
            missing: missing(layout, gaps),
            is_faulty: layout.chunks.iter().any(|chunk| chunk.is_faulty),
        }
    }

    fn listed(&self) -> &[Missing] {
        self.missing.get(..LISTED).unwrap_or(&self.missing)
    }

    const fn unlisted(&self) -> usize {
        self.missing.len().saturating_sub(LISTED)
    }
}

/// One line for each column, up for the left side and down for the right one.
fn picture(layout: &Layout, side: Side) -> String {
    let quarter = u64::try_from(PEAK_SAMPLES).unwrap_or(1);
    let mut loudest = BTreeMap::<u64, i16>::new();
    for chunk in layout.chunks.iter().filter(|chunk| chunk.track.side() == side) {
        for (at, peak) in (chunk.span.from..chunk.span.to).step_by(PEAK_SAMPLES).zip(&chunk.peaks) {
            let (first, last) = (column(layout, at), column(layout, at.saturating_add(quarter).min(chunk.span.to)));
            for column in first..=last {
                let known = loudest.entry(column).or_default();
                *known = (*known).max(*peak);
            }
        }
    }
    let line = |(column, peak): (&u64, &i16)| {
        let height = u64::try_from(*peak).unwrap_or(0).saturating_mul(HALF) / 100;
        match side {
            Side::Left => format!("M{column} {HALF}v-{}", height.max(1)),
            Side::Right => format!("M{column} {HALF}v{}", height.max(1)),
        }
    };
    loudest.iter().map(line).collect()
}

fn column(layout: &Layout, sample: u64) -> u64 {
    sample.saturating_mul(COLUMNS).checked_div(layout.samples).unwrap_or(0).min(COLUMNS)
}

/// What lies between the chunks of each leg, in the order it began, and why it does, where the record tells.
fn missing(layout: &Layout, gaps: &[PageGap]) -> Vec<Missing> {
    let mut legs = BTreeMap::<_, (Side, Vec<Span>)>::new();
    for chunk in &layout.chunks {
        legs.entry(chunk.leg).or_insert_with(|| (chunk.track.side(), Vec::new())).1.push(chunk.span);
    }
    let between = legs.into_values().flat_map(|(side, spans)| holes(&spans).into_iter().map(move |span| (side, span)));
    let mut found: Vec<(Side, Span)> = between.collect();
    found.sort_by_key(|(_, span)| span.from);
    found
        .into_iter()
        .map(|(side, span)| {
            let (whose, y) = match side {
                Side::Left => ("the patient's side", 0),
                Side::Right => ("our side", HALF),
            };
            let x = column(layout, span.from);
            let width = column(layout, span.to).saturating_sub(x).max(1);
            let mut words = format!("{} to {}: {whose} is missing", clock(span.from), clock(span.to));
            if let Some(reason) = reason(layout, gaps, side, span) {
                words = format!("{words}: {}", why_words(reason));
            }
            Missing { at: seconds(span.from), x, width, y, words }
        })
        .collect()
}

/// Why a stretch of one side is missing: the reason of the gap that covers most of it.
fn reason<'a>(layout: &Layout, gaps: &'a [PageGap], side: Side, span: Span) -> Option<&'a str> {
    let covered = |gap: &&PageGap| {
        let (from, to) = (sample_at(layout.zero, gap.from_at), sample_at(layout.zero, gap.to_at));
        to.min(span.to).saturating_sub(from.max(span.from))
    };
    let of_side = gaps.iter().filter(|gap| gap.of_nurse == (side == Side::Right));
    of_side.max_by_key(covered).filter(|gap| covered(gap) > 0).map(|gap| gap.reason.as_str())
}

/// Minutes and seconds of so many samples, such as `2:07`.
#[must_use]
pub fn clock(samples: u64) -> String {
    let seconds = samples / SAMPLES_PER_SECOND;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
