//! Promise P8: whatever the order of the carrier's reports and however often each comes, an attempt ends the same way and
//! its call is moved once.

use careline::domain::{
    attempt::CarrierStatus,
    progress::{Ending, Heard, Progress, Report, Word},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Six reports about one call that the carrier completed. The last is a ghost: late, and wrong.
const REPORTS: [CarrierStatus; 6] = [
    CarrierStatus::Queued,
    CarrierStatus::Initiated,
    CarrierStatus::Ringing,
    CarrierStatus::InProgress,
    CarrierStatus::Completed,
    CarrierStatus::NoAnswer,
];
const TRUTH: CarrierStatus = CarrierStatus::Completed;

/// When the job runs that asks the carrier.
#[derive(Clone, Copy, Debug)]
enum Asked {
    AtOnce,
    AtTheEnd,
}

/// What remains after a sequence: how it ended, how far it came, and how often the call was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Left {
    ending: Option<CarrierStatus>,
    rank: i32,
    endings: u32,
}

/// Tells an attempt a sequence of callbacks, and has the carrier asked where they contradict each other.
fn ours(sequence: &[CarrierStatus], asked: Asked) -> Left {
    let mut progress = Progress::default();
    let mut endings = 0;
    let mut owed = 0;
    for status in sequence {
        match progress.hear(Report::Callback(*status)) {
            Heard::OldNews | Heard::News => {}
            Heard::Ended(_) => endings += 1,
            Heard::Disputed => owed += 1,
            Heard::Corrected { .. } => panic!("a callback corrects nothing"),
        }
        if owed > 0 && matches!(asked, Asked::AtOnce) {
            progress.hear(Report::Read(TRUTH));
            owed = 0;
        }
    }
    assert!(owed <= 1, "the carrier is asked once about one dispute");
    if owed == 1 {
        assert!(progress.is_disputed());
        progress.hear(Report::Read(TRUTH));
    }
    assert!(!progress.is_disputed());
    Left { ending: progress.ending.map(|ending| ending.status), rank: progress.rank, endings }
}

/// The reducer that most products have: the last message wins.
fn last_writer_wins(sequence: &[CarrierStatus], _asked: Asked) -> Left {
    let mut left = Left { ending: None, rank: 0, endings: 0 };
    for status in sequence {
        left.rank = status.rank();
        left.ending = status.is_terminal().then_some(*status);
        left.endings += u32::from(status.is_terminal());
    }
    left
}

/// Every order of six.
fn orders() -> Vec<[usize; 6]> {
    fn extend(begun: &[usize], all: &mut Vec<[usize; 6]>) {
        if let Ok(whole) = begun.try_into() {
            all.push(whole);
            return;
        }
        for next in (0..6).filter(|next| !begun.contains(next)) {
            extend(&[begun, &[next]].concat(), all);
        }
    }
    let mut all = Vec::new();
    extend(&[], &mut all);
    all
}

/// An order in which some reports come again: right after themselves and once more at the very end.
fn with_duplicates(order: &[usize; 6], doubled: usize) -> Vec<CarrierStatus> {
    let again = |at: &&usize| doubled & (1 << **at) != 0;
    let mut sequence = Vec::new();
    for at in order {
        sequence.push(REPORTS[*at]);
        if again(&at) {
            sequence.push(REPORTS[*at]);
        }
    }
    sequence.extend(order.iter().filter(again).map(|at| REPORTS[*at]));
    sequence
}

/// How many of all orders and duplicates end otherwise than they should.
fn strays(reducer: fn(&[CarrierStatus], Asked) -> Left) -> (u32, u32) {
    let wanted = Left { ending: Some(TRUTH), rank: 5, endings: 1 };
    let (mut tried, mut strays) = (0, 0);
    for order in orders() {
        for doubled in 0..64 {
            tried += 1;
            let sequence = with_duplicates(&order, doubled);
            let strayed = [Asked::AtOnce, Asked::AtTheEnd].iter().any(|asked| reducer(&sequence, *asked) != wanted);
            strays += u32::from(strayed);
        }
    }
    (tried, strays)
}

