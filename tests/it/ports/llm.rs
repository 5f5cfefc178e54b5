//! The OpenAI adapter against the town's model server, in each of its modes; every wait is bounded.

use careline::{
    adapters::openai::{OpenAi, Settings},
    domain::guidance::{Passage, Standing, prompt, verify::Draft},
    ports::{
        OutageKind,
        embeddings::Embeddings,
        llm::{Llm, ModelKey, Prompt},
    },
    simulator::model::{Mode, ModelState, attacks::ATTACKS, router},
};
use futures_util::future::join_all;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const KEY: &str = "town-key";
/// Longest wait for what is bound to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A town model on a port of its own.
async fn town(mode: Mode) -> (ModelState, String) {
    let state = ModelState::new(KEY);
    state.set_mode(mode);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let app = router(state.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (state, base)
}

fn adapter(base_url: &str, key: &str) -> OpenAi {
    OpenAi::new(Settings {
        base_url: base_url.into(),
        key: key.into(),
        chat_model: "town-guide-1".into(),
        embedding_model: "town-stems-256".into(),
    })
    .unwrap()
}

fn prompt() -> Prompt {
    let passage = Passage {
        anchor: "dys-011".into(),
        heading: "Moving air".into(),
        text: "A fan across the face may ease breathlessness. Open a window unless the air is smoky.".into(),
        tags: vec![],
        sha256: vec![],
        standing: Standing::Approved,
    };
    Prompt {
        instructions: prompt::INSTRUCTIONS.into(),
        material: prompt::material("Does a fan help with breathlessness?", [&passage]).unwrap(),
        schema: prompt::schema(),
        max_tokens: prompt::REPLY_TOKENS,
    }
}

#[tokio::test]
async fn a_well_behaved_model_streams_a_readable_draft() {
    let (state, base) = town(Mode::WellBehaved).await;
    let completion = adapter(&base, KEY).complete(&prompt(), &ModelKey::Configured).await.unwrap();
    let draft = Draft::read(&completion.text).unwrap();
    assert_eq!(completion.model, "town-guide-1");
    assert_eq!(draft.statements[0].quotes[0].anchor, "dys-011");
    assert_eq!(state.report().chats, 1);
    assert!(state.report().prompts[0].contains("Moving air"));
}

#[tokio::test]
async fn every_failing_mode_ends_within_its_limit_as_an_outage() {
    let modes = [
        (Mode::Slow, OutageKind::TimedOut),
        (Mode::Hang, OutageKind::TimedOut),
        (Mode::OneByteASecond, OutageKind::TimedOut),
        (Mode::RefuseConnection, OutageKind::Broken),
        (Mode::Error500, OutageKind::Broken),
        (Mode::Throttled, OutageKind::Throttled),
    ];
    join_all(modes.map(|(mode, kind)| async move {
        let (state, base) = town(mode).await;
        // That it ends at all is what counts here; how soon is measured by a bench.
        let ended =
            tokio::time::timeout(PATIENCE, adapter(&base, KEY).complete(&prompt(), &ModelKey::Configured)).await;
        let outage = ended.unwrap_or_else(|_| panic!("{mode:?} never ended")).unwrap_err();
        assert_eq!(outage.kind, kind, "{mode:?}");
        assert_eq!(state.report().chats, 1, "{mode:?} was asked again");
    }))
    .await;
}

#[tokio::test]
async fn garbage_is_an_outage_or_an_unreadable_draft() {
    let (_, base) = town(Mode::Garbage).await;
    for round in 0..4 {
        match adapter(&base, KEY).complete(&prompt(), &ModelKey::Configured).await {
            Ok(completion) => assert!(Draft::read(&completion.text).is_none(), "round {round}"),
            Err(outage) => assert!(
                matches!(outage.kind, OutageKind::Garbled | OutageKind::Broken | OutageKind::TimedOut),
                "round {round}: {outage}"
            ),
        }
    }
}

#[tokio::test]
async fn hostile_replies_arrive_whole_or_are_cut_as_too_long() {
    let (_, base) = town(Mode::Hostile).await;
    let adapter = adapter(&base, KEY);
    let mut whole = 0;
    let mut cut = 0;
    for _ in ATTACKS {
        match adapter.complete(&prompt(), &ModelKey::Configured).await {
            Ok(_) => whole += 1,
            // A busy machine may miss the first token's limit; such a reply says nothing about what arrives.
            Err(outage) if outage.kind == OutageKind::TimedOut => {}
            Err(outage) => {
                assert_eq!(outage.kind, OutageKind::Garbled);
                cut += 1;
            }
        }
    }
    assert!(whole > 0 && cut <= 3, "{whole} whole, {cut} cut");
}

#[tokio::test]
async fn a_wrong_key_and_a_dead_address_are_told_apart() {
    let (_, base) = town(Mode::WellBehaved).await;
    let outage = adapter(&base, "another").complete(&prompt(), &ModelKey::Configured).await.unwrap_err();
    assert_eq!(outage.kind, OutageKind::Refused("invalid_api_key".into()));
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/v1", listener.local_addr().unwrap())
    };
    let outage = adapter(&closed, KEY).complete(&prompt(), &ModelKey::Configured).await.unwrap_err();
    assert_eq!(outage.kind, OutageKind::Unreachable);
    assert!(outage.to_string().contains("base URL"));
}

