//! Who slips out of contact: days since the last conversation, calls missed since, and whether any call is planned.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{ids::PatientId, private::Private},
    error::Error,
};
use chrono::{DateTime, Utc};

/// Most lines of the list.
const MOST: i64 = 200;

/// One patient of the list.
#[derive(Clone)]
pub struct Slipping {
    /// Who.
    pub patient: PatientId,
    /// Their name.
    pub name: Private<String>,
    /// When somebody last talked with them; `None` is never.
    pub talked_at: Option<DateTime<Utc>>,
    /// Since when they are followed.
    pub since: DateTime<Utc>,
    /// Attempts since then that reached nobody.
    pub unreached: i64,
    /// Of these, attempts that a voicemail answered.
    pub voicemails: i64,
    /// Calls given up since then.
    pub missed: i64,
    /// The next call that is planned.
    pub next_at: Option<DateTime<Utc>>,
    /// Whether the newest signed assessment asked for more haste than the one before.
    pub worsened: bool,
}

struct Row {
    id: uuid::Uuid,
    name: String,
    created_at: DateTime<Utc>,
    talked_at: Option<DateTime<Utc>>,
    unreached: i64,
    voicemails: i64,
    missed: i64,
    next_at: Option<DateTime<Utc>>,
    worsened: bool,
}

impl Row {
    fn read(self) -> Slipping {
        Slipping {
            patient: PatientId(self.id),
            name: Private::new(self.name),
            talked_at: self.talked_at,
            since: self.created_at,
            unreached: self.unreached,
            voicemails: self.voicemails,
            missed: self.missed,
            next_at: self.next_at,
            worsened: self.worsened,
        }
    }
}

/// Followed patients, the longest without a conversation first. Names are patient data, hence the receipt.
///
/// # Errors
/// When the database is away.
pub async fn slipping(tx: &mut OrgTx, _: &Receipt) -> Result<Vec<Slipping>, Error> {
    let org = tx.org();
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id, p.given_name || ' ' || p.family_name as "name!", p.created_at, talk.at as "talked_at?",
                  tries.unreached as "unreached!", tries.voicemails as "voicemails!",
                  (select count(*)
                     from call c
                    where c.org_id = p.org_id
                      and c.patient_id = p.id
                      and c.state in ('missed', 'needs_person')
                      and c.ended_at > coalesce(talk.at, p.created_at)) as "missed!",
                  (select min(c.due_at)
                     from call c
                    where c.org_id = p.org_id
                      and c.patient_id = p.id
                      and c.state = 'scheduled') as "next_at?",
                  coalesce((select bool_or(l.nth = 1 and l.haste > l.before)
                              from (select row_number() over newest as nth,
                                           array_position(array['self_care', 'routine', 'within_72h', 'within_24h',
                                                                'same_day', 'clinician_1h', 'hospice_now',
                                                                'emergency_now'], s.disposition) as haste,
                                           array_position(array['self_care', 'routine', 'within_72h', 'within_24h',
                                                                'same_day', 'clinician_1h', 'hospice_now',
                                                                'emergency_now'],
                                                          lead(s.disposition) over newest) as before
                                      from assessment s
                                     where s.org_id = p.org_id
                                       and s.patient_id = p.id
                                       and s.state = 'signed'
                                    window newest as (order by s.signed_at desc)) l), false) as "worsened!"
             from patient p
             left join lateral (select max(c.bridged_at) as at
                                  from call c
                                 where c.org_id = p.org_id
                                   and c.patient_id = p.id
                                   and c.bridged_at is not null) talk on true
             cross join lateral (select count(*) as unreached, count(*) filter (where a.outcome = 'voicemail') as voicemails
                                   from attempt a
                                   join call c on c.org_id = a.org_id and c.id = a.call_id
                                  where a.org_id = p.org_id
                                    and c.patient_id = p.id
                                    and a.party = 'patient'
                                    and a.ended_at is not null
                                    and a.created_at > coalesce(talk.at, p.created_at)) tries
            where p.org_id = $1
              and p.status = 'active'
            order by coalesce(talk.at, p.created_at), p.id
            limit $2"#,
        org.0,
        MOST
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(Row::read).collect())
}
