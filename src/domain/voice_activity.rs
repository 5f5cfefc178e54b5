//! Whether somebody speaks in a frame of audio, as a detector says that others keep: the WebRTC project's, which tells voice
//! from noise by energies of six bands and learns the noise of a line while it listens.

use super::tones::FRAME;
use audio_codec_algorithms::decode_ulaw;
use earshot::{VoiceActivityDetector, VoiceActivityProfile};

/// Listens to one leg. Frames come in order; a frame that is not 20 ms long is no voice.
pub struct VoiceActivity(VoiceActivityDetector);

impl Default for VoiceActivity {
    fn default() -> Self {
        // The profile that takes the least noise for voice: a banner that cries for an oxygen concentrator is soon ignored.
        Self(VoiceActivityDetector::new(VoiceActivityProfile::VERY_AGGRESSIVE))
    }
}

impl VoiceActivity {
    /// Whether somebody speaks in these 20 ms of 8 kHz µ-law.
    pub fn is_voiced(&mut self, ulaw: &[u8]) -> bool {
        if ulaw.len() != FRAME {
            return false;
        }
        let mut samples = [0_i16; FRAME];
        for (sample, code) in samples.iter_mut().zip(ulaw) {
            *sample = decode_ulaw(*code);
        }
        self.0.predict_8khz(&samples).unwrap_or(false)
    }
}
