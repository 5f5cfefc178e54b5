//! Promise 4, without a wire: what a model in an attacker's hands writes, and what is left of it.

use careline::{
    domain::guidance::{
        Badge, ORDER_ONLY_TAG, Outcome, Passage, ProtocolRef, Refusal, Shown, Standing, Statement, WhyPassages,
        choose::{Found, choose, fuse},
        extract::extract,
        prompt,
        scope::out_of_scope,
        scrub::scrub,
        text,
        verify::{Draft, DraftQuote, DraftStatement, Fault, verify},
    },
    simulator::model::{Material, attacks::ATTACKS},
};
use proptest::prelude::*;

fn passage(anchor: &str, heading: &str, text: &str) -> Passage {
    Passage {
        anchor: anchor.into(),
        heading: heading.into(),
        text: text.into(),
        tags: vec![],
        sha256: vec![1],
        standing: Standing::Unsigned,
    }
}

fn shelf() -> Vec<Passage> {
    let mut order = passage("dys-040", "Rescue medicine", "Give morphine 2.5 mg by mouth if the order says so.");
    order.tags.push(ORDER_ONLY_TAG.into());
    vec![
        passage(
            "dys-010",
            "Position",
            "Sitting upright and leaning forward on a table can ease breathing. Do not lay a breathless person flat.",
        ),
        passage(
            "dys-011",
            "Moving air",
            "A hand-held fan that blows cool air across the face may ease the feeling of breathlessness. \
             Keep the fan at least 15 cm from the face. Open a window unless the air outside is smoky.",
        ),
        passage(
            "dys-012",
            "When to worry",
            "Call 911 if the lips are blue. Breathing faster than 30 times a minute is a warning sign. \
             Check again after 15 minutes.",
        ),
        order,
    ]
}

