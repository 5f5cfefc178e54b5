//! Founds the organizations of a run: every one with staff of each role, signed in, and with patients of whom every field
//! carries the organization's mark.

use super::{
    marks::{Detector, mark, phone},
    places::Places,
};
use crate::{
    app::App,
    bench::Broken,
    demo::DYSPNEA,
    domain::{
        consent::{ConsentAnswer, ConsentChannel, ConsentPurpose},
        ids::{CallId, OrgId, PatientId, StaffId},
        people::{Actor, ChartFacts, Role},
        private::Private,
        script::Script,
    },
    flows::{
        admit_patient::{self, NewConsent, NewContact, NewPatient},
        answer_question,
        found_organization::{self, NewOrganization},
        import_protocol, save_answers,
    },
};
use rand::RngExt;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Patients of each organization; each has a call that is on the line and one that is planned.
const PATIENTS: usize = 2;

/// One organization of a run.
pub struct Organization {
    /// Its number, which every mark carries.
    pub number: usize,
    /// Its id.
    pub org: OrgId,
    /// Its code.
    pub code: String,
    /// The cookie of one member of each role.
    pub cookies: Vec<(Role, String)>,
    /// Ids of its rows, by table.
    pub rows: BTreeMap<String, Vec<Uuid>>,
    /// Its calls that are on the line.
    pub calls: Vec<CallId>,
}

/// Everything a run needs to know of them.
pub struct Founded {
    /// They, by number.
    pub organizations: Vec<Organization>,
    /// Who knows whose a fact is.
    pub detector: Detector,
}

/// Founds `count` organizations in an empty database.
///
/// # Errors
/// When the product refuses what is no fault, or the tables are not what this bench knows.
pub async fn found(app: &App, places: &Places, count: usize) -> Result<Founded, Broken> {
    let mut superuser = PgConnection::connect(places.superuser_url.reveal()).await.map_err(Broken::of)?;
    let mut organizations = Vec::new();
    for number in 0..count {
        organizations.push(found_one(app, &mut superuser, number).await?);
    }
    let owners = read_rows(&mut superuser, &mut organizations).await?;
    superuser.close().await.map_err(Broken::of)?;
    Ok(Founded { organizations, detector: Detector::knowing(owners) })
}

async fn found_one(app: &App, superuser: &mut PgConnection, number: usize) -> Result<Organization, Broken> {
    let code = format!("kx{number:03}q-hospice");
    let new = NewOrganization {
        code: code.clone(),
        name: mark(number, "organization"),
        country: "US".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        caller_number: phone(number, 99),
    };
    let operator = found_organization::found(app, new).await.map_err(Broken::of)?;
    let org = operator.org;
    let files = DYSPNEA.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    import_protocol::import(app, &operator, files).await.map_err(Broken::of)?;
    let (cookies, nurse) = hire(superuser, org, number).await?;
    let actor = Actor::staff(org, nurse, Role::Nurse);
    let mut calls = Vec::new();
    for line in 0..PATIENTS {
        let patient = admit(app, &operator, nurse, number, line).await?;
        calls.push(put_on_the_line(superuser, org, number, patient, nurse).await?);
    }
    write_passages(superuser, org, number).await?;
    answer_question::reindex(app, org).await.map_err(Broken::of)?;
    for call in &calls {
        save_answers::save(app, &actor, *call, 0, vec![], vec![], vec![]).await.map_err(Broken::of)?;
        let question = Private::new(format!("What helps against breathlessness at night {}", mark(number, "question")));
        answer_question::ask(app, &actor, *call, question).await.map_err(Broken::of)?;
    }
    let plan = "update assessment set agreed_plan = $2 where org_id = $1";
    sqlx::query(plan).bind(org.0).bind(mark(number, "plan")).execute(superuser).await.map_err(Broken::of)?;
    Ok(Organization { number, org, code, cookies, rows: BTreeMap::new(), calls })
}

