//! A check-in by text as a rule: replies lead where keys and a nurse's form lead, no reply is taken for an answer that it is
//! not, and no order of replies hangs, skips a red flag or makes up an answer.

use super::check_in::{by_form, package};
use careline::domain::{
    check_in::{
        Dialogue, Lead, MOST_TRIES, Move, Opening, Said, Sheet, Spoken, looks_like_an_answer,
        opening::{OpeningLead, OpeningParting, ask, part},
        to_opening, to_question,
    },
    contact_hours::Channel,
    people::Language,
    protocol::{Evaluation, Inputs, Package, evaluate},
    script::{Prompt, Scene},
    text::{reading, templates::Filling},
};
use proptest::prelude::*;

fn said(sheet: &Sheet, place: usize, body: &str) -> Said {
    to_question(body, sheet.at(place).unwrap().keys, reading::read(body, 0))
}

/// What texts bring about that are answered with these replies in turn: inputs, and what came of them.
fn by_text(package: &Package, replies: &[String]) -> (Inputs, Evaluation) {
    let sheet = Sheet::by(package, Channel::Text).unwrap();
    let mut dialogue = Dialogue::default();
    let mut inputs = Inputs::default();
    let mut found = evaluate(&package.protocol, &inputs);
    for reply in replies {
        let heard = said(&sheet, dialogue.place, reply);
        let Move::Took { question, code } = dialogue.hear(&sheet, heard) else { panic!("{reply} is an answer") };
        inputs.answers.insert(question.clone(), package.protocol.read_answer(&question, &code).unwrap());
        found = evaluate(&package.protocol, &inputs);
        if found.ends_questions || dialogue.go_on(&sheet, &code) == Move::Over {
            break;
        }
    }
    (inputs, found)
}

/// A yes or a no as people write it, with the code it means.
fn flag() -> impl Strategy<Value = (String, &'static str)> {
    let no = proptest::sample::select(vec!["no", "No.", "NO", "n", "nope", "No thanks", "no gracias", " no "]);
    let yes = proptest::sample::select(vec!["yes", "Yes!", "y", "sí", "Si", "YES please"]);
    prop_oneof![
        40 => no.prop_map(|word| (word.to_owned(), "no")),
        1 => yes.prop_map(|word| (word.to_owned(), "yes")),
    ]
}

/// A number as people write it, with the code it means.
fn number() -> impl Strategy<Value = (String, String)> {
    const ENGLISH: [&str; 11] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    const SPANISH: [&str; 11] =
        ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"];
    (0_usize..=10, 0_u8..9).prop_map(|(number, way)| {
        let written = match way {
            0 => format!("{number}."),
            1 => format!("{number}/10"),
            2 => format!("{number} out of 10"),
            3 => format!("{number} de 10"),
            4 => ENGLISH[number].to_owned(),
            5 => SPANISH[number].to_uppercase(),
            6 => format!("it's a {number}"),
            7 => format!("0{number}"),
            _ => number.to_string(),
        };
        (written, number.to_string())
    })
}

fn replies() -> impl Strategy<Value = Vec<(String, String)>> {
    let flags = prop::collection::vec(flag().prop_map(|(reply, code)| (reply, code.to_owned())), 9);
    (flags, prop::collection::vec(number(), 9)).prop_map(|(mut flags, numbers)| {
        flags.extend(numbers);
        flags
    })
}

