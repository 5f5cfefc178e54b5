//! What people write back. A wish about texts is honoured at once, however it is put; everything that could be about how
//! somebody feels goes to a person. In doubt a text is work, never silence.

/// What a text that came in wants from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it says about texts themselves.
    pub wish: Wish,
    /// Who must look at it.
    pub needs: Needs,
}

/// What it says about texts themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// No more texts: a keyword, or the same in a person's own words.
    Stop,
    /// The number is not, or no longer, the patient's: no more texts, and a person must find the right one.
    WrongNumber,
    /// Texts again.
    Start,
    /// How this works.
    Help,
    /// Nothing.
    Nothing,
}

/// Who must look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A person, at once: it may be about an emergency or how somebody feels.
    PersonNow,
    /// A person, today.
    Person,
    /// Nobody in particular: a keyword, a thank-you.
    Nobody,
}

impl Reading {
    /// The code stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match (self.wish, self.needs) {
            (Wish::Stop, Needs::PersonNow) => "stop_and_urgent",
            (Wish::Stop, Needs::Person | Needs::Nobody) => "stop",
            (Wish::WrongNumber, _) => "wrong_number",
            (Wish::Start, _) => "start",
            (Wish::Help, _) => "help",
            (Wish::Nothing, Needs::PersonNow) => "urgent",
            (Wish::Nothing, Needs::Person) => "to_read",
            (Wish::Nothing, Needs::Nobody) => "thanks",
        }
    }
}

/// Whole texts that end texts: what carriers act on by themselves, and their Spanish kin (CTIA Messaging Principles; Twilio,
/// advanced opt-out).
const STOP: &[&str] = &[
    "stop",
    "stopall",
    "stop all",
    "unsubscribe",
    "end",
    "quit",
    "cancel",
    "revoke",
    "optout",
    "opt out",
    "parar",
    "pare",
    "paren",
    "alto",
    "basta",
    "baja",
    "cancelar",
    "detener",
    "salir",
];
/// Whole texts that begin them again.
const START: &[&str] = &["start", "unstop", "iniciar", "empezar", "comenzar", "reanudar"];
/// Whole texts that ask how this works. Each may as well be a cry for help.
const HELP: &[&str] = &["help", "info", "ayuda", "informacion"];
/// Whole texts that ask for nothing.
const THANKS: &[&str] = &[
    "ok",
    "okay",
    "k",
    "yes",
    "y",
    "si",
    "thanks",
    "thank you",
    "thx",
    "ok thanks",
    "ok thank you",
    "gracias",
    "ok gracias",
    "muchas gracias",
    "vale",
    "de acuerdo",
    "bueno",
    "got it",
    "will do",
    "see you then",
    "\u{1f44d}",
    "\u{1f64f}",
];

/// The same in a person's own words (47 CFR 64.1200(a)(10): any reasonable means).
const REVOKE: &[&str] = &[
    "stop texting",
    "stop messaging",
    "stop sending",
    "stop the text",
    "stop these text",
    "stop your text",
    "stop all text",
    "quit texting",
    "quit sending",
    "quit messaging",
    "dont text",
    "do not text",
    "dont send",
    "do not send",
    "dont message",
    "do not message",
    "never text",
    "no more text",
    "no more message",
    "no more sms",
    "end these text",
    "end the text",
    "remove me",
    "remove my number",
    "remove this number",
    "take me off",
    "take my number",
    "unsubscribe",
    "opt me out",
    "opt out of",
    "leave me alone",
    "dont want text",
    "dont want these text",
    "dont want any more",
    "dont want your text",
    "do not want text",
    "do not want these text",
    "dont want message",
    "no me escriba",
    "no me mande",
    "no me envie",
    "no me texte",
    "deje de escrib",
    "dejen de escrib",
    "deje de mandar",
    "dejen de mandar",
    "deje de enviar",
    "dejen de enviar",
    "deja de escrib",
    "deja de mandar",
    "deja de enviar",
    "no mas mensaje",
    "no mas texto",
    "no quiero mensaje",
    "no quiero mas mensaje",
    "no quiero recibir",
    "no quiero sus mensaje",
    "no deseo recibir",
    "no deseo mensaje",
    "paren de",
    "pare de",
    "para de escrib",
    "para de mandar",
    "borreme",
    "borrenme",
    "quiteme",
    "quitenme",
    "borre mi numero",
    "no me moleste",
    "dejeme en paz",
    "dejenme en paz",
    "dar de baja",
    "deme de baja",
];
/// Words before a revocation that turn it round.
const NOT: &[&str] = &["dont", "do not", "never", "please dont", "no", "nunca"];
const WRONG: &[&str] = &[
    "wrong number",
    "wrong person",
    "not my number",
    "you have the wrong",
    "dont know who this",
    "numero equivocado",
    "se equivoco de numero",
    "equivocado de numero",
    "no conozco a",
];

