//! How words stand to what they name: there, said not to be there, there before, or not to be told by rule. What is not
//! certain is `Unclear`, never `Present` and never `Absent`: a denial that reaches further than these rules see must not
//! come out as a symptom, and a symptom that somebody cannot bear must not come out as none.

use super::{
    Stance,
    lexicon::Named,
    speech::{Sentence, Token, is_in, phrase_at},
};
use crate::domain::transcript::Voice;

const DENIALS: &str = "no not never without none neither nor cannot can't don't doesn't didn't isn't aren't wasn't weren't hasn't \
                       haven't hadn't won't wouldn't couldn't ain't cant dont doesnt didnt isnt arent wasnt hasnt havent wont \
                       couldnt denies denied deny free sin nunca ni tampoco ningun ninguna jamas niega nadie nobody nothing";
/// Words that weaken what they stand by.
const WEAKENING: &str = "hardly barely scarcely apenas casi almost";
/// Between a denial and what it denies only these may stand; anything else may be what is denied instead.
const BETWEEN: &str = "any a an the my his her their our have has had having get getting got feel feels feeling felt been being \
                       in of at all sign signs single from am is are was there see or and nor today now currently \
                       experiencing noticed no not such tengo tiene tenido siento siente he ha hay me le te de un una el la \
                       los las mi su mis estoy esta en ya hoy ahora nada ningun ninguna ni a se y o e u";
/// The same for a medicine.
const BETWEEN_MEDICINE: &str = "take takes took taken taking use used using need needs needed needing tomo toma tomado tome \
                                tomando use uso necesito necesita";
/// Words by which a stretch after a comma speaks for itself.
const OWN_SPEECH: &str = "i i'm im i've he he's she she's it it's its they they're there there's that that's this my have has \
                          had is are was were feel feels get gets got hurts hurt aches tengo tiene me mi estoy esta hay siento \
                          siente duele duelen es le se ahogo yo el";
const CONTRAST: &str =
    "but although though however except yet because since pero aunque excepto salvo sino porque pues";
const JOINING: &str = "and so then y e entonces";
const HYPOTHETICAL: &str = "if unless whether might could would maybe perhaps possibly afraid worried scared fear risk prevent \
                            prevents avoid quizas talvez acaso podria miedo evitar prevenir";
const EARLIER: &str = "yesterday last ago used before earlier previously was were ayer anoche antes pasado pasada tuve tenia \
                       tuvo estaba dolia";
const STILL: &str = "still since now today again todavia aun sigue desde hoy ahora";
const OTHERS: &str = "wife husband daughter son mother father sister brother neighbor nurse dog cat esposa esposo marido mujer \
                      hija hijo mama papa hermana hermano vecina vecino perro gato";
const ENDED: &str = "gone|went away|gone away|stopped|resolved|disappeared|no longer|not there|ceased|se fue|se quito|se me \
                     fue|se me quito|desaparecio|se ha ido|se le quito";
const CAME_BACK: &str =
    "came back|comes back|come back|coming back|returned|again|volvio|vuelve|regreso|otra vez|de nuevo";

/// How a sentence stands to a symptom it names. `voice` says whose body `I` is.
#[must_use]
pub fn of_symptom(sentence: &Sentence, named: Named, voice: Voice) -> Stance {
    let stretch = Stretch::around(&sentence.tokens, named.from, named.to);
    let is_own_body = match voice {
        Voice::Patient => !stretch.speaks_of_others(),
        // A caregiver who speaks of themselves is heard too, and not taken for the patient.
        Voice::Caregiver => !stretch.is_first_person() || named.symptom == super::lexicon::Symptom::CaregiverStrain,
        Voice::Nurse => false,
    };
    if sentence.asks || !is_own_body {
        return Stance::Unclear;
    }
    stretch.stance("")
}

/// How a sentence stands to a medicine it names.
#[must_use]
pub fn of_medicine(sentence: &Sentence, at: usize) -> Stance {
    if sentence.asks {
        return Stance::Unclear;
    }
    match Stretch::around(&sentence.tokens, at, at + 1).stance(BETWEEN_MEDICINE) {
        Stance::Earlier => Stance::Present,
        stance => stance,
    }
}

/// Whether a sentence denies, weakens or supposes anything at all.
#[must_use]
pub fn is_plain(sentence: &Sentence) -> bool {
    !sentence.asks && ![DENIALS, WEAKENING, HYPOTHETICAL, EARLIER].iter().any(|list| sentence.has_any(list))
}

/// The words that speak together with what is named.
struct Stretch<'t> {
    before: &'t [Token],
    named: &'t [Token],
    after: &'t [Token],
    rest: &'t [Token],
}

impl<'t> Stretch<'t> {
    fn around(tokens: &'t [Token], from: usize, to: usize) -> Self {
        let slice = |from: usize, to: usize| tokens.get(from..to).unwrap_or_default();
        let mut end = to.min(tokens.len());
        while end < tokens.len() && !parts_after(tokens, end.saturating_sub(1)) && !parts_before(tokens, end) {
            end += 1;
        }
        let mut start = from;
        // Words before a comma belong to it as long as nothing after the comma speaks for itself: `no fever, cough or pain`.
        loop {
            start = begin_of(tokens, start);
            let speaks = slice(start, end).iter().any(|token| is_in(OWN_SPEECH, &token.word));
            let contrast = start.checked_sub(1).and_then(|place| tokens.get(place));
            let parted = contrast.is_none_or(|token| is_in(CONTRAST, &token.word) || matches!(token.mark, ';' | ':'))
                || tokens.get(start).is_some_and(|token| is_in(CONTRAST, &token.word));
            let is_interjection = start == 1 && contrast.is_some_and(|token| is_in("no si yes yeah not", &token.word));
            if speaks || parted || is_interjection {
                break;
            }
            start = start.saturating_sub(1);
        }
        Self {
            before: slice(start, from),
            named: slice(from, to),
            after: slice(to, end),
            rest: slice(end, tokens.len()),
        }
    }