proptest! {
    #[test]
    fn however_it_is_written_the_level_is_the_one_of_the_keys_and_of_a_nurse(given in replies()) {
        let package = package();
        let (written, codes): (Vec<String>, Vec<String>) = given.into_iter().unzip();
        let (inputs, found) = by_text(package, &written);
        let (by_keys, of_keys) = super::check_in::by_keys(package, &codes);
        prop_assert_eq!(&inputs, &by_keys, "texts and keys give the same answers");
        prop_assert_eq!(&found, &of_keys);
        prop_assert_eq!(&found, &by_form(package, &inputs));
    }

    #[test]
    fn no_order_of_replies_makes_up_an_answer_passes_over_a_red_flag_or_goes_on_for_ever(
        written in prop::collection::vec(prop_oneof![
            Just("no".to_owned()), Just("7".to_owned()), Just("11".to_owned()), Just("back".to_owned()),
            Just("again".to_owned()), "[a-z]{0,12}", "\\PC{0,40}",
        ], 1..200)
    ) {
        let package = package();
        let sheet = Sheet::by(package, Channel::Text).unwrap();
        let mut dialogue = Dialogue::default();
        for body in &written {
            let before = dialogue.place;
            match dialogue.hear(&sheet, said(&sheet, before, body)) {
                Move::Took { question, code } => {
                    prop_assert!(package.protocol.read_answer(&question, &code).is_ok());
                    if dialogue.go_on(&sheet, &code) == Move::Over { break; }
                }
                Move::Ask(lead) => {
                    prop_assert!(lead != Lead::Skipped || !sheet.at(before).unwrap().is_red_flag);
                    prop_assert!(dialogue.place <= before || lead == Lead::Skipped);
                    prop_assert!(dialogue.tries < MOST_TRIES);
                }
                Move::Person | Move::Silent | Move::Over => break,
            }
        }
    }
}

#[test]
fn a_reader_that_takes_every_no_for_an_answer_would_be_seen() {
    // The control of the property: the same replies read with one of them misunderstood come out differently.
    let package = package();
    let mut written: Vec<String> = std::iter::repeat_n("no".to_owned(), 9).collect();
    written.extend(["7", "0", "0", "0", "0", "0", "0", "0", "0"].map(str::to_owned));
    let (_, found) = by_text(package, &written);
    written[9] = "1".to_owned();
    let (misread, other) = by_text(package, &written);
    assert_ne!(found, other);
    assert_ne!(found, by_form(package, &misread));
}

#[test]
fn what_is_no_plain_answer_is_taken_for_none() {
    let sheet = Sheet::by(package(), Channel::Text).unwrap();
    for (place, body, expected) in [
        (0, "7", Said::Nothing),
        (0, "yes and no", Said::Words),
        (0, "not really, only when I lie down", Said::Words),
        (9, "11", Said::Nothing),
        (9, "-3", Said::Nothing),
        (9, "7.5", Said::Nothing),
        (9, "7,5", Said::Nothing),
        (9, "3 or 4", Said::Words),
        (9, "7 7", Said::Nothing),
        (9, "yes", Said::Nothing),
        (9, "", Said::Nothing),
        (9, "much better today", Said::Words),
        (9, "PERSON", Said::Person),
        (9, "persona", Said::Person),
        (0, "call me please", Said::Person),
        (9, "I cant breathe", Said::Person),
        (9, "me duele mucho", Said::Person),
        (9, "atrás", Said::Back),
        (9, "again", Said::Again),
        (9, "0", Said::Answer("0".to_owned())),
        (9, "Diez", Said::Answer("10".to_owned())),
        (0, "Sí", Said::Answer("yes".to_owned())),
    ] {
        assert_eq!(said(&sheet, place, body), expected, "{body:?} at {place}");
    }
    assert!(looks_like_an_answer("no") && looks_like_an_answer("8") && !looks_like_an_answer("thank you"));
}

#[test]
fn a_date_is_read_however_it_is_typed_and_nothing_else_counts_as_an_entry() {
    let read = |scene, body: &str| to_opening(body, scene, reading::read(body, 0));
    for body in ["04121948", "04/12/1948", "4/12/1948", "4-12-1948", " 04 12 1948. "] {
        assert_eq!(read(Scene::BirthDate, body), Opening::Entry("04121948".to_owned()), "{body}");
    }
    assert_eq!(read(Scene::CallCode, "4821"), Opening::Entry("4821".to_owned()));
    assert_eq!(read(Scene::WhoIsThere, "Yes"), Opening::Entry("1".to_owned()));
    assert_eq!(read(Scene::WhoIsThere, "sí"), Opening::Entry("1".to_owned()));
    assert_eq!(read(Scene::WhoIsThere, "3"), Opening::NotNow);
    assert_eq!(read(Scene::WhoIsThere, "más tarde"), Opening::NotNow);
    assert_eq!(read(Scene::BirthDate, "who is this?"), Opening::Words);
    assert_eq!(read(Scene::BirthDate, "PERSONA"), Opening::Person);
}

