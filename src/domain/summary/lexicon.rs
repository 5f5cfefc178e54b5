//! What symptoms are called, in English and Spanish, without accents: the words of patients and families, not of textbooks.
//! A list only finds words; how they stand (there, not there, before) is another file's. The lists cover the symptoms of
//! the sixteen telephone protocols of a palliative service: pain, breathlessness, nausea, constipation, delirium, anxiety,
//! depression and suicide risk, fatigue, bleeding, seizure, secretions, fever, heart failure, COPD, opioid safety, caregiver
//! distress. A bar parts phrases, a star stands for any ending.

use super::speech::{Token, is_in, phrase_at};
use crate::domain::people::Language;

macro_rules! symptoms {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $words:literal, en $english:literal, es $spanish:literal;)+) => {
        /// A symptom that can be told from words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Symptom { $($(#[$doc])* $name),+ }

        impl Symptom {
            /// Every symptom.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code stored.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What a nurse reads.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words),+ }
            }

            /// What it is called in a language.
            #[must_use]
            pub const fn phrases(self, language: Language) -> &'static str {
                match (self, language) { $((Self::$name, Language::English) => $english, (Self::$name, Language::Spanish) => $spanish),+ }
            }
        }
    };
}

symptoms! {
    /// Pain anywhere but in the chest.
    Pain = "pain", "Pain",
        en "pain|pains|painful|hurt|hurts|hurting|ache|aches|aching|sore|soreness|burning|throbbing|cramp*",
        es "dolor|dolores|duele|duelen|dolia|dolido|doliendo|ardor|calambre*|punzada*|dolorid*";
    /// Pain or pressure in the chest.
    ChestPain = "chest_pain", "Chest pain",
        en "chest pain|chest pains|pain in my chest|pain in the chest|pain in his chest|pain in her chest|chest hurts|chest pressure|pressure in my chest|tightness in my chest|chest tightness",
        es "dolor de pecho|dolor en el pecho|dolor en mi pecho|me duele el pecho|le duele el pecho|opresion en el pecho|presion en el pecho";
    /// Breathing is hard.
    Breathlessness = "breathlessness", "Breathlessness",
        en "short of breath|shortness of breath|breathless*|out of breath|can't breathe|cannot breathe|can't catch my breath|can't catch his breath|can't catch her breath|catch my breath|trouble breathing|hard to breathe|harder to breathe|difficulty breathing|struggling to breathe|gasping|winded|breathing is harder|breathing is worse|breathing is bad|breathing is hard",
        es "falta de aire|falta el aire|me ahogo|se ahoga|ahogo|no puedo respirar|no puede respirar|cuesta respirar|dificultad para respirar|sin aire|me cuesta respirar|le cuesta respirar|fatiga al respirar";
    /// Nausea or vomiting.
    Nausea = "nausea", "Nausea or vomiting",
        en "nausea|nauseous|nauseated|queasy|vomit*|throwing up|throw up|threw up|sick to my stomach|sick to his stomach|sick to her stomach|puking|heaving|retching",
        es "nausea|nauseas|vomito|vomitos|vomit*|ganas de vomitar|asco|arcadas|devolviendo|revuelto el estomago";
    /// No or hard stool.
    Constipation = "constipation", "Constipation",
        en "constipat*|haven't gone to the bathroom|no bowel movement|bowels haven't moved|bowel hasn't moved|can't go to the bathroom|hard stool|hard stools|blocked up|backed up",
        es "estrenid*|estrenimiento|no hago del bano|no he ido al bano|no ha ido al bano|no puedo obrar|no puede obrar|no evacu*|no hace del bano";
    /// Loose stool.
    Diarrhea = "diarrhea", "Diarrhea",
        en "diarrhea|diarrhoea|loose stool|loose stools|the runs",
        es "diarrea|diarreas|suelto del estomago";
    /// Confusion, delirium.
    Confusion = "confusion", "Confusion",
        en "confus*|delirious|delirium|hallucinat*|seeing things|disoriented|not making sense|talking nonsense|doesn't know where",
        es "confus*|confundid*|delirio|delirando|alucin*|desorientad*|ve cosas|no sabe donde|dice cosas sin sentido";
    /// Anxiety, panic.
    Anxiety = "anxiety", "Anxiety",
        en "anxi*|panic*|nervous*|on edge|restless*|agitat*",
        es "ansi*|panico|nervios*|nervioso|nerviosa|inquiet*|agitad*";
    /// Low mood.
    LowMood = "low_mood", "Low mood",
        en "depress*|hopeless*|feeling down|feel down|feeling low|feel low|so sad|very sad|sad|crying|cry all|no joy",
        es "deprim*|depresion|triste|tristeza|sin esperanza|llorando|llora mucho|desanimad*";
    /// A wish to die.
    WishToDie = "wish_to_die", "Wish to die",
        en "want to die|wants to die|wish i was dead|wish i were dead|kill myself|kill himself|kill herself|end it all|ending my life|end my life|better off dead|suicid*|don't want to live|doesn't want to live",
        es "quiero morir|quiere morir|quiero morirme|quiere morirse|matarme|matarse|quitarme la vida|quitarse la vida|suicid*|no quiero vivir|no quiere vivir|ya no quiero vivir";
    /// Tiredness, weakness.
    Tiredness = "tiredness", "Tiredness or weakness",
        en "tired|tiredness|exhaust*|fatigue|fatigued|weak|weakness|worn out|no energy|no strength|drained",
        es "cansad*|cansancio|agotad*|agotamiento|debil|debilidad|sin fuerzas|sin energia";
    /// Bleeding.
    Bleeding = "bleeding", "Bleeding",
        en "bleed*|bled|blood in|coughing blood|coughing up blood|black stool|black stools|nosebleed*|blood when|spitting blood|vomiting blood",
        es "sangr*|hemorragia|heces negras|popo negro";
    /// Seizure.
    Seizure = "seizure", "Seizure",
        en "seizure*|convuls*|shaking fit|epileptic",
        es "convuls*|ataque epileptico|ataques epilepticos|epileptic*";
    /// Noisy breathing, secretions.
    Secretions = "secretions", "Secretions",
        en "rattl*|gurgl*|secretion*|drooling",
        es "estertor*|ronquido en el pecho|secrecion*|babeando";
    /// Fever, chills.
    Fever = "fever", "Fever or chills",
        en "fever|feverish|fevers|chills|shivering|high temperature|burning up|rigors",
        es "fiebre|calentura|escalofrio*|temperatura alta|tiritando";
    /// Swelling.
    Swelling = "swelling", "Swelling",
        en "swollen|swelling|swell|swelled|puffy|edema|bloated",
        es "hinchad*|hinchazon|hincha|hinchan|edema|inflamad*";
    /// Weight gain or loss.
    Weight = "weight", "Weight change",
        en "gained weight|weight gain|lost weight|weight loss|losing weight|gaining weight|put on weight",
        es "subido de peso|bajado de peso|aumento de peso|perdido peso|bajo de peso|subio de peso";
    /// Cough.
    Cough = "cough", "Cough",
        en "cough|coughs|coughing",
        es "tos|tose|tosiendo";
    /// Sputum.
    Sputum = "sputum", "Sputum",
        en "sputum|phlegm|mucus",
        es "flema|flemas|esputo|mucosidad";
    /// Drowsiness, hard to wake.
    Drowsiness = "drowsiness", "Drowsiness",
        en "drows*|sleepy|hard to wake|can't wake|won't wake|sleeping all day|sleeps all day|groggy|sedated|out of it",
        es "adormilad*|somnolient*|somnolencia|no despierta|dificil de despertar|duerme todo el dia|aletargad*";
    /// Poor appetite.
    Appetite = "appetite", "Poor appetite",
        en "no appetite|not eating|isn't eating|won't eat|can't eat|lost my appetite|lost his appetite|lost her appetite|poor appetite|not hungry|hardly eating|doesn't eat",
        es "no tengo apetito|no tiene apetito|sin apetito|no come|no quiere comer|no puedo comer|no tengo hambre|no tiene hambre|falta de apetito";
    /// Poor sleep.
    Sleep = "sleep", "Poor sleep",
        en "can't sleep|cannot sleep|couldn't sleep|not sleeping|didn't sleep|awake all night|insomnia|hard to sleep|trouble sleeping|up all night",
        es "no puedo dormir|no puede dormir|no duermo|no duerme|no dormi|insomnio|sin dormir|me desvelo|desvelad*";
    /// Dizziness, fainting.
    Dizziness = "dizziness", "Dizziness or fainting",
        en "dizzy|dizziness|lightheaded|light-headed|faint|fainted|fainting|passed out",
        es "maread*|mareo|mareos|desmay*";
    /// A fall.
    Fall = "fall", "A fall",
        en "fell|fallen|had a fall|took a fall",
        es "me cai|se cayo|caida|se ha caido";
    /// The caregiver can no more.
    CaregiverStrain = "caregiver_strain", "Caregiver strain",
        en "can't cope|cannot cope|can't go on|can't do this anymore|at the end of my rope|burned out|burnt out|overwhelm*|can't take it anymore|can't manage",
        es "no puedo mas|ya no puedo|no aguanto mas|estoy rebasad*|me supera|abrumad*";
}

