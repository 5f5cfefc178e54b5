//! A call of the home organization with words on it, ended: for what happens after a call.

use super::entrance::Entrance;
use careline::{
    domain::{
        ids::{CallId, OrgId, StaffId},
        people::{Actor, Role},
    },
    flows::draft_summary,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// What is said on it: the nurse (`n`), the patient (`p`) or a caregiver (`c`), one after the other.
pub const TALK: [(char, &str); 8] = [
    ('n', "Good morning, here is your nurse. From zero to ten, how is your breathing today?"),
    ('p', "Six out of ten right now, usually it is three."),
    ('n', "Any chest pain?"),
    ('p', "No."),
    ('p', "I took the morphine at night and I am worried about the weekend."),
    ('c', "She had no fever."),
    ('n', "Let us agree what happens next."),
    ('n', "I will ring you tomorrow at nine."),
];

impl Entrance {
    /// A staff member of the home organization.
    pub async fn staff(&mut self, role: Role) -> Actor {
        let id: Uuid = sqlx::query_scalar("select id from staff_member where org_id = $1 and role = $2")
            .bind(self.home.org)
            .bind(role.word())
            .fetch_one(&mut self.superuser)
            .await
            .unwrap();
        Actor::staff(OrgId(self.home.org), StaffId(id), role)
    }

    /// Puts words on the home organization's call, two seconds apart from when it was bridged.
    pub async fn speak(&mut self, talk: &[(char, &str)]) {
        let (org, call) = (self.home.org, self.home.call);
        let mut statements = format!(
            "update call set may_record = true where org_id = '{org}' and id = '{call}';
             insert into attempt (org_id, id, call_id, party, ordinal, from_e164, to_e164, state, sid, created_at)
             values ('{org}', '{call}', '{call}', 'patient', 1, '+12125550100', '+12125550101', 'bound', 'CA1', now());
             insert into leg (org_id, id, call_id, attempt_id, party, sid, joined_at)
             values ('{org}', '{call}', '{call}', '{call}', 'patient', 'CA1', now());"
        );
        for (number, (letter, text)) in talk.iter().enumerate() {
            let speaker = match letter {
                'n' => "nurse",
                'c' => "caregiver",
                _ => "patient",
            };
            let text = text.replace('\'', "''");
            statements += &format!(
                "insert into utterance (org_id, id, call_id, leg_id, speaker, text, from_at, to_at)
                 select '{org}', gen_random_uuid(), '{call}', '{call}', '{speaker}', '{text}',
                        bridged_at + {number} * interval '2 seconds', bridged_at + {number} * interval '2 seconds'
                   from call where org_id = '{org}' and id = '{call}';"
            );
        }
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut self.superuser).await.unwrap();
    }

    /// Ends the call and drafts what was said, as the job does.
    pub async fn end_and_draft(&mut self) {
        self.run("update call set state = 'done', ended_at = now() where org_id = $1").await;
        self.draft().await;
    }

    /// What the job does.
    pub async fn draft(&self) {
        let careline = Actor::careline(OrgId(self.home.org));
        draft_summary::draft(&self.app, &careline, CallId(self.home.call)).await.unwrap();
    }

    /// One value, of the home organization (`$1`).
    pub async fn value(&mut self, select: &str) -> String {
        let statement = AssertSqlSafe(format!("select ({select})::text"));
        sqlx::query_scalar(statement).bind(self.home.org).fetch_one(&mut self.superuser).await.unwrap()
    }
}
