//! Frames in order: whatever a network does to them, what comes out is ascending, complete or told as missing.

use careline::domain::frame_order::{FrameOrder, InOrder, MOST_EARLY};
use proptest::prelude::*;

fn run(numbers: &[u64]) -> (Vec<InOrder<u64>>, u64) {
    let mut order = FrameOrder::default();
    let mut out: Vec<InOrder<u64>> = numbers.iter().flat_map(|number| order.take(*number, *number)).collect();
    out.extend(order.finish());
    (out, order.repeats())
}

#[test]
fn frames_in_order_pass_at_once() {
    let mut order = FrameOrder::default();
    for number in 1..=100_u64 {
        assert_eq!(order.take(number, number), [InOrder::Frame(number)]);
    }
}

#[test]
fn neighbours_that_overtake_each_other_are_put_right() {
    use InOrder::Frame;
    assert_eq!(run(&[1, 3, 2, 4]).0, [Frame(1), Frame(2), Frame(3), Frame(4)]);
}

#[test]
fn a_frame_that_never_comes_is_told_as_missing_where_it_was() {
    let (out, repeats) = run(&[1, 2, 5, 6, 7, 8, 9, 10, 4]);
    assert_eq!(out.get(..4), Some(&[InOrder::Frame(1), InOrder::Frame(2), InOrder::Missing(2), InOrder::Frame(5)][..]));
    assert_eq!(repeats, 1, "number 4 came after it was given up");
}

#[test]
fn a_number_at_the_end_of_all_numbers_is_survived() {
    let (out, _) = run(&[1, u64::MAX, u64::MAX, 2]);
    assert_eq!(out.first(), Some(&InOrder::Frame(1)));
    assert_eq!(out.last(), Some(&InOrder::Frame(u64::MAX)));
}

proptest! {
    #[test]
    fn frames_that_pass_without_waiting_are_the_same_as_frames_that_are_taken(numbers in prop::collection::vec(1..60_u64, 0..200)) {
        let (taken, repeats) = run(&numbers);
        let mut order = FrameOrder::default();
        let mut out = Vec::new();
        for number in numbers {
            if order.passes(number) { out.push(InOrder::Frame(number)) } else { out.extend(order.take(number, number)) }
        }
        out.extend(order.finish());
        prop_assert_eq!((out, order.repeats()), (taken, repeats));
    }

    #[test]
    fn what_comes_out_is_in_order_and_adds_up(numbers in prop::collection::vec(1..60_u64, 0..200)) {
        let mut order = FrameOrder::default();
        let mut out = Vec::new();
        let mut waiting = 0_usize;
        for number in &numbers {
            let ready = order.take(*number, *number);
            waiting += 1;
            waiting -= ready.iter().filter(|one| matches!(one, InOrder::Frame(_))).count();
            out.extend(ready);
        }
        let repeats = usize::try_from(order.repeats()).unwrap();
        prop_assert!(waiting - repeats <= MOST_EARLY);
        out.extend(order.finish());
        let mut expected = 1;
        for one in out {
            match one {
                InOrder::Missing(frames) => {
                    prop_assert!(frames > 0);
                    expected += frames;
                }
                InOrder::Frame(number) => {
                    prop_assert_eq!(number, expected);
                    expected += 1;
                }
            }
        }
    }
}