/// One member of each role with an open session. Passwords would take minutes and nobody types one here.
async fn hire(
    superuser: &mut PgConnection,
    org: OrgId,
    number: usize,
) -> Result<(Vec<(Role, String)>, StaffId), Broken> {
    let mut cookies = Vec::new();
    let mut nurse = StaffId(Uuid::nil());
    for role in Role::ALL {
        let (id, token) = (Uuid::now_v7(), hex::encode(rand::rng().random::<[u8; 32]>()));
        sqlx::query(
            "insert into staff_member (org_id, id, email, full_name, role, password_hash, phone, on_duty, created_at)
             values ($1, $2, $3, $4, $5, 'nobody', $6, $5 = 'nurse', now())",
        )
        .bind(org.0)
        .bind(id)
        .bind(format!("kx{number:03}q-{}@example.org", role.word()))
        .bind(mark(number, role.word()))
        .bind(role.word())
        .bind(phone(number, 90))
        .execute(&mut *superuser)
        .await
        .map_err(Broken::of)?;
        sqlx::query(
            "insert into session (org_id, id, token_hash, staff_id, created_at, seen_at, proven_at, expires_at, begun_by)
             values ($1, $2, $3, $4, now(), now(), now(), now() + interval '1 day', 'passkey')",
        )
        .bind(org.0)
        .bind(Uuid::now_v7())
        .bind(Sha256::digest(&token).to_vec())
        .bind(id)
        .execute(&mut *superuser)
        .await
        .map_err(Broken::of)?;
        cookies.push((role, format!("{org}.{token}")));
        if role == Role::Nurse {
            nurse = StaffId(id);
        }
    }
    for statement in [
        "insert into team_member (org_id, id, team_id, staff_id, since)
         select s.org_id, gen_random_uuid(), (select t.id from care_team t where t.org_id = $1 order by t.id limit 1), s.id, now()
           from staff_member s where s.org_id = $1 and s.role in ('nurse', 'coordinator', 'physician')",
        "update organization set second_factor = 'offered' where org_id = $1",
    ] {
        sqlx::query(statement).bind(org.0).execute(&mut *superuser).await.map_err(Broken::of)?;
    }
    Ok((cookies, nurse))
}

async fn admit(app: &App, operator: &Actor, nurse: StaffId, number: usize, line: usize) -> Result<PatientId, Broken> {
    let new = NewPatient {
        given_name: mark(number, "given").into(),
        family_name: mark(number, "family").into(),
        date_of_birth: "1944-03-09".into(),
        phone: phone(number, line).into(),
        language: "en-US".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        call_code: "4711".into(),
        nurse: Some(nurse),
        team: None,
        programme: "general".to_owned(),
        allergies: mark(number, "allergies").into(),
        medications: mark(number, "medications").into(),
        facts: ChartFacts::default(),
    };
    let patient = admit_patient::admit(app, operator, new).await.map_err(Broken::of)?;
    let contact = NewContact {
        full_name: mark(number, "contact").into(),
        relation: mark(number, "relation").into(),
        phone: phone(number, 50 + line).into(),
        call_code: "1174".into(),
    };
    let contact = admit_patient::add_contact(app, operator, patient, contact).await.map_err(Broken::of)?;
    for (contact, purpose) in [(None, ConsentPurpose::BeCalled), (Some(contact), ConsentPurpose::DiscussHealth)] {
        let consent = NewConsent {
            contact,
            purpose,
            channel: ConsentChannel::Any,
            answer: ConsentAnswer::Given,
            evidence: mark(number, "evidence").into(),
        };
        admit_patient::record_consent(app, operator, patient, consent).await.map_err(Broken::of)?;
    }
    Ok(patient)
}

