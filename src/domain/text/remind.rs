//! When a planned call is announced: so long before it as the organization wants, and never when the patient may not be
//! texted.

use chrono::{DateTime, Duration, Utc};

/// An announcement that would come later than this before its call says nothing new.
const TOO_LATE: Duration = Duration::minutes(15);
/// How far back, and in which steps, an open instant is looked for when the wanted one is closed.
const STEP: Duration = Duration::minutes(15);
const MOST_STEPS: i32 = 4 * 36;

/// The instant at which a call that falls due at `due_at` is announced; `None` when there is no good one left, or when
/// the organization announces none (`lead` of zero).
///
/// `opens` answers for an instant: itself when a text may go out then, else the next instant at which one may. The wanted
/// instant is `lead` before the call; where that is closed, the nearest open one before it, so that an early call is
/// announced the evening before; where that has passed, the next open one.
#[must_use]
pub fn remind_at(
    now: DateTime<Utc>,
    due_at: DateTime<Utc>,
    lead: Duration,
    opens: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    if lead <= Duration::zero() {
        return None;
    }
    let wanted = due_at - lead;
    let before = (0..=MOST_STEPS)
        .map(|steps| wanted - STEP * steps)
        .take_while(|at| *at >= now)
        .find(|at| opens(*at) == Some(*at));
    let chosen = before.or_else(|| opens(wanted.max(now)))?;
    (chosen + TOO_LATE <= due_at).then_some(chosen)
}
