//! Display texts: one file per language, each complete. Words live here and nowhere in the logic.

use super::{
    desk::{Desk, named_entries},
    yaml,
};
use crate::domain::{people::Language, protocol::package::Fault};
use std::collections::{BTreeMap, BTreeSet};

/// The languages a package must be complete in: those the call script speaks.
pub const LANGUAGES: [Language; 2] = [Language::English, Language::Spanish];

/// A text key and the line of the logic that needs it.
pub type Wanted = (u32, String);

/// Reads the texts of every language from a folder of the package, such as `i18n/` or `universal/i18n/`.
pub fn read(
    files: &BTreeMap<String, String>,
    folder: &str,
    faults: &mut Vec<Fault>,
) -> BTreeMap<&'static str, BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for language in LANGUAGES {
        let name = format!("{folder}{}.yaml", language.tag());
        let mut desk = Desk::new(&name);
        let mut by_key = BTreeMap::new();
        if let Some(text) = files.get(&name)
            && let Some(node) = yaml::parse(&mut desk, text)
        {
            for entry in named_entries(&mut desk, &node, "a language file") {
                match desk.text(&entry.node, &format!("text `{}`", entry.key)) {
                    Some(text) if text.trim().is_empty() => {
                        desk.fault(entry.line, "empty-text", format!("the text `{}` is empty", entry.key));
                    }
                    Some(text) => {
                        by_key.insert(entry.key.clone(), text);
                    }
                    None => {}
                }
            }
        }
        texts.insert(language.tag(), by_key);
        faults.append(&mut desk.faults);
    }
    texts
}

/// Notes every text that is missing in a language, at the line that needs it.
pub fn check_complete(desk: &mut Desk, wanted: &[Wanted], texts: &BTreeMap<&'static str, BTreeMap<String, String>>) {
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (line, key) in wanted {
        for (language, by_key) in texts {
            if !by_key.contains_key(key) && told.insert((*language, key.as_str())) {
                let message = format!("the text `{key}` is missing in i18n/{language}.yaml; add it");
                desk.fault(*line, "missing-text", message);
            }
        }
    }
}

/// Notes every text nothing needs: usually a misspelt key.
pub fn check_needed(
    wanted: &[Wanted],
    texts: &BTreeMap<&'static str, BTreeMap<String, String>>,
    faults: &mut Vec<Fault>,
) {
    let needed: BTreeSet<&str> = wanted.iter().map(|(_, key)| key.as_str()).collect();
    for (language, by_key) in texts {
        for key in by_key.keys().filter(|key| !needed.contains(key.as_str()) && !key.starts_with("script.")) {
            faults.push(Fault {
                file: format!("i18n/{language}.yaml"),
                line: None,
                rule: "unused-text".to_owned(),
                message: format!("nothing needs the text `{key}`; correct the key or remove it"),
            });
        }
    }
}