/// Beginnings of words that may be about an emergency or how somebody feels.
const URGENT: &[&str] = &[
    "911",
    "112",
    "sos",
    "emergenc",
    "urgen",
    "ambulan",
    "hospital",
    "breath",
    "suffocat",
    "chok",
    "gasp",
    "chest",
    "pain",
    "hurt",
    "ache",
    "aching",
    "sore",
    "bleed",
    "blood",
    "fell",
    "fall",
    "fallen",
    "faint",
    "unconscious",
    "unrespons",
    "seiz",
    "convuls",
    "stroke",
    "dizz",
    "confus",
    "hallucin",
    "fever",
    "chill",
    "vomit",
    "throw",
    "nausea",
    "sick",
    "swell",
    "swollen",
    "weak",
    "cough",
    "constip",
    "diarrh",
    "rash",
    "itch",
    "drows",
    "sleepy",
    "wake",
    "waking",
    "dying",
    "die",
    "died",
    "dead",
    "death",
    "kill",
    "suicid",
    "end my life",
    "overdos",
    "medic",
    "meds",
    "pill",
    "dose",
    "morphin",
    "oxycod",
    "fentan",
    "oxygen",
    "cathet",
    "wound",
    "worse",
    "bad",
    "scared",
    "afraid",
    "anxious",
    "panic",
    "alone",
    "help",
    "please call",
    "cant",
    "cannot",
    "nurse",
    "doctor",
    "dolor",
    "duele",
    "duelen",
    "respir",
    "aire",
    "ahog",
    "asfix",
    "pecho",
    "sangr",
    "caid",
    "cayo",
    "cai",
    "desmay",
    "inconsc",
    "ataque",
    "mareo",
    "maread",
    "confund",
    "fiebre",
    "escalofr",
    "vomit",
    "nausea",
    "enferm",
    "hinch",
    "debil",
    "tos",
    "estren",
    "diarre",
    "picaz",
    "despiert",
    "muri",
    "muert",
    "morir",
    "matar",
    "sobredosis",
    "medicin",
    "pastilla",
    "dosis",
    "morfin",
    "oxigen",
    "sonda",
    "herida",
    "peor",
    "mal",
    "miedo",
    "asust",
    "angusti",
    "sola",
    "solo",
    "ayud",
    "auxilio",
    "socorro",
    "no puede",
    "no puedo",
    "doctor",
    "enfermera",
    "llamen",
    "llameme",
];

/// Reads a text that came in; `pictures` is how many came along.
#[must_use]
pub fn read(body: &str, pictures: u32) -> Reading {
    let text = plain(body);
    let is = |list: &[&str]| list.contains(&text.as_str());
    let wish = if is(STOP) {
        Wish::Stop
    } else if is(START) {
        Wish::Start
    } else if is(HELP) {
        Wish::Help
    } else if WRONG.iter().any(|phrase| has(&text, phrase)) {
        Wish::WrongNumber
    } else if REVOKE.iter().any(|phrase| says(&text, phrase)) {
        Wish::Stop
    } else {
        Wish::Nothing
    };
    let whole = matches!(wish, Wish::Stop | Wish::Start) && (is(STOP) || is(START));
    let needs = if whole {
        Needs::Nobody
    } else if wish == Wish::Help || body.contains('\u{1f198}') || URGENT.iter().any(|stem| has(&text, stem)) {
        Needs::PersonNow
    } else if wish == Wish::Stop || (pictures == 0 && (is(THANKS) || text.is_empty())) {
        Needs::Nobody
    } else {
        Needs::Person
    };
    Reading { wish, needs }
}

/// Words that only a text in Spanish has.
const SPANISH: &[&str] = &[
    "parar",
    "pare",
    "paren",
    "alto",
    "basta",
    "baja",
    "cancelar",
    "detener",
    "salir",
    "iniciar",
    "empezar",
    "comenzar",
    "reanudar",
    "ayuda",
    "informacion",
    "gracias",
    "vale",
    "bueno",
    "mensaje",
    "mensajes",
    "por",
    "favor",
    "escriba",
    "escriban",
    "numero",
    "equivocado",
    "dolor",
    "duele",
    "mucho",
    "tengo",
    "estoy",
    "quiero",
    "llame",
    "llamen",
    "usted",
    "hola",
    "muy",
    "puedo",
    "puede",
    "esta",
    "mas",
    "mi",
    "el",
    "la",
    "los",
    "las",
    "que",
    "y",
    "ahora",
];

/// Whether a text is in Spanish, for answering somebody of whom nothing else is known.
#[must_use]
pub fn seems_spanish(body: &str) -> bool {
    plain(body).split(' ').any(|word| SPANISH.contains(&word))
}

/// Lower case, no accents, apostrophes gone, everything else that is no letter or digit a single space.
fn plain(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    for letter in body.chars().flat_map(char::to_lowercase) {
        match letter {
            '\'' | '\u{2019}' | '\u{2018}' | '`' | '\u{301}' | '\u{303}' | '\u{308}' => {}
            'á' | 'à' | 'ä' | 'â' => text.push('a'),
            'é' | 'è' | 'ë' | 'ê' => text.push('e'),
            'í' | 'ì' | 'ï' | 'î' => text.push('i'),
            'ó' | 'ò' | 'ö' | 'ô' => text.push('o'),
            'ú' | 'ù' | 'ü' | 'û' => text.push('u'),
            'ñ' => text.push('n'),
            '\u{1f44d}' | '\u{1f64f}' => text.push(letter),
            other if other.is_alphanumeric() => text.push(other),
            _ if text.ends_with(' ') => {}
            _ => text.push(' '),
        }
    }
    text.trim().to_owned()
}

/// Whether words of the text begin with the phrase.
fn has(text: &str, phrase: &str) -> bool {
    starts(text, phrase).next().is_some()
}

/// Whether the text says the phrase and does not turn it round: "don't stop texting me".
fn says(text: &str, phrase: &str) -> bool {
    let turns = !phrase.starts_with("no ") && !phrase.starts_with("dont ") && !phrase.starts_with("do not ");
    starts(text, phrase).any(|at| {
        let before = text.get(..at).unwrap_or_default().trim_end();
        !(turns && NOT.iter().any(|not| before == *not || before.ends_with(&format!(" {not}"))))
    })
}

/// Where in the text the phrase begins at the beginning of a word.
fn starts<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(phrase).map(|(at, _)| at).filter(|at| {
        let before = text.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with(' ')
    })
}