    fn stance(&self, also_between: &str) -> Stance {
        let denials: Vec<usize> = self
            .before
            .iter()
            .enumerate()
            .filter_map(|(place, token)| is_in(DENIALS, &token.word).then_some(place))
            .collect();
        let is_doubtful = self.before.iter().chain(self.after).any(|token| is_in(WEAKENING, &token.word))
            || self.is_hypothetical()
            || self.after.iter().any(|token| is_in(DENIALS, &token.word)) && !self.is_over() && !self.is_denied_after();
        if is_doubtful {
            return Stance::Unclear;
        }
        match denials.last() {
            None if self.is_over() => {
                if self.comes_back() {
                    Stance::Unclear
                } else {
                    Stance::Absent
                }
            }
            None if self.is_denied_after() => Stance::Absent,
            None if self.is_earlier() => Stance::Earlier,
            None => Stance::Present,
            Some(_) if self.is_over() => Stance::Unclear,
            Some(last) => {
                let between = self.before.get(last + 1..).unwrap_or_default();
                let plain = between.iter().all(|token| {
                    is_in(BETWEEN, &token.word) || is_in(also_between, &token.word) || self.is_list_of_names(token)
                });
                // Two denials may undo each other; in Spanish they go together.
                let doubled =
                    denials.len() > 1 && self.before.iter().any(|token| is_in("without never sin nunca", &token.word));
                if plain && !doubled && !self.comes_back() { Stance::Absent } else { Stance::Unclear }
            }
        }
    }

    /// Whether a word between a denial and the name is itself a name in a list: `no fever, cough or pain`.
    fn is_list_of_names(&self, token: &Token) -> bool {
        use super::lexicon::symptoms_in;
        use crate::domain::people::Language;
        [Language::English, Language::Spanish].iter().any(|language| {
            symptoms_in(self.before, *language)
                .iter()
                .any(|named| self.before.get(named.from..named.to).unwrap_or_default().contains(token))
        })
    }

    fn is_over(&self) -> bool {
        (0..self.after.len()).any(|at| phrase_at(ENDED, self.after, at).is_some())
            && !self.after.iter().any(|token| is_in("not isn't hasn't haven't never won't yet doesn't", &token.word))
            || (0..self.after.len()).any(|at| phrase_at("not there|no longer", self.after, at).is_some())
    }

    /// `Fever, no` and `dolor no tengo`.
    fn is_denied_after(&self) -> bool {
        let tail = if self.after.is_empty() && self.before.is_empty() { self.rest } else { self.after };
        let word = |at: usize| tail.get(at).map_or("", |token: &Token| token.word.as_str());
        is_in("no none zero nada ninguno ninguna", word(0))
            && (tail.len() == 1 || tail.len() == 2 && is_in("tengo tiene hay", word(1)))
    }

    fn comes_back(&self) -> bool {
        let later = [self.after, self.rest];
        later.iter().any(|tokens| (0..tokens.len()).any(|at| phrase_at(CAME_BACK, tokens, at).is_some()))
    }

    fn is_hypothetical(&self) -> bool {
        // Unaccented, `si` is `if`; `sí` is `yes`.
        let supposes = |token: &Token| is_in(HYPOTHETICAL, &token.word) || token.spelled == "si" && token.mark == ' ';
        let phrase = (0..self.before.len()).any(|at| phrase_at("in case|por si|en caso", self.before, at).is_some());
        let last = self.before.last().map_or("", |token| token.word.as_str());
        let second = self.before.iter().rev().nth(1).map_or("", |token| token.word.as_str());
        let is_purpose = is_in("for against contra para", last)
            || is_in("my the his her el la mi su", last) && is_in("for against contra para", second);
        self.before.iter().any(supposes) || phrase || is_purpose
    }

    fn is_earlier(&self) -> bool {
        let all = || self.before.iter().chain(self.after);
        let had = self.before.iter().enumerate().any(|(place, token)| {
            let before = place.checked_sub(1).and_then(|place| self.before.get(place)).map_or("", |token| &token.word);
            token.word == "had" && !is_in("have has i've he's she's we've", before)
        });
        (had || all().any(|token| is_in(EARLIER, &token.word))) && !all().any(|token| is_in(STILL, &token.word))
    }

    fn speaks_of_others(&self) -> bool {
        self.before.iter().any(|token| is_in(OTHERS, &token.word))
    }

    fn is_first_person(&self) -> bool {
        const FIRST: &str = "i i'm im i've me yo estoy tengo siento";
        self.before.iter().chain(self.named).any(|token| is_in(FIRST, &token.word))
    }
}

/// The first word of the stretch that ends before `at`, without crossing a comma or a word that begins a new stretch.
fn begin_of(tokens: &[Token], at: usize) -> usize {
    let mut start = at;
    while start > 0 && !parts_after(tokens, start - 1) && !parts_before(tokens, start) {
        start -= 1;
    }
    start
}

/// Whether a mark after a word parts.
fn parts_after(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| matches!(token.mark, ',' | ';' | ':' | '.' | '\u{2014}' | '\u{2013}'))
}

/// Whether a word begins a stretch of its own: a contrast, or a join with speech of its own after it.
fn parts_before(tokens: &[Token], at: usize) -> bool {
    let word = |place: usize| tokens.get(place).map_or("", |token| token.word.as_str());
    is_in(CONTRAST, word(at)) || is_in(JOINING, word(at)) && is_in(OWN_SPEECH, word(at + 1))
}
