//! Words and their times: engines write a text otherwise than they hear its words.

use careline::domain::transcript::{WordTime, timed, timed_again};

fn at(from_ms: u32, confidence: Option<u8>) -> WordTime {
    WordTime { from_ms, to_ms: from_ms + 100, confidence }
}

fn heard(words: &[(&str, u32)]) -> Vec<(String, WordTime)> {
    words.iter().map(|(word, from_ms)| ((*word).to_owned(), at(*from_ms, Some(90)))).collect()
}

fn begins(times: &[Option<WordTime>]) -> Vec<Option<u32>> {
    times.iter().map(|time| time.map(|time| time.from_ms)).collect()
}

#[test]
fn each_word_of_a_text_finds_its_time_through_commas_capitals_and_fillers() {
    let words = heard(&[("well", 0), ("uh", 300), ("i", 500), ("cant", 600), ("breathe", 900)]);
    assert_eq!(begins(&timed("Well, I can't breathe.", &words)), [Some(0), Some(500), Some(600), Some(900)]);
    assert_eq!(begins(&timed("Well then I can't breathe", &words)), [Some(0), None, Some(500), Some(600), Some(900)]);
    assert_eq!(begins(&timed("Nothing of it", &words)), [None, None, None]);
    assert_eq!(begins(&timed("", &words)), []);
    assert_eq!(begins(&timed("no times", &[])), [None, None]);
}

#[test]
fn a_correction_keeps_the_times_of_words_that_stand_in_both_and_no_doubt() {
    let times = [Some(at(0, Some(20))), Some(at(400, Some(20))), None, Some(at(900, None))];
    let again = timed_again("more morphine a day", "more feen a day", &times);
    assert_eq!(begins(&again), [Some(0), None, None, Some(900)]);
    assert!(times[0].unwrap().is_unsure() && !again[0].unwrap().is_unsure());
}
