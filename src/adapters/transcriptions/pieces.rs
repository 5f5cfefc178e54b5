//! Cuts a leg into recordings at the pauses of whoever speaks.

use crate::{
    adapters::hearing::silence_for,
    domain::{
        tones::{FRAME, FRAME_MS, SILENCE},
        voice_activity::VoiceActivity,
    },
    ports::speech::Sound,
};
use std::collections::VecDeque;

/// Frames that are kept from before a voice: 200 ms.
const BEFORE_VOICE: usize = 10;
/// Frames of silence that end a piece: 700 ms.
const PAUSE: u32 = 35;
/// Most bytes of a piece: 15 s.
const LONGEST: usize = FRAME * 750;
/// Fewest voiced frames of a piece: less is a cough or a click.
const LEAST_VOICED: u32 = 8;

/// A stretch in which somebody spoke.
pub struct Piece {
    /// When it began, in milliseconds of the leg.
    pub from_ms: u64,
    /// When the last voice in it ended.
    pub to_ms: u64,
    /// 8 kHz µ-law.
    pub ulaw: Vec<u8>,
}

/// Cuts one leg.
#[derive(Default)]
pub struct Cutter {
    activity: VoiceActivity,
    before: VecDeque<(u64, Vec<u8>)>,
    piece: Option<Growing>,
}

/// A piece that is still being spoken.
struct Growing {
    from_ms: u64,
    voiced_to_ms: u64,
    ulaw: Vec<u8>,
    voiced: u32,
    calm: u32,
}

impl Cutter {
    /// Takes more of the leg; the piece that ends with it, if one does.
    pub fn take(&mut self, sound: Sound) -> Option<Piece> {
        match sound {
            Sound::Ulaw { at_ms, bytes } => self.take_frame(at_ms, bytes),
            Sound::Lost { frames } => {
                let growing = self.piece.as_mut()?;
                growing.ulaw.extend(std::iter::repeat_n(SILENCE, FRAME * silence_for(frames)));
                self.end_if_done()
            }
        }
    }

    /// The piece that was being spoken when the leg ended.
    pub fn finish(&mut self) -> Option<Piece> {
        let Growing { from_ms, voiced_to_ms, ulaw, voiced, calm: _ } = self.piece.take()?;
        (voiced >= LEAST_VOICED).then_some(Piece { from_ms, to_ms: voiced_to_ms, ulaw })
    }

    fn take_frame(&mut self, at_ms: u64, bytes: Vec<u8>) -> Option<Piece> {
        let is_voiced = self.activity.is_voiced(&bytes);
        if let Some(growing) = &mut self.piece {
            growing.ulaw.extend(bytes);
            growing.note(at_ms, is_voiced);
            return self.end_if_done();
        }
        self.before.push_back((at_ms, bytes));
        if is_voiced {
            let from_ms = self.before.front().map_or(at_ms, |(first, _)| *first);
            let ulaw = self.before.drain(..).flat_map(|(_, bytes)| bytes).collect();
            let mut growing = Growing { from_ms, voiced_to_ms: at_ms, ulaw, voiced: 0, calm: 0 };
            growing.note(at_ms, true);
            self.piece = Some(growing);
        } else if self.before.len() > BEFORE_VOICE {
            let _silent = self.before.pop_front();
        }
        None
    }

    fn end_if_done(&mut self) -> Option<Piece> {
        let is_done = self.piece.as_ref().is_some_and(|piece| piece.calm >= PAUSE || piece.ulaw.len() >= LONGEST);
        if is_done { self.finish() } else { None }
    }
}

impl Growing {
    fn note(&mut self, at_ms: u64, is_voiced: bool) {
        if is_voiced {
            self.voiced = self.voiced.saturating_add(1);
            self.calm = 0;
            self.voiced_to_ms = at_ms.saturating_add(FRAME_MS);
        } else {
            self.calm = self.calm.saturating_add(1);
        }
    }
}
