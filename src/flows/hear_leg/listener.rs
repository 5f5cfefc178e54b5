//! Keeps one leg listened to. An engine that dies, or says nothing while somebody speaks, is begun again and told what it has
//! not said finally; when that does not help, the next engine is. The listener never waits for the database longer than its
//! channel holds, and what no engine ever heard is told as a gap.

use super::{
    GAP_FRAMES, Missed, Tally,
    replay::{Replay, Stretch, Voiced},
};
use crate::{
    domain::{tones::FRAME_MS, vigil::Vigil, voice_activity::VoiceActivity},
    ports::{
        Outage, OutageKind,
        clock::Clock,
        speech::{Engines, Heard, Hearing, Listen, Sound, SpeechKey},
    },
    store::{gaps::GapReason, streams::Turn},
};
use futures_util::future::BoxFuture;
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, timeout, timeout_at},
};

/// Room for audio on its way to a listener, in frames: eight seconds, for a carrier that sends what waited all at once. It is
/// empty while the listener keeps up.
pub(super) const AUDIO_ROOM: usize = 400;
/// Room for what a listener has to say while the database is away.
pub(super) const NEWS_ROOM: usize = 100;
/// How long an engine may take to begin; the audio is kept meanwhile.
const LISTEN_WITHIN: Duration = Duration::from_secs(4);
/// Pause before engines that do not help are asked again.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
/// How often the watch over the words looks.
const LOOK: Duration = Duration::from_millis(200);
/// How long the last words may take after the audio has ended.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(10);
/// How often an engine in a row may fail before the next one is asked.
const STRIKES: u32 = 2;

/// What a listener has to say.
pub(super) enum News {
    /// Words.
    Heard(Heard),
    /// Audio whose words will not come.
    Missed(Missed),
    /// How well the leg is heard has changed.
    Turned(Turn),
}

/// What it takes to listen.
pub(super) struct Listener {
    pub(super) engines: Engines,
    /// How to ask for it; an outage when the organization's own key cannot be opened, for then nobody else's is used.
    pub(super) wanted: Result<Listen, Outage>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tally: Arc<Tally>,
    pub(super) tell: mpsc::Sender<News>,
    pub(super) ear: Hark,
}

/// What a listener remembers of its leg.
#[derive(Default)]
pub(super) struct Hark {
    replay: Replay,
    activity: VoiceActivity,
    vigil: Vigil,
    last_ms: u64,
    /// What was said about how well the leg is heard since final words last came: each once, however long an outage lasts.
    said: Vec<Turn>,
    /// Whose turn it is among the engines.
    turn: usize,
    strikes: u32,
}

/// The engine of now.
enum Line {
    /// None; another is asked at this instant.
    Down(Instant),
    /// On its way.
    Opening(BoxFuture<'static, Result<Hearing, Outage>>),
    /// It hears.
    Open(Hearing),
}

/// What happens next.
enum Next {
    Sound(Option<Sound>),
    Line(LineNews),
    Look,
}

/// What comes from the engine.
enum LineNews {
    Rested,
    Opened(Result<Hearing, Outage>),
    Said(Option<Result<Heard, Outage>>),
    Room,
}

impl Listener {
    /// Listens until the audio ends, then until the last words are said. Whoever reads the news may go at any time.
    pub(super) async fn run(mut self, mut sounds: mpsc::Receiver<Sound>) {
        let mut line = self.open();
        let mut looks = looks();
        loop {
            let is_owing = self.ear.replay.owed().is_some();
            let next = tokio::select! {
                biased;
                news = line.next(is_owing) => Next::Line(news),
                sound = sounds.recv() => Next::Sound(sound),
                _ = looks.tick() => Next::Look,
            };
            match next {
                Next::Sound(Some(sound)) => self.take(sound),
                Next::Sound(None) => break,
                Next::Line(news) => line = self.follow(line, news).await,
                Next::Look => line = self.look(line).await,
            }
            if !self.tally.may_keep.load(Relaxed) {
                self.ear.replay.forget();
                self.ear.vigil = Vigil::default();
                if !matches!(line, Line::Down(_)) {
                    line = Line::Down(Instant::now() + LISTEN_AGAIN);
                }
            }
            self.pass_on(&line);
        }
        self.finish(line).await;
    }

