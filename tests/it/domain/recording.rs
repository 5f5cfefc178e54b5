//! How frames become chunks and chunks become a wave: whatever is lost, early or late, each sample that came is heard at its
//! own time, and what did not come is silent.

use careline::domain::{
    recording::{CHUNK_SAMPLES, Cut, Cutter, Side, Span, holes, peaks},
    tones::SILENCE,
    wave::{HEADER, Placed, Wanted, Wave, mix},
};
use proptest::prelude::*;

const FRAME: usize = 160;

/// The code of a frame: never silence.
fn code(number: usize) -> u8 {
    u8::try_from(number % 100).unwrap() + 1
}

fn cut(numbers: impl IntoIterator<Item = usize>) -> Vec<Cut> {
    let mut cutter = Cutter::default();
    let mut cuts: Vec<Cut> = numbers
        .into_iter()
        .filter_map(|number| cutter.take(u64::try_from(number).unwrap() * 20, &[code(number); FRAME]))
        .collect();
    cuts.extend(cutter.finish());
    cuts
}

/// The cuts on one line, silence where there are none.
fn laid_out(cuts: &[Cut], frames: usize) -> Vec<u8> {
    let mut line = vec![SILENCE; frames * FRAME];
    for cut in cuts {
        let at = usize::try_from(cut.at_ms).unwrap() * 8;
        line[at..at + cut.ulaw.len()].copy_from_slice(&cut.ulaw);
    }
    line
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_lost_every_sample_is_heard_at_its_own_time(arrives in prop::collection::vec(prop::bool::weighted(0.9), 1..900)) {
        let numbers: Vec<usize> = arrives.iter().enumerate().filter(|(_, came)| **came).map(|(number, _)| number).collect();
        let cuts = cut(numbers.iter().copied());
        prop_assert!(cuts.iter().all(|cut| cut.ulaw.len() <= CHUNK_SAMPLES && !cut.ulaw.is_empty()));
        let expected: Vec<u8> =
            arrives.iter().enumerate().flat_map(|(number, came)| [if *came { code(number) } else { SILENCE }; FRAME]).collect();
        prop_assert!(laid_out(&cuts, arrives.len()) == expected);
        // The control: a line whose frames lie one behind the other, as if nothing were missing.
        if numbers.last().is_some_and(|last| *last >= numbers.len()) {
            let close: Vec<u8> = cuts.iter().flat_map(|cut| cut.ulaw.clone()).filter(|code| *code != SILENCE).collect();
            prop_assert!(!expected.starts_with(&close));
        }
    }

    #[test]
    fn any_part_of_a_wave_is_that_part(samples in 1_u64..2_000, from in 0_u64..9_000, length in 1_u64..9_000) {
        let wave = Wave { samples };
        let part = wave.part(Wanted::Between(from, from + length - 1));
        if from < wave.bytes() {
            prop_assert_eq!(part, Some((from, (from + length).min(wave.bytes()))));
        } else {
            prop_assert_eq!(part, None);
        }
        prop_assert_eq!(wave.part(Wanted::Whole), Some((0, HEADER + samples * 4)));
        prop_assert_eq!(u64::try_from(wave.header().len()).unwrap(), HEADER);
    }
}

#[test]
fn a_chunk_is_full_after_five_seconds_and_ends_where_more_than_a_syllable_is_missing() {
    let lengths = |cuts: &[Cut]| cuts.iter().map(|cut| (cut.at_ms, cut.until_ms())).collect::<Vec<_>>();
    assert_eq!(lengths(&cut(0..300)), [(0, 5_000), (5_000, 6_000)]);
    assert_eq!(lengths(&cut((0..10).chain(14..20))), [(0, 400)], "80 ms are silence within it");
    assert_eq!(lengths(&cut((0..10).chain(15..20))), [(0, 200), (300, 400)], "100 ms end it");
    assert_eq!(lengths(&cut((0..10).chain(5..8))), [(0, 200), (100, 160)], "a clock that goes back begins anew");
    let spans = |cuts: Vec<Cut>| -> Vec<Span> {
        cuts.iter().map(|cut| Span { from: cut.at_ms * 8, to: cut.until_ms() * 8 }).collect()
    };
    assert_eq!(holes(&spans(cut((0..10).chain(15..20)))), [Span { from: 1_600, to: 2_400 }]);
    assert_eq!(holes(&spans(cut(0..600))), []);
}

#[test]
fn a_range_is_read_as_the_standard_says() {
    for (header, wanted) in [
        ("bytes=0-", Wanted::From(0)),
        ("bytes=5-9", Wanted::Between(5, 9)),
        ("bytes=-5", Wanted::Last(5)),
        (" bytes=5-5 ", Wanted::Between(5, 5)),
        ("bytes=9-5", Wanted::Whole),
        ("bytes=0-1,5-9", Wanted::Whole),
        ("bytes=-", Wanted::Whole),
        ("seconds=0-1", Wanted::Whole),
        ("", Wanted::Whole),
    ] {
        assert_eq!(Wanted::read(header), wanted, "{header}");
    }
}

#[test]
fn voices_of_one_side_are_added_and_nothing_of_the_other_side_is_heard() {
    let ulaw = [0x10_u8; 8];
    let moment = |chunks: &[Placed<'_>]| {
        let bytes = mix(Span { from: 4, to: 6 }, chunks);
        [i16::from_le_bytes([bytes[4], bytes[5]]), i16::from_le_bytes([bytes[6], bytes[7]])]
    };
    let one = Placed { side: Side::Left, from: 5, ulaw: &ulaw };
    let [left, right] = moment(&[one]);
    assert!(left != 0 && right == 0);
    let two = [Placed { side: Side::Right, from: 0, ulaw: &ulaw }, Placed { side: Side::Right, from: 5, ulaw: &ulaw }];
    let [silent, both] = moment(&two);
    assert_eq!((silent, both), (0, left.saturating_mul(2)));
    assert_eq!(moment(&[Placed { side: Side::Left, from: 6, ulaw: &ulaw }]), [0, 0]);
    assert!(peaks(&ulaw)[0] > 20 && peaks(&[SILENCE; 4_000]) == [0, 0]);
}
