//! The speech port: every engine, the offline one included, hears the same people through the same suite. Those with a wire
//! meet the town's servers, which also misbehave.

use careline::{
    adapters::{
        deepgram::Deepgram, hearing::EngineSettings, realtime::Realtime, tones::ToneTranscriber,
        transcriptions::Transcriptions,
    },
    domain::{
        people::Language,
        tones::{FRAME, SILENCE, frames},
    },
    flows::hear_leg::replay::{MOST_FRAMES, Replay, Voiced},
    ports::{
        Outage, OutageKind,
        speech::{Heard, Listen, Sound, Speech, SpeechKey},
    },
    simulator::speech::{Conduct, SpeechState, router},
};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;

const KEY: &str = "a-key-of-the-ward";
const FROM_MS: u64 = 4_000;
const SENTENCES: [&str; 3] = ["Six right now", "It is worse at night", "only clear sputum"];

/// The engines of a town, and the offline one.
pub struct Engines {
    pub town: SpeechState,
    pub wired: Vec<Arc<dyn Speech>>,
}

impl Engines {
    pub async fn open() -> Self {
        let town = SpeechState::new(KEY);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let routes = router(town.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let settings = |model: &str| EngineSettings {
            base_url: base_url.clone(),
            key: KEY.to_owned().into(),
            model: model.to_owned(),
        };
        let wired: Vec<Arc<dyn Speech>> = vec![
            Arc::new(Deepgram::new(settings("nova-3")).unwrap()),
            Arc::new(Realtime::new(settings("gpt-4o-transcribe")).unwrap()),
            Arc::new(Transcriptions::new(settings("whisper-1")).unwrap()),
        ];
        Self { town, wired }
    }

    fn all(&self) -> Vec<Arc<dyn Speech>> {
        self.wired.iter().cloned().chain([Arc::new(ToneTranscriber) as Arc<dyn Speech>]).collect()
    }
}

/// What came of a leg that was listened to: the words, and how it ended.
struct Told {
    heard: Vec<Heard>,
    end: Result<(), Outage>,
}

impl Told {
    fn finals(&self) -> Vec<String> {
        let text = |heard: &Heard| match heard {
            Heard::Final { text, .. } => Some(text.reveal().clone()),
            Heard::Interim { .. } => None,
        };
        self.heard.iter().filter_map(text).collect()
    }