    fn take(&mut self, sound: Sound) {
        let voiced = match &sound {
            Sound::Ulaw { at_ms, bytes } => {
                self.ear.last_ms = *at_ms;
                if self.ear.activity.is_voiced(bytes) { Voiced::Yes } else { Voiced::No }
            }
            Sound::Lost { .. } => Voiced::No,
        };
        match voiced {
            Voiced::Yes => self.ear.vigil.note_voice(FRAME_MS, self.clock.now()),
            Voiced::No => self.ear.vigil.note_silence(FRAME_MS),
        }
        self.ear.replay.keep(self.ear.last_ms, sound, voiced);
    }

    /// Tells the engine all that it takes now.
    fn pass_on(&mut self, line: &Line) {
        let Line::Open(hearing) = line else { return };
        while let Some(sound) = self.ear.replay.owed() {
            if hearing.audio.try_send(sound.clone()).is_err() {
                return;
            }
            self.ear.replay.note_told();
        }
    }

    async fn follow(&mut self, line: Line, news: LineNews) -> Line {
        match news {
            LineNews::Room => line,
            LineNews::Rested => self.open(),
            LineNews::Opened(Ok(hearing)) => {
                if let Some(stretch) = self.ear.replay.take_untold() {
                    self.miss_untold(stretch).await;
                }
                Line::Open(hearing)
            }
            LineNews::Said(Some(Ok(heard))) => {
                self.pass_words(heard).await;
                line
            }
            LineNews::Said(None) => self.fall(&ended()).await,
            LineNews::Said(Some(Err(outage))) | LineNews::Opened(Err(outage)) => self.fall(&outage).await,
        }
    }

    /// Words came from the engine.
    async fn pass_words(&mut self, heard: Heard) {
        self.ear.vigil.note_words();
        if let Some(blind) = self.ear.said.iter().position(|turn| *turn == Turn::Blind) {
            let _over = self.ear.said.remove(blind);
            self.tell(News::Turned(Turn::HearsAgain)).await;
        }
        if let Heard::Final { to_ms, .. } = &heard {
            // What an engine that was begun again says of words that are written already is not written twice.
            if *to_ms <= self.ear.replay.settled_ms() {
                return;
            }
            // Only final words are progress: an engine that dies over every sentence has them all begun again for nothing.
            (self.ear.strikes, self.ear.said) = (0, Vec::new());
            self.ear.replay.settle(*to_ms);
        }
        self.tell(News::Heard(heard)).await;
    }

    /// The engine is gone: it is begun again at once the first time, and after a pause when that did not help.
    async fn fall(&mut self, why: &Outage) -> Line {
        tracing::warn!(error = %why, "an engine that hears is gone; what it has not said is told again");
        let was_first = self.ear.strikes == 0;
        self.strike().await;
        if was_first { self.open() } else { Line::Down(Instant::now() + LISTEN_AGAIN) }
    }

    /// Counts a failure, and says whose turn it is now.
    async fn strike(&mut self) {
        self.ear.strikes = self.ear.strikes.saturating_add(1);
        if let Some(stretch) = self.ear.replay.begin_again() {
            self.tell(News::Missed(Missed::of(stretch, GapReason::NotHeard))).await;
        }
        let turn = if self.ear.strikes >= STRIKES && self.engines.count() > 1 {
            self.ear.strikes = 0;
            self.ear.turn = self.ear.turn.wrapping_add(1);
            Turn::OtherEngine
        } else {
            Turn::AskedAgain
        };
        self.turned(turn).await;
    }

    async fn turned(&mut self, turn: Turn) {
        if !self.ear.said.contains(&turn) {
            self.ear.said.push(turn);
            self.tell(News::Turned(turn)).await;
        }
    }

    /// Whether the words still come; if not, the nurse is told and an engine is begun again.
    async fn look(&mut self, line: Line) -> Line {
        let now = self.clock.now();
        if !self.ear.vigil.is_blind(now) {
            return line;
        }
        self.turned(Turn::Blind).await;
        self.ear.vigil.begin_again(now);
        match line {
            Line::Open(_) => {
                self.strike().await;
                self.open()
            }
            Line::Opening(_) | Line::Down(_) => line,
        }
    }

    fn open(&self) -> Line {
        if !self.tally.may_keep.load(Relaxed) {
            return Line::Down(Instant::now() + LISTEN_AGAIN);
        }
        let (engine, wanted) = (self.engines.at(self.ear.turn).clone(), self.wanted.clone());
        // An organization's own account is one with the first engine's provider.
        let is_first = self.ear.turn.is_multiple_of(self.engines.count());
        Line::Opening(Box::pin(async move {
            let mut wanted = wanted?;
            if !is_first {
                wanted.key = SpeechKey::Configured;
            }
            let late = |_| Outage { dependency: engine.name(), kind: OutageKind::TimedOut };
            timeout(LISTEN_WITHIN, engine.listen(&wanted)).await.map_err(late)?
        }))
    }