fn material(passages: &[Passage]) -> Material {
    let text = prompt::material("What helps when she is breathless?", passages).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The oracle, written apart from the verifier: a statement is quoted if its words stand in its span in that order,
/// its span stands in the passage it names, that passage is advice, and a sentence with digits is whole.
fn is_quoted(statement: &Statement, passages: &[Passage]) -> bool {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = |text: &str| -> Vec<String> {
        text.split_whitespace()
            .map(|word| word.trim_matches(['.', ',', ';', ':', '!', '?', '(', ')']).to_lowercase())
            .filter(|word| !word.is_empty())
            .collect()
    };
    !statement.quotes.is_empty()
        && statement.quotes.iter().all(|quote| {
            let home = passages.iter().find(|passage| passage.anchor == quote.anchor && !passage.is_order_only());
            let mut written = bare(&quote.span).into_iter();
            let in_order = bare(&statement.text).iter().all(|word| written.any(|other| other == *word));
            let denials = |text: &str| {
                bare(text)
                    .iter()
                    .filter(|word| ["not", "never", "unless", "if", "than"].contains(&word.as_str()))
                    .count()
            };
            home.is_some_and(|home| flat(&home.text).contains(&flat(&quote.span)))
                && in_order
                && denials(&statement.text) == denials(&quote.span)
                && (!quote.span.contains(|letter: char| letter.is_ascii_digit()) || statement.text == quote.span)
                && !statement.text.contains(['<', '[', ']', '!'])
        })
}

fn draft(text: &str, anchor: &str, span: &str) -> Draft {
    let quotes = vec![DraftQuote { anchor: anchor.into(), span: span.into() }];
    Draft { statements: vec![DraftStatement { text: text.into(), quotes }], abstain: false }
}

fn fault(text: &str, anchor: &str, span: &str) -> Option<Fault> {
    verify(&draft(text, anchor, span), &shelf()).rejected.first().map(|rejected| rejected.fault)
}

#[test]
fn no_attack_of_a_hostile_model_shows_an_unquoted_word() {
    let passages = shelf();
    assert!(ATTACKS.len() >= 30);
    for attack in ATTACKS {
        let reply = attack.wage(&material(&passages));
        let Some(draft) = Draft::read(&reply) else { continue };
        for statement in verify(&draft, &passages).statements {
            assert!(is_quoted(&statement, &passages), "{} showed: {}", attack.name, statement.text);
        }
    }
}

#[test]
fn control_without_the_verifier_the_attacks_show_unquoted_words() {
    let passages = shelf();
    let mut shown = 0;
    for attack in ATTACKS {
        let reply = attack.wage(&material(&passages));
        let Some(draft) = Draft::read(&reply) else { continue };
        let accepted = draft.statements.iter().map(|draft| Statement {
            text: draft.text.clone(),
            quotes: draft
                .quotes
                .iter()
                .map(|quote| careline::domain::guidance::Quote {
                    anchor: quote.anchor.clone(),
                    heading: String::new(),
                    span: quote.span.clone(),
                })
                .collect(),
        });
        shown += usize::from(accepted.into_iter().any(|statement| !is_quoted(&statement, &passages)));
    }
    assert!(shown >= 40, "only {shown} attacks would have shown something; the test above proves little");
}

#[test]
fn an_honest_statement_is_shown_with_its_whole_sentence() {
    let whole = "Sitting upright and leaning forward on a table can ease breathing.";
    let shown =
        verify(&draft(whole, "dys-010", "Sitting  upright and leaning\nforward on a table"), &shelf()).statements;
    assert_eq!(shown[0].text, whole);
    assert_eq!(shown[0].quotes[0].span, whole);
    assert_eq!(shown[0].quotes[0].heading, "Position");
}

#[test]
fn a_shortened_sentence_without_numbers_or_medicines_is_shown() {
    let shown = verify(&draft("Leaning forward can ease breathing", "dys-010", "leaning forward on a table"), &shelf());
    assert_eq!(shown.statements.len(), 1, "{:?}", shown.rejected);
}

#[test]
fn each_way_to_lie_has_its_name() {
    let fan = "A hand-held fan that blows cool air across the face may ease the feeling of breathlessness.";
    let upright = "Sitting upright and leaning forward on a table can ease breathing.";
    let far = "Keep the fan at least 15 cm from the face.";
    let cases = [
        (fault(fan, "dys-010", fan), Fault::Misattributed),
        (fault(fan, "dys-999", fan), Fault::Misattributed),
        (fault("x", "dys-010", "Sitting upright and leaning across the face"), Fault::Frankenquote),
        (fault("x", "dys-010", "Give morphine by the spoon"), Fault::Fabricated),
        (fault("Lay a breathless person flat.", "dys-010", "lay a breathless person flat"), Fault::Cut),
        (fault("Open a window", "dys-011", "Open a window unless"), Fault::Cut),
        (fault("Keep the fan at least 5 cm from the face.", "dys-011", far), Fault::UnquotedMeasure),
        (fault("Keep the fan from the face.", "dys-011", far), Fault::UnquotedMeasure),
        (fault("Call 911", "dys-012", "Call 911 if the lips are blue."), Fault::Disposition),
        (fault("Start oxygen.", "dys-010", upright), Fault::MedicineChange),
        (fault("This is not urgent", "dys-010", upright), Fault::Disposition),
        (fault(&format!("<b>{upright}</b>"), "dys-010", upright), Fault::Markup),
        (fault("Breathing can ease upright", "dys-010", upright), Fault::UnquotedWords),
        (
            fault("Give morphine 2.5 mg by mouth if the order says so.", "dys-040", "Give morphine 2.5 mg by mouth"),
            Fault::OrderOnly,
        ),
        (fault("5 cm from the face", "dys-011", "5 cm from the face"), Fault::Fabricated),
        (fault("breathing", "dys-010", "breathing"), Fault::TooShort),
    ];
    for (place, (found, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(found, Some(wanted), "case {place}");
    }
    assert_eq!(
        verify(
            &Draft { statements: vec![DraftStatement { text: fan.into(), quotes: vec![] }], abstain: false },
            &shelf()
        )
        .rejected[0]
            .fault,
        Fault::Unquoted
    );
}

#[test]
fn a_reply_that_is_not_exactly_the_schema_is_not_read() {
    assert!(Draft::read(r#"{"statements":[],"abstain":true}"#).is_some());
    for reply in [
        "Sit up.",
        r#"{"statements": [{"text": "Sit upr"#,
        r#"{"statements":[],"abstain":true,"disposition":"self_care"}"#,
        "```json\n{\"statements\":[],\"abstain\":true}\n```",
        r#"{"statements":[],"statements":[],"abstain":true}"#,
    ] {
        assert!(Draft::read(reply).is_none(), "{reply}");
    }
    assert!(Draft::read(&format!("{}{}", r#"{"statements":[],"abstain":true}"#, " ".repeat(20_000))).is_none());
}

fn word() -> impl Strategy<Value = String> {
    let known: Vec<String> = shelf()
        .iter()
        .flat_map(|passage| passage.text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .chain(["not", "10", "mg", "morphine", "<b>", "911", "never", "safe", "![", "5", "."].map(str::to_owned))
        .collect();
    prop_oneof![9 => proptest::sample::select(known), 1 => "[a-zA-Z0-9<>.,!-]{1,8}"]
}

/// A stretch of a passage, whole or with one word changed, dropped, doubled or moved.
fn bent() -> impl Strategy<Value = String> {
    (0..shelf().len(), any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), word(), 0..6).prop_map(
        |(place, from, to, other, how)| {
            let passages = shelf();
            let words: Vec<&str> = passages[place].text.split_whitespace().collect();
            let (from, to) = (from.index(words.len()), to.index(words.len()));
            let mut words: Vec<String> =
                words[from.min(to)..=from.max(to)].iter().map(|word| (*word).to_owned()).collect();
            let middle = words.len() / 2;
            match how {
                0 => words[middle] = other,
                1 => drop(words.remove(middle)),
                2 => words.insert(middle, other),
                3 => words.reverse(),
                _ => {}
            }
            words.join(" ")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_that_is_not_in_a_passage_survives(
        text in prop_oneof![bent(), proptest::collection::vec(word(), 1..12).prop_map(|words| words.join(" "))],
        span in bent(),
        same in any::<bool>(),
        anchor in proptest::sample::select(vec!["dys-010", "dys-011", "dys-012", "dys-040", "dys-404"]),
    ) {
        let passages = shelf();
        let text = if same { span.clone() } else { text };
        for statement in verify(&draft(&text, anchor, &span), &passages).statements {
            prop_assert!(is_quoted(&statement, &passages), "{}", statement.text);
        }
    }

    #[test]
    fn every_whole_sentence_survives_under_its_own_anchor(place in 0..3_usize, which in any::<proptest::sample::Index>()) {
        let passages = shelf();
        let text = text::normalise(&passages[place].text);
        let sentences = text::sentences(&text);
        let sentence = &text[sentences[which.index(sentences.len())].clone()];
        let verified = verify(&draft(sentence, &passages[place].anchor, sentence), &passages);
        prop_assert_eq!(verified.statements.len(), 1, "{}", sentence);
    }

    #[test]
    fn extracted_sentences_are_verbatim(question in "[a-z ]{0,60}") {
        let passages = shelf();
        for statement in extract(&question, &passages) {
            prop_assert!(is_quoted(&statement, &passages));
        }
    }

    #[test]
    fn verification_never_breaks_on_any_text(text in "\\PC{0,80}", span in "\\PC{0,80}") {
        let _ = verify(&draft(&text, "dys-010", &span), &shelf());
        let _ = Draft::read(&text);
        let _ = scrub(&text, &[span]);
        let _ = out_of_scope(&text);
    }
}

#[test]
fn without_a_model_the_nearest_sentences_answer() {
    let answer = extract("Does a fan help with breathlessness?", &shelf());
    assert_eq!(answer[0].quotes[0].anchor, "dys-011");
    assert!(answer.len() <= 3);
    assert!(answer.iter().all(|statement| !statement.text.contains("morphine")));
}

#[test]
fn a_passage_that_needs_an_order_is_shown_only_with_its_warning() {
    let passages = shelf();
    let shown = Shown::passages_only(WhyPassages::OrdersOnly, &passages[3..], protocol());
    assert_eq!(shown.outcome, Outcome::PassagesOnly);
    assert_eq!(shown.passages[0].badge, Some(Badge::OrderOnly));
    assert!(extract("morphine by mouth", &passages[3..]).is_empty());
    assert!(!prompt::material("morphine", &passages).unwrap().contains("2.5 mg"));
}

fn protocol() -> ProtocolRef {
    ProtocolRef { id: "dyspnea".into(), version: "1.2.0".into() }
}

fn found(anchor: &str, lexical: f32, cosine: Option<f32>) -> Found {
    Found { anchor: anchor.into(), lexical, cosine }
}

#[test]
fn ranks_of_words_and_of_meaning_are_fused() {
    let order = fuse(&[(1.0, Some(0.9)), (3.0, Some(0.8)), (2.0, None), (0.0, Some(0.1))]);
    let places: Vec<usize> = order.iter().map(|(place, _)| *place).collect();
    assert_eq!(places[..2], [1, 0]);
    assert_eq!(places[2..], [2, 3]);
}

#[test]
fn what_is_below_the_floor_of_relevance_is_refused_with_a_name_to_ask() {
    let found = [found("dys-011", 0.4, Some(0.1))];
    assert!(choose("Does the fan help breathlessness?", &found, &shelf()).is_ok());
    let refusal = choose("Where do I renew a parking permit?", &found, &shelf()).unwrap_err();
    assert_eq!(refusal, Refusal::NothingRelevant);
    let shown = Shown::refused(refusal, protocol());
    assert!(shown.whom_to_ask.is_some() && shown.statements.is_empty() && shown.passages.is_empty());
    assert!(shown.banner.unwrap().contains("dyspnea 1.2.0"));
}

#[test]
fn a_passage_of_another_version_is_never_chosen() {
    assert_eq!(
        choose("fan breathlessness", &[found("old-001", 9.0, Some(1.0))], &shelf()).unwrap_err(),
        Refusal::NothingRelevant
    );
}

#[test]
fn questions_out_of_scope_are_refused_by_their_kind() {
    for (question, refusal) in [
        ("Can I double the morphine dose?", Refusal::DoseArithmetic),
        ("How do I convert oxycodone to fentanyl patch?", Refusal::DoseArithmetic),
        ("How many mg of morphine can he have?", Refusal::DoseArithmetic),
        ("How long does she have left to live?", Refusal::Prognosis),
        ("Is he going to die tonight?", Refusal::Prognosis),
        ("Is this pneumonia?", Refusal::Diagnosis),
        ("What is causing the breathlessness?", Refusal::Diagnosis),
        ("Can the family sue us?", Refusal::Legal),
    ] {
        assert_eq!(out_of_scope(question), Some(refusal), "{question}");
    }
    for question in [
        "What helps with breathlessness at night?",
        "How should she sit?",
        "How long should the fan be used?",
        "How often should I check again?",
        "What if the lips turn blue?",
        "Is a fan safe with oxygen?",
        "What can I tell the family about breathlessness?",
    ] {
        assert_eq!(out_of_scope(question), None, "{question}");
    }
}

#[test]
fn a_question_loses_its_identifiers_and_keeps_its_measurements() {
    let names = ["Rosa".to_owned(), "Garcia-Lopez".to_owned()];
    for (question, scrubbed) in [
        ("Does Rosa's fan help?", "Does [name]'s fan help?"),
        ("Mrs. Garcia Lopez is breathless", "Mrs. [name] [name] is breathless"),
        ("call daughter at +1 (212) 555-0123, please", "call daughter at [number], please"),
        ("MRN 00482913 sat 88%?", "MRN [number] sat 88%?"),
        ("born 3/4/1951, temp 38.5, BP 120/80", "born [date], temp [date-free]"),
        ("since March 4th, 1951 worse", "since [date] worse"),
        ("mail rosa@example.com", "mail [removed]"),
    ] {
        if scrubbed.contains("date-free") {
            let kept = scrub(question, &names);
            assert_eq!(kept, "born [date], temp 38.5, BP 120/80");
        } else {
            assert_eq!(scrub(question, &names), scrubbed);
        }
    }
}

#[test]
fn normalising_changes_no_number_unit_or_case() {
    assert_eq!(
        text::normalise("2.5\u{a0}mg  \u{201c}Now\u{201d} \u{2013} 38.0 \u{b0}C"),
        "2.5 mg \"Now\" - 38.0 \u{b0}C"
    );
    assert_eq!(text::normalise("10\u{2076}"), "10\u{2076}");
    assert!(text::find_whole("give 15 mg", "5 mg").is_none());
    assert!(text::find_whole("give 1.5 mg", "5 mg").is_none());
    assert!(text::find_whole("below <38 C", "38 C").is_none());
    assert!(text::find_whole("give 5 mg.", "5 mg").is_some());
    assert!(text::find_whole("give 2.5", "2").is_none());
}
