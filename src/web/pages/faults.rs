//! What is wrong with a form, by field, so that it comes back filled in with each fault in its place.

use std::collections::BTreeMap;

/// The faults of a form.
#[derive(Default)]
pub struct Faults {
    fields: BTreeMap<&'static str, String>,
    whole: Option<String>,
}

impl Faults {
    /// Reads a refusal such as `given name: write 1 to 200 characters; telephone: ...` against the fields of a form,
    /// each a label as flows name it with its name in the form. What names no field stands above the whole form.
    #[must_use]
    pub fn read(text: &str, fields: &[(&str, &'static str)]) -> Self {
        let mut faults = Self::default();
        let mut field = None;
        for part in text.split("; ") {
            let named = part.split_once(": ").and_then(|(label, fault)| {
                fields.iter().find(|(known, _)| *known == label).map(|(_, name)| (*name, fault))
            });
            // A part that names no field goes on with the one before it: faults may have a semicolon of their own.
            let fault = named.map_or(part, |(_, fault)| fault);
            field = named.map(|(name, _)| name).or(field);
            let at = match field {
                Some(name) => faults.fields.entry(name).or_default(),
                None => faults.whole.get_or_insert_default(),
            };
            *at = if at.is_empty() { sentence(fault) } else { format!("{} {}", at, sentence(fault)) };
        }
        faults
    }

    /// The fault of one field.
    #[must_use]
    pub fn at(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// What is wrong with the whole.
    #[must_use]
    pub fn whole(&self) -> Option<&str> {
        self.whole.as_deref()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.whole.is_none()
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str().trim_end_matches('.'))
    })
}
