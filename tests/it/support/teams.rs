//! Care teams for organizations that a test has written row by row.

use sqlx::PgConnection;

/// Gives every organization a first team where it has none, lets everybody who cares for patients serve in it, and hands it
/// the patients who have no team.
pub async fn everybody_in_the_first_team(superuser: &mut PgConnection) {
    for statement in [
        "insert into care_team (org_id, id, name, created_at)
         select o.org_id, gen_random_uuid(), 'Care team', o.created_at from organization o
          where not exists (select from care_team t where t.org_id = o.org_id)",
        "insert into team_member (org_id, id, team_id, staff_id, since)
         select s.org_id, gen_random_uuid(), t.id, s.id, s.created_at
           from staff_member s
           join lateral (select id from care_team t where t.org_id = s.org_id order by created_at, id limit 1) t on true
          where s.role in ('nurse', 'coordinator', 'physician')
            and not exists (select from team_member m where m.org_id = s.org_id and m.staff_id = s.id)",
        "update patient p
            set team_id = (select t.id from care_team t where t.org_id = p.org_id order by created_at, id limit 1)
          where p.team_id is null",
    ] {
        sqlx::query(statement).execute(&mut *superuser).await.unwrap();
    }
}
