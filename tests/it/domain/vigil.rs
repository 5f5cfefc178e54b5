//! The watch over the words: when somebody has spoken for a while and nothing came of it.

use careline::domain::{
    tones::{FRAME, SILENCE, frames},
    vigil::{LEAST_VOICE_MS, PATIENCE, Vigil},
    voice_activity::VoiceActivity,
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
}

#[test]
fn three_seconds_of_voice_without_words_are_noticed_and_words_end_it() {
    let mut vigil = Vigil::default();
    for frame in 0..150 {
        assert!(!vigil.is_blind(at(frame * 20)));
        vigil.note_voice(20, at(frame * 20));
    }
    assert!(vigil.is_blind(at(3_000)));
    vigil.begin_again(at(3_000));
    assert!(!vigil.is_blind(at(5_999)) && vigil.is_blind(at(6_000)), "the next engine has as much time");
    vigil.note_words();
    assert!(!vigil.is_blind(at(60_000)));
}

#[test]
fn a_cough_owes_no_words() {
    let mut vigil = Vigil::default();
    for cough in 0..100_i64 {
        (0..10).for_each(|frame| vigil.note_voice(20, at(cough * 2_000 + frame * 20)));
        (0..60).for_each(|_| vigil.note_silence(20));
        assert!(!vigil.is_blind(at(cough * 2_000 + 1_999)));
    }
}

proptest! {
    /// Whatever was said and heard: nobody is called blind for whom words are owed for less than three seconds, or for less
    /// than a second of voice since the last words.
    #[test]
    fn no_alarm_is_raised_early(steps in prop::collection::vec((0..3_u8, 1..400_i64), 1..200)) {
        let (mut vigil, mut now, mut voice_ms, mut since) = (Vigil::default(), 0, 0, None);
        for (kind, length) in steps {
            match kind {
                0 => {
                    vigil.note_voice(length as u64, at(now));
                    voice_ms += length as u64;
                    since = since.or(Some(now));
                }
                1 => vigil.note_silence(length as u64),
                _ => {
                    vigil.note_words();
                    (voice_ms, since) = (0, None);
                }
            }
            now += length;
            if vigil.is_blind(at(now)) {
                prop_assert!(voice_ms >= LEAST_VOICE_MS);
                prop_assert!(at(now) - at(since.unwrap()) >= PATIENCE);
            }
        }
    }
}

#[test]
fn townspeople_have_a_voice_and_a_silent_line_has_none() {
    let voiced = |frames: &[Vec<u8>]| {
        let mut activity = VoiceActivity::default();
        frames.iter().filter(|frame| activity.is_voiced(frame)).count()
    };
    let spoken = frames("My breathing is much worse at night and I cannot sleep");
    assert!(voiced(&spoken) * 10 >= spoken.len() * 9, "{} of {}", voiced(&spoken), spoken.len());
    assert_eq!(voiced(&vec![vec![SILENCE; FRAME]; 500]), 0);
}

#[test]
fn somebody_who_speaks_for_a_long_time_is_heard_to_the_end() {
    let sentence = frames("It has been six out of ten since the night");
    let pause = vec![vec![SILENCE; FRAME]; 10];
    let mut activity = VoiceActivity::default();
    let minutes: Vec<&Vec<u8>> = sentence.iter().chain(&pause).cycle().take(15_000).collect();
    let voiced = minutes.iter().filter(|frame| activity.is_voiced(frame)).count();
    assert!(voiced > 1_000, "five minutes, and the detector lives: {voiced}");
}