impl Symptom {
    /// The symptom of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|symptom| symptom.code() == code)
    }
}

/// A symptom named in a run of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Which.
    pub symptom: Symptom,
    /// Its first word.
    pub from: usize,
    /// The place after its last word.
    pub to: usize,
}

/// The symptoms that words name, in order; of two that overlap the longer, of two as long the first of the list.
#[must_use]
pub fn symptoms_in(tokens: &[Token], language: Language) -> Vec<Named> {
    let mut named = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let longest = Symptom::ALL
            .iter()
            .filter_map(|symptom| Some((*symptom, phrase_at(symptom.phrases(language), tokens, at)?)))
            .max_by(|(one, length), (other, longer)| length.cmp(longer).then(other.cmp(one)));
        match longest {
            Some((symptom, length)) if !is_something_else(tokens, at, at + length) => {
                named.push(Named { symptom, from: at, to: at + length });
                at += length;
            }
            Some((_, length)) => at += length,
            None => at += 1,
        }
    }
    named
}

/// Words that name a symptom and speak of another thing: `pain pills`, `tired of waiting`, `blood pressure`.
fn is_something_else(tokens: &[Token], from: usize, to: usize) -> bool {
    const THINGS: &str = "medicine medicines medication medications med meds pill pills killer killers patch patches relief \
                          clinic team doctor specialist syrup drops reliever relievers diary";
    let next = tokens.get(to).map_or("", |token| token.word.as_str());
    let last = tokens.get(to.saturating_sub(1)).map_or("", |token| token.word.as_str());
    let whole = tokens.get(to.saturating_sub(1)).is_some_and(|token| token.mark == ' ');
    let before = from.checked_sub(1).and_then(|place| tokens.get(place)).map_or("", |token| token.word.as_str());
    let is_turn_of_speech = next == "of" && is_in("tired exhausted", last) || next == "asleep" && last == "fell";
    whole && (is_in(THINGS, next) || is_turn_of_speech)
        || is_in("pastilla pastillas medicina medicinas parche parches", before) && is_in("dolor nauseas", last)
}
