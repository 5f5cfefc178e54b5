//! The ESAS-r over time, as a small table of a chart: items down, assessments across, the latest first.

use crate::{domain::ids::CallId, flows::open_chart::EsasValue};
use chrono::{DateTime, Utc};

/// The items in the order of the form, with the names it gives them.
const ITEMS: [(&str, &str); 9] = [
    ("esas_pain", "Pain"),
    ("esas_tiredness", "Tiredness"),
    ("esas_drowsiness", "Drowsiness"),
    ("esas_nausea", "Nausea"),
    ("esas_appetite", "Lack of appetite"),
    ("esas_breath", "Shortness of breath"),
    ("esas_depression", "Depression"),
    ("esas_anxiety", "Anxiety"),
    ("esas_wellbeing", "Wellbeing"),
];

/// The numbers side by side. What was not answered is no zero.
#[derive(Clone)]
pub struct EsasTable {
    /// Each assessment: its call and when it was begun.
    pub columns: Vec<(CallId, DateTime<Utc>)>,
    /// Each item: its name and its number in each column.
    pub rows: Vec<(&'static str, Vec<Option<String>>)>,
}

impl EsasTable {
    /// From the numbers of a chart; `None` when there are none.
    #[must_use]
    pub fn of(values: &[EsasValue]) -> Option<Self> {
        let mut columns: Vec<(CallId, DateTime<Utc>)> = values.iter().map(|value| (value.call, value.at)).collect();
        columns.dedup_by_key(|(call, _)| *call);
        let number = |item: &str, call: CallId| {
            let found = values.iter().find(|value| value.call == call && value.question == item);
            found.map(|value| value.value.reveal().clone())
        };
        let row = |(item, name): &(&'static str, &'static str)| {
            (*name, columns.iter().map(|(call, _)| number(item, *call)).collect())
        };
        let rows = ITEMS.iter().map(row).collect();
        (!columns.is_empty()).then_some(Self { columns, rows })
    }
}
