//! What a nurse says they will do, and what callers worry about: whole sentences, known by how they begin or by a word in
//! them.

use super::speech::{Sentence, is_in, phrase_at};
use crate::domain::people::Language;

const I_WILL: &str = "i will|i'll|i'm going to|i am going to|we will|we'll|we're going to|we are going to|i promise|i shall|\
                      voy a|vamos a|le voy a|la voy a|lo voy a";
/// Not done after the call, but in it.
const IN_THE_CALL: &str = "not|never|ask you|ask a few|ask some|read|repeat|say|explain|hang up|put you on hold|hold|begin|start|\
                           wait|be honest|need|just ask|just read|preguntarle|hacerle unas preguntas|leer|repetir|explicarle|\
                           esperar|empezar";
/// First-person futures that an engine may write without their accent.
const FUTURES: &str = "llamare enviare mandare hablare pedire preguntare volvere hare dire ire traere visitare avisare revisare \
                       llamaremos enviaremos mandaremos hablaremos iremos visitaremos";

const WORRIES: &str = "worried|worry|worries|afraid|scared|frightened|concerned|terrified|fear|burden|alone|lonely|\
                       running out|ran out|run out|run low|running low|out of morphine|out of medicine|can't cope|cannot cope|\
                       can't go on|give up|don't want to go to the hospital|don't want to go back|can't afford|nobody helps|\
                       what if|i don't know what to do|too much for me|no one to help|don't understand";
const WORRIES_IN_SPANISH: &str = "preocupa*|miedo|asusta*|temo|angustia*|carga|sola|solo en casa|se acabo|se me acabo|se acaba|se \
                                  nos acabo|no puedo mas|no quiero ir al hospital|no se que hacer|y si|nadie me ayuda|no entiendo|\
                                  rendirme|no alcanza el dinero";

/// Whether a sentence of a nurse promises something that outlasts the call.
#[must_use]
pub fn promises(sentence: &Sentence) -> bool {
    let tokens = &sentence.tokens;
    let begun = (0..tokens.len()).any(|at| {
        phrase_at(I_WILL, tokens, at).is_some_and(|length| phrase_at(IN_THE_CALL, tokens, at + length).is_none())
    });
    let future = tokens.iter().enumerate().any(|(at, token)| {
        let spelled = token.spelled.ends_with("r\u{e9}") || token.spelled.ends_with("remos");
        let before = at.checked_sub(1).and_then(|place| tokens.get(place)).map_or("", |token| token.word.as_str());
        let denied = is_in("no nunca", before);
        !denied && (spelled && token.word.len() >= 5 || is_in(FUTURES, &token.word))
    });
    !sentence.asks && (begun || future)
}

/// What a promise is to do, a code.
#[must_use]
pub fn promised(sentence: &Sentence) -> &'static str {
    const CALLING: &str = "call|ring|phone|telephone|llam*|telefono";
    const COMING: &str = "visit|come|stop by|visit*|ir a verl*|pasar";
    let tokens = &sentence.tokens;
    let has = |phrases: &str| (0..tokens.len()).any(|at| phrase_at(phrases, tokens, at).is_some());
    if has(CALLING) {
        "call"
    } else if has(COMING) {
        "visit"
    } else {
        "other"
    }
}

/// Where a sentence names a worry: its first word and the place after its last.
#[must_use]
pub fn worry(sentence: &Sentence, language: Language) -> Option<(usize, usize)> {
    let list = match language {
        Language::English => WORRIES,
        Language::Spanish => WORRIES_IN_SPANISH,
    };
    (0..sentence.tokens.len()).find_map(|at| Some((at, at + phrase_at(list, &sentence.tokens, at)?)))
}

/// Whether a worry is denied: `I'm not worried`.
#[must_use]
pub fn is_denied(sentence: &Sentence, at: usize) -> bool {
    let before = sentence.tokens.get(at.saturating_sub(3)..at).unwrap_or_default();
    before.iter().any(|token| is_in("not no isn't never aren't don't sin", &token.word) && token.mark == ' ')
}

/// Whether a question of a caller is about their care, and not about the line.
#[must_use]
pub fn is_worth_answering(sentence: &Sentence) -> bool {
    const ABOUT_THE_LINE: &str = "hear me|are you there|hello|who is this|who is calling|say that again|you know|right|okay|\
                                  me escucha|me oye|bueno|quien habla|como dice|verdad";
    let tokens = &sentence.tokens;
    let about_line = (0..tokens.len()).any(|at| phrase_at(ABOUT_THE_LINE, tokens, at).is_some());
    sentence.asks && tokens.len() >= 4 && !about_line
}
