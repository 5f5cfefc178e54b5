//! One conversation on a websocket: what comes in is heard, what was heard is said in the words of its wire, and all of it as
//! badly as somebody wished.

use super::{
    Conduct, SpeechState,
    ear::{Sounded, TownEar, Utterance},
};
use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt;
use std::time::Duration;

/// The length of a message that no client should take.
const ROAR_BYTES: usize = 2 * 1024 * 1024;

/// The words of one wire.
pub(super) trait Tongue: Send {
    /// What is said before anything is asked.
    fn welcome(&self) -> Vec<String>;
    /// What a message asks for.
    fn read(&mut self, message: Message) -> Asked;
    /// An utterance that goes on.
    fn goes(&mut self, utterance: &Utterance) -> Vec<String>;
    /// An utterance that is finished: what is said at once, and its final words.
    fn ends(&mut self, utterance: &Utterance) -> (Vec<String>, String);
    /// The good-bye, after the last words.
    fn farewell(&mut self) -> Vec<String>;
}

/// What a message of the other side asks for.
pub(super) enum Asked {
    /// Hear this: µ-law.
    Audio(Vec<u8>),
    /// It is told what the conversation is to be, as language and model.
    Settled(String, String),
    /// It says that it is still there.
    Alive,
    /// It wants the last words.
    End,
    /// Nothing.
    Nothing,
    /// It is gone.
    Gone,
}

/// Whether the other side still listens.
#[derive(PartialEq, Eq)]
enum Course {
    On,
    Over,
}

pub(super) struct Session<T> {
    pub(super) socket: WebSocket,
    pub(super) tongue: T,
    pub(super) state: SpeechState,
    pub(super) conduct: Conduct,
    pub(super) place: usize,
}

/// How far a conversation has come.
#[derive(Default)]
struct Progress {
    ear: TownEar,
    words: usize,
    held: Vec<String>,
}

impl<T: Tongue> Session<T> {
    pub(super) async fn run(mut self) {
        let mut progress = Progress::default();
        if self.say_all(self.tongue.welcome()).await == Course::Over {
            return;
        }
        while let Some(Ok(message)) = self.socket.next().await {
            let course = match self.tongue.read(message) {
                Asked::Audio(ulaw) => {
                    self.state.note(self.place, |seen| seen.audio_bytes += ulaw.len());
                    let sounded = progress.ear.push(&ulaw);
                    self.say_what_sounded(&mut progress, sounded).await
                }
                Asked::Settled(language, model) => {
                    self.state.note(self.place, |seen| (seen.language, seen.model) = (language, model));
                    Course::On
                }
                Asked::Alive => {
                    self.state.note(self.place, |seen| seen.signs_of_life += 1);
                    Course::On
                }
                Asked::End => {
                    self.state.note(self.place, |seen| seen.was_asked_to_end = true);
                    self.end(&mut progress).await
                }
                Asked::Nothing => Course::On,
                Asked::Gone => Course::Over,
            };
            if course == Course::Over {
                return;
            }
        }
    }

    async fn say_what_sounded(&mut self, progress: &mut Progress, sounded: Vec<Sounded>) -> Course {
        for one in sounded {
            let course = match one {
                Sounded::Goes(utterance) => {
                    progress.words += 1;
                    let said = self.tongue.goes(&utterance);
                    self.say_or_fail(progress, said).await
                }
                Sounded::Ends(utterance) => {
                    let (mut said, last) = self.tongue.ends(&utterance);
                    match self.conduct {
                        Conduct::HoldsFinals => progress.held.push(last),
                        Conduct::SwapsFinals if progress.held.is_empty() => progress.held.push(last),
                        Conduct::SwapsFinals => {
                            said.push(last);
                            said.append(&mut progress.held);
                        }
                        Conduct::Well
                        | Conduct::HangsUpAfter(_)
                        | Conduct::StallsAfter(_)
                        | Conduct::BabblesAfter(_)
                        | Conduct::RoarsAfter(_)
                        | Conduct::Refuses(_)
                        | Conduct::Thinks(_) => said.push(last),
                    }
                    self.say_or_fail(progress, said).await
                }
            };
            if course == Course::Over {
                return Course::Over;
            }
        }
        Course::On
    }

    /// Says it, unless the time has come to go wrong.
    async fn say_or_fail(&mut self, progress: &Progress, said: Vec<String>) -> Course {
        match self.conduct {
            Conduct::HangsUpAfter(words) if progress.words > words => {
                let _ = self.socket.send(Message::Close(None)).await;
                Course::Over
            }
            Conduct::StallsAfter(words) if progress.words > words => Course::On,
            Conduct::BabblesAfter(words) if progress.words > words => {
                self.say_all(vec!["}{ what was I saying".to_owned()]).await
            }
            Conduct::RoarsAfter(words) if progress.words > words => self.say_all(vec![" ".repeat(ROAR_BYTES)]).await,
            Conduct::Well
            | Conduct::HangsUpAfter(_)
            | Conduct::StallsAfter(_)
            | Conduct::BabblesAfter(_)
            | Conduct::RoarsAfter(_)
            | Conduct::HoldsFinals
            | Conduct::SwapsFinals
            | Conduct::Refuses(_)
            | Conduct::Thinks(_) => self.say_all(said).await,
        }
    }

    async fn end(&mut self, progress: &mut Progress) -> Course {
        let rest: Vec<Sounded> = progress.ear.finish().into_iter().collect();
        if self.say_what_sounded(progress, rest).await == Course::Over {
            return Course::Over;
        }
        if matches!(self.conduct, Conduct::StallsAfter(words) if progress.words > words) {
            return Course::On;
        }
        let mut said = std::mem::take(&mut progress.held);
        said.extend(self.tongue.farewell());
        self.say_all(said).await
    }

    async fn say_all(&mut self, said: Vec<String>) -> Course {
        for text in said {
            if let Conduct::Thinks(time) = self.conduct {
                tokio::time::sleep(time.min(Duration::from_secs(60))).await;
            }
            if self.socket.send(Message::Text(text.into())).await.is_err() {
                return Course::Over;
            }
        }
        Course::On
    }
}
