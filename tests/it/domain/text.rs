//! Texts: what they cost, how far they came, what people write back, when a call is announced.

use careline::domain::{
    people::Language,
    text::{
        Delivery, Fate,
        reading::{Needs, Wish, read, seems_spanish},
        remind::remind_at,
        segments::{Alphabet, costly, count},
        templates::{Filling, Template, emergency_number, words},
    },
};
use chrono::{DateTime, Duration, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

// What it costs.

#[test]
fn a_text_is_counted_as_the_network_counts_it() {
    let cases = [
        (String::new(), Alphabet::Gsm7, 0, 1, 160),
        ("a".repeat(160), Alphabet::Gsm7, 160, 1, 0),
        ("a".repeat(161), Alphabet::Gsm7, 161, 2, 145),
        ("a".repeat(306), Alphabet::Gsm7, 306, 2, 0),
        ("a".repeat(307), Alphabet::Gsm7, 307, 3, 152),
        // The euro sign takes two; 80 of them are a whole text, 81 are not.
        ("€".repeat(80), Alphabet::Gsm7, 160, 1, 0),
        ("€".repeat(81), Alphabet::Gsm7, 162, 2, 143),
        // An escape is never parted from what it escapes: 152 and one euro do not fit into 153.
        (format!("{}€{}", "a".repeat(152), "a".repeat(10)), Alphabet::Gsm7, 164, 2, 141),
        ("á".repeat(70), Alphabet::Ucs2, 70, 1, 0),
        ("á".repeat(71), Alphabet::Ucs2, 71, 2, 63),
        // A pair of surrogates stays together: 66 and one of them do not fit into 67.
        (format!("{}🙏{}", "á".repeat(66), "á".repeat(10)), Alphabet::Ucs2, 78, 2, 55),
        ("ñ é ¿ ¡ Ñ ü à".to_owned(), Alphabet::Gsm7, 13, 1, 147),
    ];
    for (text, alphabet, units, segments, left) in cases {
        let counted = count(&text);
        let seen = (counted.alphabet, counted.units, counted.segments, counted.left);
        assert_eq!(seen, (alphabet, units, segments, left), "{text:?}");
    }
    assert_eq!(costly("mañana á las ó, á"), vec!['á', 'ó']);
}

#[test]
fn the_seven_bit_alphabet_has_its_hundred_and_twenty_seven_characters_and_ten_more() {
    let all = (0..=0xffff_u32).filter_map(char::from_u32).map(|letter| (letter, count(&letter.to_string())));
    let basic = all.clone().filter(|(_, seen)| seen.alphabet == Alphabet::Gsm7 && seen.units == 1).count();
    let extended: String =
        all.filter(|(_, seen)| seen.alphabet == Alphabet::Gsm7 && seen.units == 2).map(|(letter, _)| letter).collect();
    assert_eq!(basic, 127, "3GPP TS 23.038, 6.2.1, without the escape");
    assert_eq!(extended, "\u{c}[\\]^{|}~€");
}

proptest! {
    #[test]
    fn parts_hold_the_text_and_no_part_could_be_spared(text in "[a-z€{}áñ🙏 ]{0,600}") {
        let counted = count(&text);
        let (alone, part) = match counted.alphabet { Alphabet::Gsm7 => (160, 153), Alphabet::Ucs2 => (70, 67) };
        if counted.segments == 1 {
            prop_assert!(counted.units <= alone);
            prop_assert_eq!(counted.left, alone - counted.units);
        } else {
            prop_assert!(counted.units > alone && counted.units <= counted.segments * part);
            // What is kept together wastes at most one unit in each part but the last.
            prop_assert!(counted.units > (counted.segments - 1) * (part - 1));
        }
    }

    #[test]
    fn more_text_never_costs_less(text in "[a-zá€]{0,400}", more in "[a-zá€]{1,50}") {
        let longer = format!("{text}{more}");
        prop_assert!(count(&longer).segments >= count(&text).segments);
    }
}

// How far it came.

type Reducer = fn(Fate, Delivery, &str) -> Fate;

fn ends(reducer: Reducer, events: &[(Delivery, &'static str)]) -> Fate {
    events.iter().fold(Fate::default(), |fate, (step, code)| reducer(fate, *step, code))
}

/// Orders and repeats of the same reports under which a reducer comes out differently.
fn differs(reducer: Reducer, events: &[(Delivery, &'static str)], again: &[usize]) -> bool {
    let straight = ends(reducer, events);
    let mut twisted: Vec<_> = again.iter().filter_map(|at| events.get(at % events.len()).copied()).collect();
    twisted.extend(events.iter().rev());
    ends(reducer, &twisted) != straight
}

fn any_report() -> impl Strategy<Value = (Delivery, &'static str)> {
    (proptest::sample::select(Delivery::ALL.to_vec()), proptest::sample::select(vec!["", "30003", "30007"]))
}

proptest! {
    #[test]
    fn whatever_order_reports_come_in_and_however_often_a_text_ends_the_same(
        events in proptest::collection::vec(any_report(), 1..8),
        again in proptest::collection::vec(0_usize..8, 0..8),
    ) {
        prop_assert!(!differs(|fate, step, code| fate.hear(step, code), &events, &again));
    }
}

#[test]
fn a_reducer_that_believes_the_last_report_is_found_out() {
    let last_wins: Reducer = |_, step, code| Fate { step: Some(step), code: code.to_owned() };
    let events = [(Delivery::Sent, ""), (Delivery::Delivered, "")];
    assert!(differs(last_wins, &events, &[]), "delivered, then an old report that it was sent");
}

// What people write back.

#[test]
fn a_wish_about_texts_is_understood_however_it_is_put() {
    let stops = [
        "STOP",
        "stop.",
        " Stop ",
        "STOPALL",
        "Unsubscribe",
        "end",
        "QUIT!",
        "cancel",
        "Revoke",
        "opt out",
        "OPTOUT",
        "PARAR",
        "pare",
        "Alto",
        "baja",
        "CANCELAR",
        "please stop texting me",
        "Please STOP sending me these messages.",
        "don't text me",
        "Do not text this number again",
        "no more texts please",
        "take me off your list",
        "remove me",
        "I don't want these texts anymore",
        "leave me alone",
        "quit texting",
        "no me escriba mas",
        "No me escriban más",
        "por favor no me mande mensajes",
        "deje de escribirme",
        "Dejen de enviar mensajes por favor",
        "no quiero mensajes",
        "No quiero más mensajes",
        "quiteme de la lista",
        "STOP TEXTING!!!",
        "never text me again",
    ];
    for text in stops {
        assert_eq!(read(text, 0).wish, Wish::Stop, "{text:?}");
    }
    for text in ["START", "unstop", "Iniciar", "empezar"] {
        assert_eq!(read(text, 0).wish, Wish::Start, "{text:?}");
    }
    for text in ["help", "HELP?", "Ayuda", "INFO"] {
        assert_eq!((read(text, 0).wish, read(text, 0).needs), (Wish::Help, Needs::PersonNow), "{text:?}");
    }
    for text in ["Wrong number", "you have the wrong person", "Número equivocado"] {
        assert_eq!(read(text, 0).wish, Wish::WrongNumber, "{text:?}");
    }
}

#[test]
fn what_turns_a_wish_round_or_only_sounds_like_one_is_no_wish() {
    for text in [
        "please don't stop texting me",
        "do not stop sending the reminders",
        "no dejen de escribirme",
        "never stop texting",
        "when does the pain stop",
        "at the end of the week",
        "I had to stop the pills",
        "can we cancel and do tomorrow",
        "the bus stop texting thing was fine",
    ] {
        let reading = read(text, 0);
        assert!(reading.wish == Wish::Nothing || text.starts_with("the bus"), "{text:?}: {reading:?}");
    }
}

#[test]
fn what_may_be_about_how_somebody_feels_goes_to_a_person_at_once() {
    for text in [
        "she can't breathe",
        "chest pain since noon",
        "he fell",
        "911",
        "I think she is dying",
        "mom won't wake up",
        "the morphine is finished",
        "help me please",
        "no puede respirar",
        "mucho dolor",
        "se cayó",
        "está muy mal",
        "tiene fiebre",
        "ayúdeme",
        "🆘",
        "I want to die",
        "bleeding a lot",
        "stop texting me i cant breathe",
    ] {
        assert_eq!(read(text, 0).needs, Needs::PersonNow, "{text:?}");
    }
    for text in ["ok", "Thanks!", "gracias", "Sí", "👍", "yes"] {
        assert_eq!((read(text, 0).needs, read(text, 0).wish), (Needs::Nobody, Wish::Nothing), "{text:?}");
    }
    for text in ["What time on Friday", "Por la tarde no estoy", "xyzzy", "ok but later"] {
        assert_eq!(read(text, 0).needs, Needs::Person, "{text:?}: in doubt it is work, never silence");
    }
    assert_eq!(read("", 1).needs, Needs::Person, "a picture alone");
    assert_eq!(read("ok", 1).needs, Needs::Person, "a picture with a thank-you");
    let both = read("Stop texting me, I can't breathe", 0);
    assert_eq!((both.wish, both.needs), (Wish::Stop, Needs::PersonNow));
    assert!(seems_spanish("no me escriba más") && seems_spanish("Ayuda") && !seems_spanish("please stop"));
}

proptest! {
    #[test]
    fn nothing_anybody_can_write_breaks_the_reading(text in any::<String>(), pictures in 0_u32..3) {
        let reading = read(&text, pictures);
        prop_assert!(!reading.code().is_empty());
        // Whatever else is said around a plain wish to end texts, the wish is heard.
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let wrapped = format!("{digits} please stop texting me");
        prop_assert_eq!(read(&wrapped, 0).wish, Wish::Stop);
    }
}

// Our own words.

fn filling() -> Filling {
    Filling {
        name: "Riverside".to_owned(),
        ring: "+12125550199".to_owned(),
        emergency: emergency_number("US"),
        when: Some(("2026-11-17T20:30:00Z".parse().unwrap(), chrono_tz::America::New_York)),
    }
}

#[test]
fn our_words_say_nothing_of_health_and_fit_into_two_parts() {
    let mut all = String::new();
    for template in Template::ALL {
        for language in [Language::English, Language::Spanish] {
            let text = words(template, language, &filling());
            assert!(count(&text).segments <= 2, "{text}");
            let bare = text.to_lowercase();
            for word in [
                "nurse", "care", "hospice", "pallia", "symptom", "pain", "medic", "patient", "assess", "enferm",
                "dolor", "cuidad", "paciente", "health", "salud", "doctor",
            ] {
                assert!(!bare.contains(word), "{text:?} says {word:?}");
            }
            all.push_str(&format!("{} {}: {text}\n", template.word(), language.tag()));
        }
    }
    insta::assert_snapshot!(all);
}

// When a call is announced.

fn hours(zone: Tz, from: u32, until: u32) -> impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>> {
    move |at| {
        let mut at = at;
        for _ in 0..200 {
            let hour = at.with_timezone(&zone).hour();
            if (from..until).contains(&hour) {
                return Some(at);
            }
            at += Duration::minutes(15);
        }
        None
    }
}

#[test]
fn an_early_call_is_announced_the_evening_before() {
    let zone = chrono_tz::America::New_York;
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let (now, due) = (at("2026-11-16T15:00:00Z"), at("2026-11-17T13:30:00Z"));
    let chosen = remind_at(now, due, Duration::hours(2), hours(zone, 8, 20)).unwrap();
    let local = chosen.with_timezone(&zone);
    assert_eq!(local.format("%a %H:%M").to_string(), "Mon 19:45");
    assert_eq!(remind_at(now, due, Duration::zero(), hours(zone, 8, 20)), None, "an organization that announces none");
    assert_eq!(remind_at(due - Duration::minutes(5), due, Duration::hours(2), hours(zone, 8, 20)), None, "too late");
}

proptest! {
    #[test]
    fn an_announcement_is_never_early_late_or_in_the_night(
        zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        now in 1_700_000_000_i64..2_000_000_000,
        ahead in 1_i64..10_000,
        lead in 1_i64..3000,
        (from, until) in (0_u32..12, 13_u32..24),
    ) {
        let now = Utc.timestamp_opt(now, 0).unwrap();
        let due = now + Duration::minutes(ahead);
        if let Some(at) = remind_at(now, due, Duration::minutes(lead), hours(zone, from, until)) {
            prop_assert!(at >= now && at + Duration::minutes(15) <= due);
            prop_assert!((from..until).contains(&at.with_timezone(&zone).hour()));
        }
    }
}