    /// The audio has ended: the engine says its last words. If it dies over them, what it owes is told to the next.
    async fn finish(mut self, mut line: Line) {
        if let Some(stretch) = self.ear.replay.take_untold() {
            self.miss_untold(stretch).await;
        }
        let deadline = Instant::now() + LAST_WORDS_WITHIN;
        let mut is_dead = false;
        for _ in 0..=self.engines.count() {
            match self.last_words(line, deadline).await {
                Ok(()) => {
                    is_dead = false;
                    break;
                }
                Err(why) if self.ear.replay.owes_words() && Instant::now() < deadline => {
                    is_dead = true;
                    tracing::warn!(error = %why, "an engine died over its last words");
                    self.ear.strikes = STRIKES;
                    self.strike().await;
                    line = self.open();
                }
                Err(_) => {
                    is_dead = true;
                    break;
                }
            }
        }
        let (untold, unsaid) = self.ear.replay.give_up();
        if let Some(stretch) = untold {
            self.miss_untold(stretch).await;
        }
        if let Some(stretch) = unsaid.filter(|_| is_dead) {
            self.miss(stretch).await;
        }
    }

    /// Tells an engine the rest and hears it out.
    async fn last_words(&mut self, line: Line, deadline: Instant) -> Result<(), Outage> {
        let hearing = match line {
            Line::Open(hearing) => hearing,
            Line::Opening(opening) => timeout_at(deadline, opening).await.map_err(|_| ended())??,
            // Nobody hears, and nothing that may be kept is owed.
            Line::Down(_) if self.ear.replay.owes_words() => return Err(ended()),
            Line::Down(_) => return Ok(()),
        };
        let Hearing { audio, mut words } = hearing;
        let mut audio = Some(audio);
        loop {
            if self.ear.replay.owed().is_none() || audio.as_ref().is_some_and(mpsc::Sender::is_closed) {
                audio = None;
            }
            let said = tokio::select! {
                biased;
                said = words.recv() => said,
                () = room(audio.as_ref()), if audio.is_some() => {
                    if let (Some(sound), Some(audio)) = (self.ear.replay.owed(), &audio)
                        && audio.try_send(sound.clone()).is_ok()
                    {
                        self.ear.replay.note_told();
                    }
                    continue;
                }
                () = tokio::time::sleep_until(deadline) => return Err(ended()),
            };
            match said {
                Some(Ok(heard)) => self.pass_words(heard).await,
                Some(Err(outage)) => return Err(outage),
                // An engine that goes before it has taken everything is dead, however politely it went.
                None if self.ear.replay.owed().is_some() => return Err(ended()),
                None => return Ok(()),
            }
        }
    }

    /// Frames that no engine ever had.
    async fn miss_untold(&self, stretch: Stretch) {
        self.tally.lost.fetch_add(stretch.frames, Relaxed);
        self.miss(stretch).await;
    }

    async fn miss(&self, stretch: Stretch) {
        if stretch.frames >= GAP_FRAMES {
            self.tell(News::Missed(Missed::of(stretch, GapReason::NotHeard))).await;
        }
    }

    async fn tell(&self, news: News) {
        // The scribe outlives its listener; if it was torn down with the process, nobody reads.
        let _ = self.tell.send(news).await;
    }
}

impl Line {
    /// What comes next from the engine; room for more audio only when some is owed to it.
    async fn next(&mut self, is_owing: bool) -> LineNews {
        match self {
            Self::Down(until) => {
                tokio::time::sleep_until(*until).await;
                LineNews::Rested
            }
            Self::Opening(opening) => LineNews::Opened(opening.await),
            Self::Open(hearing) => tokio::select! {
                biased;
                said = hearing.words.recv() => LineNews::Said(said),
                () = room(Some(&hearing.audio)), if is_owing && !hearing.audio.is_closed() => LineNews::Room,
            },
        }
    }
}

/// Waits until an engine takes more; one that is gone takes no more, and says so with its words.
async fn room(audio: Option<&mpsc::Sender<Sound>>) {
    match audio {
        Some(audio) => drop(audio.reserve().await),
        None => std::future::pending().await,
    }
}

const fn ended() -> Outage {
    Outage { dependency: "speech", kind: OutageKind::Broken }
}

fn looks() -> Interval {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}