#[test]
fn words_of_their_own_are_asked_about_once_and_then_left_to_a_person() {
    let sheet = Sheet::by(package(), Channel::Text).unwrap();
    let mut number = Dialogue { place: 9, ..Dialogue::default() };
    assert_eq!(number.hear(&sheet, Said::Words), Move::Ask(Lead::NotAnAnswer));
    assert_eq!(number.hear(&sheet, Said::Words), Move::Ask(Lead::Skipped));
    assert_eq!((number.place, number.words), (10, 0));
    let mut flag = Dialogue::default();
    assert_eq!(flag.hear(&sheet, Said::Words), Move::Ask(Lead::NotAnAnswer));
    assert_eq!(flag.hear(&sheet, Said::Words), Move::Person);
}

#[test]
fn nothing_of_health_is_written_before_identity_is_proven() {
    let with = Filling { name: "Riverside".to_owned(), ring: "+12125550199".to_owned(), emergency: "911", when: None };
    let prompts =
        [Prompt::WhoIsThere, Prompt::BirthDate, Prompt::CallCode, Prompt::CaregiverCode, Prompt::CaregiverBirthDate];
    let leads = [OpeningLead::Fresh, OpeningLead::DidNotMatch, OpeningLead::StillThere, OpeningLead::NotAnAnswer];
    let partings = [
        OpeningParting::NotProven,
        OpeningParting::CaregiverMayNot,
        OpeningParting::Later,
        OpeningParting::PersonLater,
        OpeningParting::Person,
    ];
    let mut written = Vec::new();
    for language in [Language::English, Language::Spanish] {
        written.extend(prompts.iter().flat_map(|prompt| leads.map(|lead| ask(language, lead, *prompt, &with))));
        written.extend(partings.map(|parting| part(language, parting, &with)));
    }
    let clinical = [
        "nurse",
        "enfermera",
        "health",
        "salud",
        "hospice",
        "hospicio",
        "palliative",
        "pain",
        "dolor",
        "symptom",
        "check-in",
        "control",
        "patient",
        "paciente",
        "doctor",
        "medic",
    ];
    let found = |text: &str| clinical.iter().find(|word| text.to_lowercase().contains(**word)).copied();
    for text in &written {
        assert_eq!(found(text), None, "{text}");
    }
    // The control: a text of the protocol itself would be found.
    let spoken = Spoken {
        package: package(),
        language: Language::English,
        organization: "Riverside Home Hospice",
        emergency_number: "911",
    };
    assert!(found(&spoken.told("script.text.begin")).is_some());
}

#[test]
fn what_is_written_in_each_language() {
    let sheet = Sheet::by(package(), Channel::Text).unwrap();
    let mut written = Vec::new();
    for language in [Language::English, Language::Spanish] {
        let spoken =
            Spoken { package: package(), language, organization: "Riverside Home Hospice", emergency_number: "911" };
        written.push(format!("--- {language:?}"));
        for place in 0..sheet.len() {
            let lead = if place == 0 { Lead::Begin } else { Lead::Took("7".to_owned()) };
            written.push(spoken.ask_by_text(&sheet, place, &lead));
        }
        written.push(spoken.ask_by_text(&sheet, 9, &Lead::NotUnderstood));
        written.push(spoken.ask_by_text(&sheet, 9, &Lead::NotAnAnswer));
        written.push(spoken.ask_by_text(&sheet, 0, &Lead::NotHeard));
        written.push(spoken.ask_by_text(&sheet, 10, &Lead::Skipped));
        for key in ["person", "end", "silent", "closed"] {
            written.push(spoken.told(&format!("script.text.{key}")));
        }
        written.push(spoken.red_flag_by_text(Some("rf_u_chest_pain")));
        written.push(spoken.red_flag_by_text(Some("rf_u_suicidal")));
    }
    let written = written.join("\n");
    assert!(!written.contains('{') && !written.contains("script."), "a blank was left open: {written}");
    insta::assert_snapshot!(written);
}
