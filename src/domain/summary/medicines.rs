//! Medicines that are recognized when somebody names them: the list of the International Association for Hospice and
//! Palliative Care (IAHPC List of Essential Medicines for Palliative Care, 2007), section 2 of the WHO Model List of
//! Essential Medicines (23rd list, 2023: medicines for pain and palliative care), and what a home ward meets besides; each
//! with names it is sold under in the United States and its Spanish names. A list of names, not of doses.

use super::speech::{Token, is_in, words};

/// A name first, then what else it is called, without accents.
const NAMES: &[&str] = &[
    "acetaminophen tylenol paracetamol acetaminofen",
    "albuterol salbutamol ventolin",
    "amitriptyline elavil amitriptilina",
    "aspirin aspirina",
    "atropine atropina",
    "baclofen lioresal baclofeno",
    "bisacodyl dulcolax bisacodilo",
    "buprenorphine butrans buprenorfina",
    "carbamazepine tegretol carbamazepina",
    "citalopram celexa",
    "codeine codeina",
    "dexamethasone decadron dexametasona",
    "diazepam valium",
    "diclofenac diclofenaco",
    "diphenhydramine benadryl difenhidramina",
    "docusate colace docusato",
    "duloxetine cymbalta duloxetina",
    "fentanyl duragesic fentanilo",
    "fluoxetine prozac fluoxetina",
    "furosemide lasix furosemida",
    "gabapentin neurontin gabapentina",
    "glycopyrrolate robinul glicopirrolato",
    "haloperidol haldol",
    "hydrocodone norco vicodin hidrocodona",
    "hydromorphone dilaudid hidromorfona",
    "hyoscine scopolamine hyoscyamine levsin escopolamina hioscina",
    "ibuprofen advil motrin ibuprofeno",
    "insulin insulina",
    "lactulose lactulosa",
    "levetiracetam keppra",
    "loperamide imodium loperamida",
    "lorazepam ativan",
    "megestrol megace",
    "methadone metadona",
    "methylnaltrexone relistor metilnaltrexona",
    "metoclopramide reglan metoclopramida",
    "midazolam versed",
    "mirtazapine remeron mirtazapina",
    "morphine roxanol morfina",
    "naloxone narcan naloxona",
    "naproxen aleve naproxeno",
    "octreotide octreotida",
    "olanzapine zyprexa olanzapina",
    "omeprazole prilosec omeprazol",
    "ondansetron zofran",
    "oxycodone oxycontin percocet roxicodone oxicodona",
    "phenobarbital fenobarbital",
    "polyethylene miralax polietilenglicol",
    "prednisolone prednisolona",
    "prednisone prednisona",
    "pregabalin lyrica pregabalina",
    "prochlorperazine compazine proclorperazina",
    "promethazine phenergan prometazina",
    "quetiapine seroquel quetiapina",
    "senna senokot sennosides sen",
    "sertraline zoloft sertralina",
    "spironolactone aldactone espironolactona",
    "tramadol ultram",
    "trazodone trazodona",
    "warfarin coumadin warfarina",
    "zolpidem ambien",
];

/// The medicine that a word names, by its first name.
#[must_use]
pub fn known(word: &str) -> Option<&'static str> {
    NAMES.iter().filter(|names| is_in(names, word)).find_map(|names| names.split_whitespace().next())
}

/// The names in what a chart says about medicines: its words of five letters or more that are no unit and no instruction.
#[must_use]
pub fn of_chart(remarks: &str) -> Vec<String> {
    const NO_NAME: &str = "every hours tablet tablets daily night morning needed twice three times patch drops milligrams \
                           capsule capsules liquid mouth under tongue before after meals evening since allergic breath \
                           breathlessness sleep nausea constipation around other oxygen cannula liters litres medicines \
                           medicine medication takes taking";
    let mut names: Vec<String> = Vec::new();
    for token in words(remarks) {
        let is_name = token.word.chars().count() >= 5 && token.word.chars().all(char::is_alphabetic);
        let name = known(&token.word).map_or_else(|| token.word.clone(), str::to_owned);
        if is_name && !is_in(NO_NAME, &token.word) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The medicine that a token names, from the list or from the patient's own.
#[must_use]
pub fn named(token: &Token, own: &[String]) -> Option<String> {
    let listed = known(&token.word).map(str::to_owned);
    listed.or_else(|| own.iter().find(|name| **name == token.word).cloned())
}
