//! The audio for which no final words have come: what a fresh engine is told again, so that nothing said is lost with the old
//! one. Bounded in seconds; what falls out of it unsaid is told as a gap.

use crate::{domain::tones::FRAME_MS, ports::speech::Sound};
use std::collections::VecDeque;

/// Most audio that is kept, in frames of 20 ms: eight seconds.
pub const MOST_FRAMES: usize = 400;
/// Silence that is kept before a voice, so that no word loses its beginning: half a second.
const BEFORE_VOICE: usize = 25;
/// Voiced frames from which on words are owed: a detector hangs on for a few frames after a voice has ended.
const LEAST_VOICED: usize = 8;

/// A stretch of the stream, in its own milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first millisecond.
    pub from_ms: u64,
    /// The millisecond after its last.
    pub to_ms: u64,
    /// Frames of 20 ms in it.
    pub frames: u64,
}

impl Stretch {
    fn add(before: Option<Self>, at_ms: u64) -> Self {
        let to_ms = at_ms.saturating_add(FRAME_MS);
        match before {
            Some(stretch) => Self { to_ms, frames: stretch.frames.saturating_add(1), ..stretch },
            None => Self { from_ms: at_ms, to_ms, frames: 1 },
        }
    }
}

/// Whether somebody speaks in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voiced {
    /// Somebody does.
    Yes,
    /// Nobody does.
    No,
}

/// One frame that is kept.
struct Kept {
    at_ms: u64,
    sound: Sound,
    voiced: Voiced,
}

/// What one leg's engine may have to be told again.
#[derive(Default)]
pub struct Replay {
    kept: VecDeque<Kept>,
    /// How many of them, from the front, the engine of now has.
    told: usize,
    voiced: usize,
    /// Frames without voice since the last one with.
    calm: usize,
    /// Until when everything has its final words.
    settled_ms: u64,
    /// What no engine ever had.
    untold: Option<Stretch>,
    /// What an engine had and has not said finally, and is kept no longer.
    outgrown: Option<Stretch>,
}

impl Replay {
    /// Keeps a frame. The oldest goes when there is no room.
    pub fn keep(&mut self, at_ms: u64, sound: Sound, voiced: Voiced) {
        self.voiced += usize::from(voiced == Voiced::Yes);
        self.calm = if voiced == Voiced::Yes { 0 } else { self.calm.saturating_add(1) };
        self.kept.push_back(Kept { at_ms, sound, voiced });
        // Silence that the engine has is owed nothing.
        let is_calm = !self.owes_words() && self.calm >= BEFORE_VOICE;
        while is_calm && self.told > 0 && self.kept.len() > BEFORE_VOICE {
            let _silent = self.pop();
        }
        while self.kept.len() > MOST_FRAMES {
            let was_told = self.told > 0;
            let Some(frame) = self.pop() else { break };
            if !was_told {
                self.untold = Some(Stretch::add(self.untold, frame.at_ms));
            } else if frame.voiced == Voiced::Yes || self.outgrown.is_some() {
                self.outgrown = Some(Stretch::add(self.outgrown, frame.at_ms));
            }
        }
    }

    /// The next frame that the engine of now does not have.
    pub fn owed(&self) -> Option<&Sound> {
        self.kept.get(self.told).map(|kept| &kept.sound)
    }

    /// The engine has it.
    pub fn note_told(&mut self) {
        self.told = self.told.saturating_add(1).min(self.kept.len());
    }

    /// Final words came for everything until here.
    pub fn settle(&mut self, to_ms: u64) {
        self.settled_ms = self.settled_ms.max(to_ms);
        self.outgrown = None;
        while self.kept.front().is_some_and(|frame| frame.at_ms.saturating_add(FRAME_MS) <= to_ms) && self.told > 0 {
            let _said = self.pop();
        }
    }

    /// Until when everything has its final words, in milliseconds of the stream.
    pub const fn settled_ms(&self) -> u64 {
        self.settled_ms
    }

    /// Another engine begins: it has nothing yet. Gives what it cannot be told any more although words of it are missing.
    pub fn begin_again(&mut self) -> Option<Stretch> {
        self.told = 0;
        self.outgrown.take()
    }

    /// Whether somebody spoke for whom no final words have come.
    pub const fn owes_words(&self) -> bool {
        self.voiced >= LEAST_VOICED
    }

    /// Takes what no engine ever had.
    pub fn take_untold(&mut self) -> Option<Stretch> {
        self.untold.take()
    }

    /// Nothing more will be told: takes all that no engine had, and all of somebody speaking that has no words.
    pub fn give_up(&mut self) -> (Option<Stretch>, Option<Stretch>) {
        let mut unsaid = self.outgrown.take();
        while let Some(was_told) = (!self.kept.is_empty()).then_some(self.told > 0) {
            let Some(frame) = self.pop() else { break };
            if !was_told {
                self.untold = Some(Stretch::add(self.untold, frame.at_ms));
            } else if frame.voiced == Voiced::Yes {
                unsaid = Some(Stretch::add(unsaid, frame.at_ms));
            }
        }
        (self.untold.take(), unsaid)
    }

    /// Forgets everything: it may not be kept.
    pub fn forget(&mut self) {
        *self = Self { settled_ms: self.settled_ms, ..Self::default() };
    }

    fn pop(&mut self) -> Option<Kept> {
        let frame = self.kept.pop_front()?;
        self.told = self.told.saturating_sub(1);
        self.voiced = self.voiced.saturating_sub(usize::from(frame.voiced == Voiced::Yes));
        Some(frame)
    }
}
