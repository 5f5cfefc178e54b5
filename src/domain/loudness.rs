//! How loud a leg is, for a meter: root mean square of a fifth of a second, in decibels below the loudest there can be.

use super::tones::SAMPLES_PER_SECOND;
use audio_codec_algorithms::decode_ulaw;

/// The quietest that is told, in dBFS; silence is this.
pub const FLOOR_DBFS: i8 = -60;
/// Samples of one reading: five readings a second.
const READING: u64 = SAMPLES_PER_SECOND / 5;
/// The mean square of the loudest square wave, which is 0 dBFS.
const FULL: f64 = 32_768.0 * 32_768.0;

/// Measures one leg. Memory is two numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loudness {
    squares: u64,
    samples: u64,
}

impl Loudness {
    /// Takes 8 kHz µ-law; gives a reading in dBFS, from `FLOOR_DBFS` to 0, whenever a fifth of a second is full.
    pub fn take(&mut self, ulaw: &[u8]) -> Option<i8> {
        for code in ulaw {
            let height = u64::from(decode_ulaw(*code).unsigned_abs());
            self.squares = self.squares.saturating_add(height.saturating_mul(height));
        }
        self.samples = self.samples.saturating_add(u64::try_from(ulaw.len()).unwrap_or(0));
        if self.samples < READING {
            return None;
        }
        let mean = self.squares.checked_div(self.samples).unwrap_or(0);
        *self = Self::default();
        Some(decibels(f64::from(u32::try_from(mean).unwrap_or(u32::MAX))))
    }
}

/// A mean square in whole decibels below full scale.
fn decibels(mean_square: f64) -> i8 {
    let reaches = |dbfs: &i8| mean_square >= FULL * 10_f64.powf((f64::from(*dbfs) - 0.5) / 10.0);
    (FLOOR_DBFS..=0).rev().find(reaches).unwrap_or(FLOOR_DBFS)
}
