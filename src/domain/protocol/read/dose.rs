//! What looks like a dose: a number next to a unit medicines are measured in. It errs on the side of finding one.

/// Units that follow a number in a dose, in the languages texts are written in.
const UNITS: [&str; 42] = [
    "mg",
    "mcg",
    "µg",
    "μg",
    "ug",
    "g",
    "ml",
    "cc",
    "iu",
    "units",
    "unit",
    "unidades",
    "unidad",
    "tablet",
    "tablets",
    "tableta",
    "tabletas",
    "pill",
    "pills",
    "pastilla",
    "pastillas",
    "drop",
    "drops",
    "gota",
    "gotas",
    "puff",
    "puffs",
    "inhalación",
    "inhalaciones",
    "capsule",
    "capsules",
    "cápsula",
    "cápsulas",
    "teaspoon",
    "teaspoons",
    "cucharadita",
    "cucharaditas",
    "liters",
    "litros",
    "lpm",
    "l/min",
    "mg/h",
];

/// Numbers written as words.
const NUMBER_WORDS: [&str; 20] = [
    "one", "two", "three", "four", "five", "six", "ten", "half", "un", "una", "uno", "dos", "tres", "cuatro", "cinco",
    "seis", "diez", "medio", "media", "double",
];

/// The first thing in a text that looks like a dose.
#[must_use]
pub fn dose_in(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().map(bare).collect();
    let glued = words.iter().find(|word| is_glued_dose(word)).map(|word| (*word).to_owned());
    let apart = words.windows(2).find_map(|pair| match pair {
        [number, unit] if is_number(number) && is_unit(unit) => Some(format!("{number} {unit}")),
        _ => None,
    });
    glued.or(apart)
}

fn bare(word: &str) -> &str {
    word.trim_matches(|letter: char| !letter.is_alphanumeric())
}

fn is_unit(word: &str) -> bool {
    let first = word.split('/').next().unwrap_or(word);
    UNITS.contains(&word) || UNITS.contains(&first)
}

fn is_number(word: &str) -> bool {
    NUMBER_WORDS.contains(&word)
        || (word.starts_with(|letter: char| letter.is_ascii_digit())
            && word.chars().all(|letter| letter.is_ascii_digit() || ".,-–/".contains(letter)))
}

/// `5mg`, `2.5ml/h`.
fn is_glued_dose(word: &str) -> bool {
    let unit = word.trim_start_matches(|letter: char| letter.is_ascii_digit() || ".,-–".contains(letter));
    unit.len() < word.len() && is_unit(unit)
}