/// What only a carrier, and people at their telephones, bring about.
const ON_THE_LINE: [&str; 25] = [
    "insert into call (org_id, id, patient_id, purpose, protocol_id, nurse_id, due_at, state, script, created_at,
                       idem_key, bridged_at, speaker)
     values ($1, $2, $3, 'check_in', 'dyspnea', $4, now(), 'bridged', $7, now(), $2::text, now(), 'patient')",
    "insert into call (org_id, id, patient_id, purpose, protocol_id, nurse_id, due_at, state, script, created_at,
                       idem_key)
     values ($1, gen_random_uuid(), $3, 'follow_up', 'dyspnea', $4, now() + interval '1 day', 'scheduled', $7,
             now(), 'planned:' || $2)",
    "insert into attempt (org_id, id, call_id, party, ordinal, from_e164, to_e164, state, sid, created_at)
     select $1, $2, $2, 'patient', 1, $6, $6, 'bound', 'CA' || $2, now()",
    "insert into leg (org_id, id, call_id, attempt_id, party, sid, joined_at)
     select $1, $2, $2, $2, 'patient', 'CA' || $2, now()",
    "insert into utterance (org_id, id, call_id, leg_id, speaker, text, from_at, to_at)
     select $1, $2, $2, $2, 'patient', $5, now(), now()",
    "insert into utterance_correction (org_id, utterance_id, number, call_id, patient_id, text, language, made_by, made_at)
     values ($1, $2, 1, $2, $3, $5, 'en-US', $4, now())",
    "insert into listening (org_id, id, call_id, patient_id, staff_id, asked_at, pulse_at)
     values ($1, $2, $2, $3, $4, now(), now())",
    "insert into follow_up (org_id, id, patient_id, call_id, reason, summary, urgency, owner_id, due_at, state,
                            created_at, once_key)
     values ($1, $2, $3, $2, 'missed_call', $5, 'same_day', $4, now() - interval '1 hour', 'open', now(), $2::text)",
    "insert into text_message (org_id, id, direction, patient_id, number, own_number, wording, body, body_hash, segments,
                               state, sid, send_at, meaning, created_at, once_key)
     values ($1, $2, 'in', $3, $6, $6, 'received', $5, '\\x00', 1, 'received', 'SM' || $2, now(), 'to_read', now(),
             $2::text)",
    "insert into job (org_id, id, body, unique_key, run_at, state, created_at)
     values ($1, $2, jsonb_build_object('kind', 'escalate_follow_up', 'follow_up', $2), $2::text, now(), 'queued', now())",
    "insert into outside_number (org_id, id, label, number, kind, added_at, added_by)
     values ($1, $2, $5, $6, 'interpreter', now(), $4) on conflict do nothing",
    "insert into guest (org_id, id, call_id, kind, part, staff_id, asked_by, asked_at, state, ended_at)
     values ($1, $2, $2, 'colleague', 'talks', $4, $4, now(), 'left', now())",
    "insert into seat (org_id, leg_id, call_id, ends, part) values ($1, $2, $2, true, 'talks')",
    "insert into voicemail_word (org_id, number, day, call_id, attempt_id, at)
     values ($1, $6, current_date - 1, $2, $2, now()) on conflict do nothing",
    "insert into check_in (org_id, call_id, patient_id, dialogue, level, began_at, channel)
     values ($1, $2, $3, '{}', 'routine', now(), 'text')",
    "insert into check_in_answer (org_id, id, call_id, question, value, at)
     values ($1, $2, $2, 'esas_pain', $5, now())",
    "insert into summary_draft (org_id, id, call_id, patient_id, rules, way, salt, sha256, medicines, evidence, made_at)
     values ($1, $2, $2, $3, 'summary-1', 'rules', '\\x00', '\\x00', '{}', '{\"withheld\": []}', now())",
    "insert into summary_item (org_id, id, draft_id, call_id, number, kind, code, stance, found_by)
     values ($1, $2, $2, $2, 1, 'concern', 'worry', 'present', 'rules')",
    "insert into summary_source (org_id, item_id, number, call_id, utterance_id, speaker, from_byte, to_byte, words)
     values ($1, $2, 1, $2, $2, 'patient', 0, 4, $5)",
    "insert into summary_decision (org_id, id, draft_id, item_id, call_id, number, decided, words, decided_by, decided_at)
     values ($1, $2, $2, $2, $2, 1, 'edited', $5, $4, now())",
    "insert into call_replay (org_id, id, call_id, why, operator, verdict, differences, at)
     values ($1, $2, $2, $5, 'Nobody', 'same', 0, now())",
    "insert into text_check_in (org_id, call_id, patient_id, number, asked_at, began_at, ended_at)
     values ($1, $2, $3, $6, now(), now(), now())",
    "insert into caller_line (org_id, sid, is_over, heard, began_at) values ($1, 'CA' || $2, true, $2::text, now())",
    "insert into first_rung (org_id, purpose, first) values ($1, 'any', 'patient') on conflict do nothing",
    "insert into browser_line (org_id, staff_id, identity, chosen)
     values ($1, $4, 'n' || replace($4::text, '-', ''), false) on conflict do nothing",
];