#[tokio::test]
async fn five_failures_blow_the_fuse_and_the_sixth_question_waits_for_nothing() {
    let (state, base) = town(Mode::Error500).await;
    let adapter = adapter(&base, KEY);
    for _ in 0..5 {
        adapter.complete(&prompt(), &ModelKey::Configured).await.unwrap_err();
    }
    let outage = adapter.complete(&prompt(), &ModelKey::Configured).await.unwrap_err();
    assert_eq!(outage.kind, OutageKind::Unreachable);
    assert_eq!(state.report().chats, 5);
}

#[tokio::test]
async fn a_prompt_beyond_the_token_budget_is_not_sent() {
    let (state, base) = town(Mode::WellBehaved).await;
    let mut prompt = prompt();
    prompt.material = "breath ".repeat(20_000);
    let outage = adapter(&base, KEY).complete(&prompt, &ModelKey::Configured).await.unwrap_err();
    assert_eq!(outage.kind, OutageKind::Refused("prompt_too_long".into()));
    assert_eq!(state.report().chats, 0);
}

#[tokio::test]
async fn embeddings_come_in_order_and_related_words_are_near() {
    let (state, base) = town(Mode::WellBehaved).await;
    let mut texts: Vec<String> = (0..70).map(|number| format!("filler text number {number}")).collect();
    texts[0] = "breathlessness eased by a fan".into();
    texts[69] = "fans ease the breathless".into();
    let vectors = adapter(&base, KEY).embed(&texts, &ModelKey::Configured).await.unwrap();
    let dot = |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(a, b)| a * b).sum::<f32>();
    assert_eq!(vectors.len(), 70);
    assert!((dot(&vectors[0], &vectors[0]) - 1.0).abs() < 1e-4);
    assert!(dot(&vectors[0], &vectors[69]) > 0.5);
    assert!(dot(&vectors[0], &vectors[5]) < 0.3);
    assert_eq!(state.report().embeddings, 2);
}

#[tokio::test]
async fn embeddings_of_a_model_in_trouble_are_an_outage_within_their_limit() {
    let modes = [Mode::Hang, Mode::Error500, Mode::Garbage, Mode::OneByteASecond, Mode::Throttled];
    join_all(modes.map(|mode| async move {
        let (_, base) = town(mode).await;
        let (adapter, words) = (adapter(&base, KEY), ["breathless".to_owned()]);
        let ended = tokio::time::timeout(PATIENCE, adapter.embed(&words, &ModelKey::Configured)).await;
        ended.unwrap_or_else(|_| panic!("{mode:?} never ended")).unwrap_err();
    }))
    .await;
}

/// Everything that is logged on this thread, at every level.
#[derive(Clone, Default)]
struct Ears(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Ears {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_a_model_says_reaches_the_log() {
    let ears = Ears::default();
    let writer = ears.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    tracing::info!("the control is heard");
    for mode in [Mode::Garbage, Mode::Error500, Mode::Throttled, Mode::RefuseConnection, Mode::Hostile] {
        let (_, base) = town(mode).await;
        let adapter = adapter(&base, KEY);
        for _ in 0..4 {
            let _ = adapter.complete(&prompt(), &ModelKey::Configured).await;
            let _ = adapter.embed(&["breathless".to_owned()], &ModelKey::Configured).await;
        }
    }
    let heard = String::from_utf8_lossy(&ears.0.lock().unwrap()).into_owned();
    assert!(heard.contains("the control is heard"));
    let said = ["Sure! I think", "Sit upr", "<<<", "Bad Gateway", "welcome to the proxy", "had an error", "Rate limit"];
    for words in said.into_iter().chain(["no healthy", "morphine", "breathless", KEY]) {
        assert!(!heard.contains(words), "the log says {words}");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    for (base_url, key) in [("not a url", KEY), ("http://127.0.0.1:1/v1", "bad\nkey")] {
        let settings = Settings {
            base_url: base_url.into(),
            key: key.into(),
            chat_model: "m".into(),
            embedding_model: "e".into(),
        };
        assert!(OpenAi::new(settings).is_err());
    }
}
