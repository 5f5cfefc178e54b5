//! The offline transcriber behind the speech port.

use careline::{
    adapters::tones::ToneTranscriber,
    domain::{
        people::Language,
        tones::{FRAME, SILENCE, frames},
    },
    ports::speech::{Heard, Listen, Sound, Speech, SpeechKey},
};

/// What is heard of sounds whose audio runs from `from_ms` on, until the leg is hung up.
async fn transcript(sounds: Vec<Sound>) -> Vec<Heard> {
    let mut hearing =
        ToneTranscriber.listen(&Listen { language: Language::English, key: SpeechKey::Configured }).await.unwrap();
    let mut words = Vec::new();
    for sound in sounds {
        hearing.audio.send(sound).await.unwrap();
        while let Ok(heard) = hearing.words.try_recv() {
            words.push(heard.unwrap());
        }
    }
    drop(hearing.audio);
    while let Some(heard) = hearing.words.recv().await {
        words.push(heard.unwrap());
    }
    words
}

fn sounds(frames: &[Vec<u8>], from_ms: u64) -> Vec<Sound> {
    frames
        .iter()
        .zip(0_u64..)
        .map(|(bytes, index)| Sound::Ulaw { at_ms: from_ms + index * 20, bytes: bytes.clone() })
        .collect()
}

fn finals(words: &[Heard]) -> Vec<(String, u32)> {
    words
        .iter()
        .filter_map(|heard| match heard {
            Heard::Final { text, lost_words, .. } => Some((text.reveal().clone(), *lost_words)),
            Heard::Interim { .. } => None,
        })
        .collect()
}

#[tokio::test]
async fn words_appear_while_they_are_spoken_and_the_utterance_when_it_ends() {
    let spoken = frames("Six right now");
    let words = transcript(sounds(&spoken, 4000)).await;
    let interim = |text: &str| Heard::Interim { text: text.into() };
    assert_eq!(words.get(..3), Some(&[interim("Six"), interim("Six right"), interim("Six right now")][..]));
    let Some(Heard::Final { text, from_ms, to_ms, lost_words, words: timed, .. }) = words.get(3) else {
        panic!("{words:?}")
    };
    assert_eq!((text.reveal().as_str(), *lost_words, *from_ms), ("Six right now", 0, 4000));
    let each: Vec<&str> = timed.iter().map(|word| word.text.reveal().as_str()).collect();
    assert_eq!(each, ["Six", "right", "now"]);
    assert!(
        timed.windows(2).all(|pair| pair[0].to_ms <= pair[1].from_ms) && timed[0].from_ms == 4000,
        "in their order"
    );
    assert!(*to_ms > 4300 && *to_ms < 4000 + 20 * u64::try_from(spoken.len()).unwrap(), "{to_ms}");
}

#[tokio::test]
async fn lost_frames_lose_words_and_say_how_many() {
    let mut sounds = sounds(&frames("one two three four five six"), 0);
    let gone = 8;
    sounds.splice(gone..gone + 12, [Sound::Lost { frames: 12 }]);
    let words = finals(&transcript(sounds).await);
    let [(text, lost)] = words.as_slice() else { panic!("{words:?}") };
    assert_eq!(u32::try_from(text.split(' ').count()).unwrap() + lost, 6, "{text}");
    assert!(*lost >= 2 && text.starts_with("one") && text.ends_with("six"), "{text}");
}

#[tokio::test]
async fn an_utterance_whose_end_is_lost_ends_after_a_pause() {
    let all = frames("only clear sputum");
    let mut cut = all.get(..all.len() - 9).unwrap().to_vec();
    let spoken = cut.len();
    cut.resize(spoken + 70, vec![SILENCE; FRAME]);
    cut.extend(frames("yes"));
    let words = finals(&transcript(sounds(&cut, 0)).await);
    assert_eq!(words, vec![("only clear sputum".into(), 0), ("yes".into(), 0)]);
}