/// A bridged call with a leg and words, a planned call, and a follow-up: what only a carrier brings about.
async fn put_on_the_line(
    superuser: &mut PgConnection,
    org: OrgId,
    number: usize,
    patient: PatientId,
    nurse: StaffId,
) -> Result<CallId, Broken> {
    let call = Uuid::now_v7();
    let script = serde_json::to_value(Script::default()).map_err(Broken::of)?;
    for statement in ON_THE_LINE {
        // Every statement is given the same seven, whether it uses them or not.
        let statement = format!(
            "with given as (select $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, $6::text, $7::jsonb) {statement}"
        );
        sqlx::query(AssertSqlSafe(statement))
            .bind(org.0)
            .bind(call)
            .bind(patient.0)
            .bind(nurse.0)
            .bind(mark(number, "words"))
            .bind(phone(number, 1))
            .bind(&script)
            .execute(&mut *superuser)
            .await
            .map_err(Broken::of)?;
    }
    Ok(CallId(call))
}

/// Passages of the organization's own, so that a search says whose shelf it looked at.
async fn write_passages(superuser: &mut PgConnection, org: OrgId, number: usize) -> Result<(), Broken> {
    for ordinal in 0..3 {
        let text =
            format!("Breathlessness at night may ease with a fan and an open window. {}", mark(number, "passage"));
        sqlx::query(
            "insert into passage (org_id, protocol_id, version, anchor, ordinal, heading, text, tags, sha256)
             select org_id, protocol_id, version, $2, 900 + $3, $4, $5, '{}', sha256($5::bytea)
               from protocol_version where org_id = $1 and in_use",
        )
        .bind(org.0)
        .bind(format!("kx{number:03}q-{ordinal}"))
        .bind(ordinal)
        .bind(mark(number, "heading"))
        .bind(text)
        .execute(&mut *superuser)
        .await
        .map_err(Broken::of)?;
    }
    Ok(())
}

/// Ids of every row of every table, and whose they are.
async fn read_rows(
    superuser: &mut PgConnection,
    organizations: &mut [Organization],
) -> Result<HashMap<Uuid, usize>, Broken> {
    let mut owners = HashMap::new();
    for table in tables_with_ids(superuser).await? {
        let statement = format!("select org_id, id from {table}");
        let rows: Vec<(Uuid, Uuid)> =
            sqlx::query_as(AssertSqlSafe(statement)).fetch_all(&mut *superuser).await.map_err(Broken::of)?;
        for (org, id) in rows {
            if let Some(owner) = organizations.iter_mut().find(|organization| organization.org.0 == org) {
                owner.rows.entry(table.clone()).or_default().push(id);
                owners.insert(id, owner.number);
            }
        }
    }
    owners.extend(organizations.iter().map(|organization| (organization.org.0, organization.number)));
    Ok(owners)
}

async fn tables_with_ids(superuser: &mut PgConnection) -> Result<Vec<String>, Broken> {
    sqlx::query_scalar(
        "select c.relname::text
           from pg_class c
           join pg_attribute a on a.attrelid = c.oid and a.attname = 'id' and a.atttypid = 'uuid'::regtype
          where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
            and exists (select from pg_attribute o where o.attrelid = c.oid and o.attname = 'org_id')
          order by 1",
    )
    .fetch_all(superuser)
    .await
    .map_err(Broken::of)
}

/// Puts back what a run wears out: calls that were ended, follow-ups that were done, sessions that were closed.
///
/// # Errors
/// When the tables are not what this bench knows.
pub async fn refresh(superuser: &mut PgConnection) -> Result<(), Broken> {
    let statement = "
        update call set state = 'bridged', ended_at = null, outcome = null where speaker is not null and state <> 'bridged';
        update follow_up set state = 'open', done_at = null, done_by = null, outcome = null where state <> 'open';
        update staff_member set active = true where not active;
        update session set ended_at = null, seen_at = now(), proven_at = now(), expires_at = now() + interval '1 day'
         where ended_at is not null or seen_at < now() - interval '1 minute';";
    superuser.execute(sqlx::raw_sql(statement)).await.map(drop).map_err(Broken::of)
}
