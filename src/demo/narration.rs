//! What the demo says while it runs: plain sentences with the seconds since the start, on standard output.

use std::time::{Duration, Instant};

/// Tells a story with elapsed time.
#[derive(Clone, Copy, Debug)]
pub struct Narrator {
    started: Instant,
}

impl Narrator {
    /// Begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self { started: Instant::now() }
    }

    /// How long the story has lasted.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// One step, with its second.
    pub fn tell(&self, sentence: impl AsRef<str>) {
        println!("{:6.1} s  {}", self.elapsed().as_secs_f64(), sentence.as_ref());
    }

    /// What belongs to the step before: words that were spoken, a quotation.
    pub fn quote(&self, words: impl AsRef<str>) {
        println!("          | {}", words.as_ref());
    }

    /// Lines of their own, such as logins.
    pub fn plain(&self, text: impl AsRef<str>) {
        println!("{}", text.as_ref());
    }
}
