//! What a check-in by text writes once identity is proven: texts of the protocol package, with a few blanks filled in. No
//! word of it is made up here.

use super::{Item, Keys, Lead, Sheet, Spoken, words::begins_numbers};

impl Spoken<'_> {
    /// The text that asks the question at a place; the last words when there is none.
    #[must_use]
    pub fn ask_by_text(&self, sheet: &Sheet, place: usize, lead: &Lead) -> String {
        let Some(item) = sheet.at(place) else { return self.told("script.text.end") };
        let mut parts = Vec::new();
        match lead {
            Lead::Begin => parts.push(self.told("script.text.begin")),
            Lead::NotHeard => parts.push(self.told("script.text.still_there")),
            Lead::Again | Lead::NotUnderstood => {}
            Lead::NotAnAnswer => parts.push(self.told("script.text.not_an_answer")),
            Lead::Skipped => parts.push(self.told("script.text.skipped")),
            Lead::Took(answer) => parts.extend(self.noted(sheet, place, answer)),
        }
        if begins_numbers(sheet, place) && matches!(lead, Lead::Begin | Lead::Took(_) | Lead::Skipped) {
            parts.push(self.told("script.text.scale"));
        }
        // Which of how many: the reply belongs to what the person reads, and they see the end of it.
        parts.push(format!("{}/{}", place.saturating_add(1), sheet.len()));
        parts.push(self.question(item));
        parts.push(self.how_to_reply(item, lead));
        parts.join(" ")
    }

    /// What is written at a red flag: the words of that flag, or those of any.
    #[must_use]
    pub fn red_flag_by_text(&self, red_flag: Option<&str>) -> String {
        let own = red_flag.map(|rule| format!("script.text.red_flag.{rule}"));
        let known = |key: &String| self.package.text(self.language, key) != key;
        self.told(own.filter(known).as_deref().unwrap_or("script.text.red_flag"))
    }

    /// A text of the package with its blanks filled in, as it is read and not spoken.
    #[must_use]
    pub fn told(&self, key: &str) -> String {
        self.package
            .text(self.language, key)
            .replace("{organization}", self.organization)
            .replace("{emergency_number}", self.emergency_number)
    }

    fn how_to_reply(&self, item: &Item, lead: &Lead) -> String {
        let asked_again = *lead == Lead::NotUnderstood;
        match item.keys {
            Keys::YesNo => self.told(if asked_again { "script.text.not_yes_no" } else { "script.text.yes_no" }),
            Keys::Number { from, to } => self
                .told(if asked_again { "script.text.not_number" } else { "script.text.number" })
                .replace("{from}", &from.to_string())
                .replace("{to}", &to.to_string()),
        }
    }

    /// A number is written back with the next question, so that a slip is seen; a plain "no" is not.
    fn noted(&self, sheet: &Sheet, place: usize, answer: &str) -> Option<String> {
        let before = place.checked_sub(1).and_then(|before| sheet.at(before))?;
        match before.keys {
            Keys::YesNo => None,
            Keys::Number { .. } => Some(self.told("script.text.took").replace("{answer}", answer)),
        }
    }
}
