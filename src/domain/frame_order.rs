//! Numbered frames back in order: what arrives early waits a little, what arrives twice is dropped, what never arrives is
//! told as missing. Memory stays within `MOST_EARLY` frames whatever is sent.

use std::collections::BTreeMap;

/// Frames that may wait for an earlier one: 100 ms of audio. After that the earlier one counts as missing.
pub const MOST_EARLY: usize = 5;

/// What comes out, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InOrder<T> {
    /// The next frame.
    Frame(T),
    /// So many frames never came.
    Missing(u64),
}

/// The order of one stream's frames, numbered from 1.
#[derive(Debug)]
pub struct FrameOrder<T> {
    next: u64,
    early: BTreeMap<u64, T>,
    repeats: u64,
}

impl<T> Default for FrameOrder<T> {
    fn default() -> Self {
        Self { next: 1, early: BTreeMap::new(), repeats: 0 }
    }
}

impl<T> FrameOrder<T> {
    /// Counts a frame that comes in its turn while none waits: it is in order already and need not be taken. That is nearly
    /// every frame, and costs nothing.
    pub fn passes(&mut self, number: u64) -> bool {
        match self.next.checked_add(1) {
            Some(next) if number == self.next && self.early.is_empty() => {
                self.next = next;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Takes a frame; gives whatever is now in order.
    pub fn take(&mut self, number: u64, frame: T) -> Vec<InOrder<T>> {
        if number < self.next || self.early.contains_key(&number) {
            self.repeats = self.repeats.saturating_add(1);
            return Vec::new();
        }
        self.early.insert(number, frame);
        let mut out = self.ready();
        if self.early.len() > MOST_EARLY {
            out.extend(self.give_up_waiting());
        }
        out
    }

    /// Gives what still waits, at the end of the stream.
    pub fn finish(&mut self) -> Vec<InOrder<T>> {
        let mut out = Vec::new();
        while !self.early.is_empty() {
            out.extend(self.give_up_waiting());
        }
        out
    }

    /// Frames that came again, or after they had been given up.
    #[must_use]
    pub const fn repeats(&self) -> u64 {
        self.repeats
    }

    fn give_up_waiting(&mut self) -> Vec<InOrder<T>> {
        let Some(first) = self.early.keys().next().copied() else { return Vec::new() };
        let mut out = vec![InOrder::Missing(first.saturating_sub(self.next))];
        self.next = first;
        out.extend(self.ready());
        out
    }

    fn ready(&mut self) -> Vec<InOrder<T>> {
        let mut out = Vec::new();
        while let Some(frame) = self.early.remove(&self.next) {
            out.push(InOrder::Frame(frame));
            match self.next.checked_add(1) {
                Some(next) => self.next = next,
                // After the last number there is none; whatever follows is a repeat.
                None => break,
            }
        }
        out
    }
}