    fn kind(&self) -> Option<OutageKind> {
        self.end.clone().err().map(|outage| outage.kind)
    }
}

fn english() -> Listen {
    Listen { language: Language::English, key: SpeechKey::Configured }
}

/// Speaks to an engine until the leg is hung up, and hears it out.
async fn told(engine: &dyn Speech, wanted: &Listen, sounds: Vec<Sound>) -> Told {
    let hearing = match engine.listen(wanted).await {
        Ok(hearing) => hearing,
        Err(outage) => return Told { heard: Vec::new(), end: Err(outage) },
    };
    let (audio, mut words) = (hearing.audio, hearing.words);
    let speak = async move {
        for sound in sounds {
            if audio.send(sound).await.is_err() {
                return;
            }
        }
    };
    let hear = async move {
        let mut told = Told { heard: Vec::new(), end: Ok(()) };
        while let Some(word) = words.recv().await {
            match word {
                Ok(heard) => told.heard.push(heard),
                Err(outage) => told.end = Err(outage),
            }
        }
        told
    };
    tokio::join!(speak, hear).1
}

/// Sentences with a pause of 1.6 s after each, and when each begins and ends in milliseconds of the leg.
fn said(sentences: &[&str]) -> (Vec<Sound>, Vec<(u64, u64)>) {
    let (mut sounds, mut times, mut at_ms) = (Vec::new(), Vec::new(), FROM_MS);
    for sentence in sentences {
        let spoken = frames(sentence);
        times.push((at_ms, at_ms + 20 * u64::try_from(spoken.len()).unwrap()));
        for bytes in spoken.into_iter().chain(std::iter::repeat_n(vec![SILENCE; FRAME], 80)) {
            sounds.push(Sound::Ulaw { at_ms, bytes });
            at_ms += 20;
        }
    }
    (sounds, times)
}

/// What is wrong with what was heard of these sentences: the detector of the suite.
fn faults(told: &Told, sentences: &[&str], times: &[(u64, u64)]) -> Vec<String> {
    let mut faults = Vec::new();
    if told.finals() != sentences {
        faults.push(format!("{:?} was heard", told.finals()));
    }
    let (mut place, mut before) = (0, 0);
    for heard in &told.heard {
        let Heard::Final { from_ms, to_ms, words, text, .. } = heard else { continue };
        let (from, to) = times.get(place).copied().unwrap_or_default();
        place += 1;
        if from_ms.abs_diff(from) > 260 || to_ms.abs_diff(to) > 260 || from_ms < &before {
            faults.push(format!("{from_ms} to {to_ms} is not {from} to {to}"));
        }
        before = *from_ms;
        if !words.is_empty() {
            let timed: Vec<&str> = words.iter().map(|word| word.text.reveal().as_str()).collect();
            let in_order = words.windows(2).all(|pair| pair[0].to_ms <= pair[1].from_ms);
            if timed.join(" ") != *text.reveal() || !in_order || words[0].from_ms.abs_diff(from) > 260 {
                faults.push("words without their times".to_owned());
            }
        }
    }
    faults
}

#[tokio::test]
async fn every_engine_says_what_was_said_in_its_order_and_with_its_times() {
    let engines = Engines::open().await;
    let (sounds, times) = said(&SENTENCES);
    for engine in engines.all() {
        let told = told(&*engine, &english(), sounds.clone()).await;
        assert_eq!(told.end, Ok(()), "{}", engine.name());
        assert_eq!(faults(&told, &SENTENCES, &times), Vec::<String>::new(), "{}", engine.name());
    }
    // The control: a provider that tells things in the wrong order, on a wire that has no order of its own.
    engines.town.conduct_next(&[Conduct::SwapsFinals]);
    let swapped = told(&*engines.wired[0], &english(), sounds).await;
    assert!(!faults(&swapped, &SENTENCES, &times).is_empty());
}

#[tokio::test]
async fn items_whose_transcripts_come_in_the_wrong_order_are_put_right() {
    let engines = Engines::open().await;
    let (sounds, times) = said(&SENTENCES);
    engines.town.conduct_next(&[Conduct::SwapsFinals]);
    let told = told(&*engines.wired[1], &english(), sounds).await;
    assert_eq!(faults(&told, &SENTENCES, &times), Vec::<String>::new());
}

/// How many interim words came before the first final ones.
fn early(told: &Told) -> usize {
    told.heard.iter().take_while(|heard| matches!(heard, Heard::Interim { .. })).count()
}

#[tokio::test]
async fn words_appear_while_they_are_spoken() {
    let engines = Engines::open().await;
    let (sounds, _) = said(&SENTENCES[..1]);
    for engine in engines.all() {
        let told = told(&*engine, &english(), sounds.clone()).await;
        match engine.name() {
            // The control: this one hears recordings, and says nothing before the pause.
            "transcriptions" => assert_eq!(early(&told), 0),
            name => assert_eq!(early(&told), 3, "{name}"),
        }
    }
}

#[tokio::test]
async fn nobody_speaking_is_nothing_said() {
    let engines = Engines::open().await;
    let silence = |at: u64| Sound::Ulaw { at_ms: at * 20, bytes: vec![SILENCE; FRAME] };
    for engine in engines.all() {
        let told = told(&*engine, &english(), (0..250).map(silence).collect()).await;
        assert!(told.heard.is_empty() && told.end.is_ok(), "{}", engine.name());
    }
}

#[tokio::test]
async fn frames_that_never_arrive_cost_their_words_and_no_others() {
    let engines = Engines::open().await;
    let sentences = ["one two three four five six", "and then I slept well"];
    let (mut sounds, times) = said(&sentences);
    sounds.splice(8..20, [Sound::Lost { frames: 12 }]);
    for engine in engines.all() {
        let told = told(&*engine, &english(), sounds.clone()).await;
        let [first, second] = &told.finals()[..] else { panic!("{}: {:?}", engine.name(), told.finals()) };
        assert!(first.starts_with("one") && first.ends_with("six") && first != sentences[0], "{first}");
        let last: Vec<Heard> = told.heard.into_iter().rev().take(1).collect();
        let last = Told { heard: last, end: Ok(()) };
        assert_eq!(faults(&last, &sentences[1..], &times[1..]), Vec::<String>::new(), "{}: {second}", engine.name());
    }
}

#[tokio::test]
async fn an_engine_that_breaks_says_so_and_does_not_take_us_along() {
    let engines = Engines::open().await;
    let (sounds, _) = said(&SENTENCES);
    for engine in &engines.wired {
        for (conduct, expected) in [
            (Conduct::HangsUpAfter(1), OutageKind::Broken),
            (Conduct::BabblesAfter(1), OutageKind::Garbled),
            (Conduct::RoarsAfter(1), OutageKind::Garbled),
            (Conduct::Refuses(401), OutageKind::Refused("401".to_owned())),
            (Conduct::Refuses(429), OutageKind::Throttled),
            (Conduct::Refuses(503), OutageKind::Broken),
        ] {
            engines.town.conduct_next(&[conduct]);
            let told = told(&**engine, &english(), sounds.clone()).await;
            assert_eq!(told.kind(), Some(expected), "{} {conduct:?}", engine.name());
        }
        let well = told(&**engine, &english(), sounds.clone()).await;
        assert_eq!(well.kind(), None, "the control: {}", engine.name());
    }
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_out_of_reach() {
    let settings = EngineSettings {
        base_url: "http://127.0.0.1:1/v1".to_owned(),
        key: KEY.to_owned().into(),
        model: "nova-3".to_owned(),
    };
    let told = told(&Deepgram::new(settings).unwrap(), &english(), Vec::new()).await;
    assert_eq!(told.kind(), Some(OutageKind::Unreachable));
}

#[tokio::test]
async fn hanging_up_brings_the_last_words_however_late_they_come() {
    let engines = Engines::open().await;
    let (mut sounds, _) = said(&SENTENCES[..2]);
    // Hung up in the middle of the pause, before anybody could know that the sentence was finished.
    let ending = sounds.len() - 80 - 9;
    sounds.truncate(ending);
    for engine in engines.all() {
        engines.town.conduct_always(Conduct::HoldsFinals);
        let told = told(&*engine, &english(), sounds.clone()).await;
        assert_eq!(told.finals(), SENTENCES[..2], "{}", engine.name());
        assert_eq!(told.end, Ok(()), "{}", engine.name());
    }
    let asked = |wire| engines.town.seen().iter().any(|seen| seen.wire == wire && seen.was_asked_to_end);
    assert!(asked("deepgram") && asked("realtime"));
    // The control: without being asked, an engine that hangs up keeps them.
    engines.town.conduct_always(Conduct::HangsUpAfter(5));
    let told = told(&*engines.wired[0], &english(), sounds).await;
    assert_ne!(told.finals(), SENTENCES[..2]);
}

#[tokio::test]
async fn every_engine_is_told_the_language_and_its_model_and_hears_on_the_right_account() {
    let engines = Engines::open().await;
    let (sounds, _) = said(&SENTENCES[..1]);
    let spanish = Listen { language: Language::Spanish, key: SpeechKey::Configured };
    let own = Listen { key: SpeechKey::Own("of-somebody-else".into()), ..english() };
    for (engine, model) in engines.wired.iter().zip(["nova-3", "gpt-4o-transcribe", "whisper-1"]) {
        for (wanted, tag) in [(&spanish, "es"), (&english(), "en")] {
            assert_eq!(told(&**engine, wanted, sounds.clone()).await.kind(), None, "{}", engine.name());
            let seen = engines.town.seen().pop().unwrap();
            assert!(seen.language.starts_with(tag) && seen.model == model, "{seen:?}");
        }
        let refused = told(&**engine, &own, sounds.clone()).await;
        assert_eq!(refused.kind(), Some(OutageKind::Refused("401".to_owned())), "{}", engine.name());
    }
}

#[tokio::test]
async fn while_nobody_speaks_deepgram_is_told_that_we_are_there() {
    let engines = Engines::open().await;
    let hearing = engines.wired[0].listen(&english()).await.unwrap();
    let signs = engines.town.until(|seen| seen.iter().any(|one| one.signs_of_life > 0));
    tokio::time::timeout(Duration::from_secs(20), signs).await.expect("no sign of life");
    drop(hearing);
}

#[tokio::test]
async fn what_waits_for_an_engine_is_bounded() {
    let engines = Engines::open().await;
    for engine in engines.all() {
        let hearing = engine.listen(&english()).await.unwrap();
        assert!(hearing.audio.max_capacity() <= 100, "{}", engine.name());
    }
    let mut replay = Replay::default();
    let sound = || Sound::Ulaw { at_ms: 0, bytes: vec![0; FRAME] };
    for frame in 0..10_000 {
        replay.keep(frame * 20, sound(), Voiced::Yes);
    }
    let untold = replay.take_untold().unwrap();
    assert_eq!((untold.from_ms, untold.frames), (0, 10_000 - u64::try_from(MOST_FRAMES).unwrap()));
    let (rest, unsaid) = replay.give_up();
    assert_eq!((rest.unwrap().frames, unsaid), (u64::try_from(MOST_FRAMES).unwrap(), None), "nothing goes unaccounted");
}

#[test]
fn what_has_its_final_words_is_not_told_again() {
    let mut replay = Replay::default();
    for frame in 0..100 {
        replay.keep(frame * 20, Sound::Ulaw { at_ms: frame * 20, bytes: Vec::new() }, Voiced::Yes);
        replay.note_told();
    }
    replay.settle(1_000);
    assert_eq!(replay.begin_again(), None);
    let Some(Sound::Ulaw { at_ms, .. }) = replay.owed() else { panic!("nothing is told again") };
    assert_eq!(*at_ms, 1_000);
    // The control: what was not settled is told again from its beginning.
    let mut unsettled = Replay::default();
    unsettled.keep(0, Sound::Ulaw { at_ms: 0, bytes: Vec::new() }, Voiced::Yes);
    unsettled.note_told();
    assert!(unsettled.owed().is_none());
    unsettled.begin_again();
    assert!(unsettled.owed().is_some());
}