#[test]
fn in_all_orders_with_all_duplicates_an_attempt_ends_the_same_and_once() {
    assert_eq!(strays(ours), (46_080, 0));
}

#[test]
fn a_reducer_in_which_the_last_message_wins_is_noticed() {
    let (tried, strays) = strays(last_writer_wins);
    assert_eq!(tried, 46_080);
    assert!(strays > 40_000, "{strays}");
}

#[test]
fn any_sequence_of_reports_ends_once_and_never_goes_back() {
    let every = [
        CarrierStatus::Queued,
        CarrierStatus::Initiated,
        CarrierStatus::Ringing,
        CarrierStatus::InProgress,
        CarrierStatus::Completed,
        CarrierStatus::Busy,
        CarrierStatus::NoAnswer,
        CarrierStatus::Failed,
        CarrierStatus::Canceled,
    ];
    let mut dice = StdRng::seed_from_u64(8);
    for _ in 0..10_000 {
        let length = dice.random_range(1..=30);
        let mut progress = Progress::default();
        let mut endings = 0;
        let mut disputes = 0;
        let mut heard = Vec::new();
        for _ in 0..length {
            let status = every[dice.random_range(0..every.len())];
            heard.push(status);
            let before = progress;
            match progress.hear(Report::Callback(status)) {
                Heard::OldNews => assert_eq!(progress, before, "{heard:?}"),
                Heard::News => assert!(progress.rank > before.rank, "{heard:?}"),
                Heard::Ended(_) => endings += 1,
                Heard::Disputed => disputes += 1,
                Heard::Corrected { .. } => panic!("a callback corrects nothing: {heard:?}"),
            }
            assert!(progress.rank >= before.rank, "{heard:?}");
        }
        let mut terminal: Vec<_> = heard.iter().filter(|status| status.is_terminal()).collect();
        let first = terminal.first().map(|status| **status);
        terminal.sort_unstable();
        terminal.dedup();
        assert_eq!(endings, usize::from(!terminal.is_empty()), "{heard:?}");
        assert_eq!(disputes, usize::from(terminal.len() > 1), "{heard:?}");
        let furthest = heard.iter().map(|status| status.rank()).max().unwrap();
        assert_eq!((progress.rank, progress.ending.map(|ending| ending.status)), (furthest, first), "{heard:?}");
        if let Some(truth) = first {
            // Once the carrier itself has said how it ended, nothing moves it any more.
            progress.hear(Report::Read(truth));
            for late in every {
                assert_eq!(progress.hear(Report::Callback(late)), Heard::OldNews);
                assert_eq!(progress.hear(Report::Read(late)), Heard::OldNews);
            }
            assert_eq!(progress.ending, Some(Ending { status: truth, word: Word::Read }));
        }
    }
}

#[test]
fn the_carrier_puts_a_wrong_ending_right_and_the_call_is_not_moved_again() {
    let mut progress = Progress::default();
    assert_eq!(progress.hear(Report::Callback(CarrierStatus::NoAnswer)), Heard::Ended(CarrierStatus::NoAnswer));
    assert_eq!(progress.hear(Report::Callback(CarrierStatus::Completed)), Heard::Disputed);
    assert_eq!(progress.hear(Report::Read(CarrierStatus::InProgress)), Heard::OldNews, "the carrier's list lags");
    assert!(progress.is_disputed(), "so it is asked again");
    let corrected = Heard::Corrected { from: CarrierStatus::NoAnswer, to: CarrierStatus::Completed };
    assert_eq!(progress.hear(Report::Read(CarrierStatus::Completed)), corrected);
    assert_eq!(progress.hear(Report::Callback(CarrierStatus::Busy)), Heard::OldNews);
}
