//! The tone codec: any text survives the telephone bit for bit, and loss loses only what it touched.

use careline::domain::tones::{Decoded, Decoder, FRAME, Joint, SILENCE, frames, words};
use proptest::prelude::*;

/// Everything a decoder tells about some frames, with silence behind them.
fn heard<'a>(frames: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<Decoded> {
    let mut decoder = Decoder::new();
    let mut news: Vec<Decoded> = frames.into_iter().flat_map(|frame| decoder.push(frame)).collect();
    news.extend(decoder.push(&[SILENCE; FRAME]));
    news
}

fn text_of(news: &[Decoded]) -> String {
    let mut text = String::new();
    for one in news {
        if let Decoded::Word { text: word, joint, .. } = one {
            if *joint == Joint::Apart && !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
    }
    text
}

fn told_ends(news: &[Decoded]) -> Vec<u16> {
    news.iter()
        .filter_map(|one| match one {
            Decoded::EndOfUtterance { words_sent, .. } => Some(*words_sent),
            Decoded::Word { .. } | Decoded::Damaged { .. } => None,
        })
        .collect()
}

fn numbered(news: &[Decoded]) -> Vec<(usize, String)> {
    news.iter()
        .filter_map(|one| match one {
            Decoded::Word { number, text, .. } => Some((usize::from(*number), text.clone())),
            Decoded::Damaged { .. } | Decoded::EndOfUtterance { .. } => None,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_text_survives_the_telephone_bit_for_bit(text in "\\PC{0,80}") {
        let news = heard(&frames(&text));
        prop_assert_eq!(text_of(&news), text.split_whitespace().collect::<Vec<_>>().join(" "));
        let sent = words(&text);
        prop_assert_eq!(told_ends(&news), if sent == 0 { vec![] } else { vec![u16::try_from(sent).unwrap()] });
        let damaged = news.iter().filter(|one| matches!(one, Decoded::Damaged { .. })).count();
        prop_assert_eq!(damaged, 0);
    }

    #[test]
    fn audio_cut_anywhere_is_heard_the_same(text in "[a-zéß ]{1,60}", cuts in prop::collection::vec(1_usize..400, 1..20)) {
        let line: Vec<u8> = frames(&text).concat();
        let mut decoder = Decoder::new();
        let mut news = Vec::new();
        let mut rest = line.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            news.extend(decoder.push(now));
            rest = later;
        }
        prop_assert_eq!(text_of(&news), text.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn any_one_lost_frame_loses_at_most_the_two_words_it_touched_and_is_counted(text in "[ -~äöü]{1,70}", missing in any::<prop::sample::Index>()) {
        let all = frames(&text);
        prop_assume!(!all.is_empty());
        let spoken = numbered(&heard(&all));
        let gone = missing.index(all.len());
        let news = heard(all.iter().enumerate().filter(|(index, _)| *index != gone).map(|(_, frame)| frame));
        let understood = numbered(&news);
        for word in &understood {
            prop_assert!(spoken.contains(word), "{word:?} was never said");
        }
        prop_assert!(understood.len() + 2 >= spoken.len());
        prop_assert_eq!(told_ends(&news), vec![u16::try_from(spoken.len()).unwrap()]);
    }
}

#[test]
fn a_word_longer_than_a_packet_arrives_whole() {
    let long = "ü".repeat(400);
    assert_eq!(text_of(&heard(&frames(&format!("before {long} after")))), format!("before {long} after"));
}

#[test]
fn silence_and_a_voice_that_is_not_ours_say_nothing() {
    let mut decoder = Decoder::new();
    let hum: Vec<u8> = (0..16_000_u32).map(|sample| u8::try_from((sample * 7919) % 256).unwrap()).collect();
    assert!(!decoder.push(&hum).iter().any(|one| matches!(one, Decoded::Word { .. })));
    assert_eq!(decoder.push(&[SILENCE; 8000]), vec![]);
    assert_eq!(decoder.heard_samples(), 24_000);
}

#[test]
fn two_utterances_are_told_apart() {
    let news = heard(frames("six now").iter().chain(&frames("three usually")));
    assert_eq!(told_ends(&news), vec![2, 2]);
    assert_eq!(text_of(&news), "six now three usually");
}
