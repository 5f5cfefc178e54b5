//! Care teams and urgent access: who reaches whom inside one organization, and how the record and the reviewers know.

use crate::support::office::{Office, PASSWORD, a_patient};
use careline::{
    domain::{
        ids::{BreakGlassId, PatientId},
        people::{Actor, Role},
        reach::UrgentFinding,
    },
    error::Error,
    flows::{
        add_staff::{self, Duty, NewStaff},
        admit_patient::{self, NewContact},
        break_glass::{self, Wanted},
        hand_over_patient::hand_over,
        look_after_staff::{self, Change},
        open_chart,
        review_break_glass::{queue, remind, review},
    },
};
use chrono::Duration;
use sqlx::{AssertSqlSafe, Executor};

/// Two teams with a nurse, a coordinator and a patient each.
struct House {
    office: Office,
    operator: Actor,
    admin: Actor,
    south: Team,
    north: Team,
}

struct Team {
    nurse: Actor,
    coordinator: Actor,
    patient: PatientId,
}

impl House {
    async fn open() -> Self {
        let office = Office::open().await;
        let operator = office.found("riverside").await;
        look_after_staff::add_team(&office.app, &operator, "North").await.unwrap();
        let admin = staff(&office, &operator, Role::Admin, "ada", "").await;
        let south = Team::open(&office, &operator, "Care team", "Southey").await;
        let north = Team::open(&office, &operator, "North", "Northam").await;
        Self { office, operator, admin, south, north }
    }

    async fn reads(&self, actor: &Actor, patient: PatientId) -> bool {
        match open_chart::open(&self.office.app, actor, patient).await {
            Ok(_) => true,
            Err(Error::NotFound) => false,
            Err(error) => panic!("{error}"),
        }
    }

    async fn listed(&self, actor: &Actor) -> Vec<PatientId> {
        let found = open_chart::find(&self.office.app, actor, "", 0).await.unwrap();
        found.patients.into_iter().map(|line| line.id).collect()
    }

    async fn take(&self, actor: &Actor, family_name: &str) -> Result<PatientId, Error> {
        let wanted = Wanted {
            family_name: family_name.into(),
            date_of_birth: "1944-03-09".into(),
            given_name: "".into(),
            reason: "patient_called".into(),
            words: "His wife rang: he cannot breathe.".into(),
        };
        break_glass::begin(&self.office.app, actor, wanted).await
    }

    async fn count(&self, what: &str) -> i64 {
        let mut superuser = self.office.database.superuser().await;
        sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {what}")))
            .fetch_one(&mut superuser)
            .await
            .unwrap()
    }

    async fn newest(&self) -> BreakGlassId {
        let mut superuser = self.office.database.superuser().await;
        let id = "select id from break_glass order by began_at desc, id desc limit 1";
        BreakGlassId(sqlx::query_scalar(id).fetch_one(&mut superuser).await.unwrap())
    }
}

impl Team {
    async fn open(office: &Office, operator: &Actor, team: &str, family_name: &str) -> Self {
        let nurse = staff(office, operator, Role::Nurse, &format!("nurse-{family_name}"), team).await;
        let coordinator = staff(office, operator, Role::Coordinator, &format!("coord-{family_name}"), team).await;
        let patient = office.admit(&nurse, family_name).await;
        Self { nurse, coordinator, patient }
    }
}

async fn staff(office: &Office, operator: &Actor, role: Role, name: &str, team: &str) -> Actor {
    let new = NewStaff {
        email: format!("{name}@example.org"),
        full_name: name.into(),
        role,
        password: PASSWORD.to_owned().into(),
        phone: String::new(),
        duty: Duty::On,
        team: team.into(),
    };
    Actor::staff(operator.org, add_staff::add(&office.app, operator, new).await.unwrap(), role)
}

#[tokio::test]
async fn a_nurse_reaches_the_patients_of_her_team_and_sees_no_other_on_any_list() {
    let house = House::open().await;
    let (south, north) = (&house.south, &house.north);
    for (reader, patient, reached) in [
        (&south.nurse, south.patient, true),
        (&south.nurse, north.patient, false),
        (&south.coordinator, north.patient, false),
        (&north.nurse, north.patient, true),
    ] {
        assert_eq!(house.reads(reader, patient).await, reached);
        assert_eq!(house.listed(reader).await.contains(&patient), reached);
    }
    let contact = NewContact {
        full_name: "Someone".into(),
        relation: "son".into(),
        phone: "212 555 0188".into(),
        call_code: "1234".into(),
    };
    let added = admit_patient::add_contact(&house.office.app, &south.nurse, north.patient, contact).await;
    assert!(matches!(added, Err(Error::NotFound)));
    // The control: with the policy of the table opened, the list shows the stranger, and only the receipt still holds.
    let mut superuser = house.office.database.superuser().await;
    let policy = "select pg_get_expr(polqual, polrelid) from pg_policy where polrelid = 'patient'::regclass and polname = 'reach'";
    let rule: String = sqlx::query_scalar(policy).fetch_one(&mut superuser).await.unwrap();
    superuser.execute("alter policy reach on patient using (true)").await.unwrap();
    let (seen, read) = (house.listed(&south.nurse).await, house.reads(&south.nurse, north.patient).await);
    superuser
        .execute(sqlx::raw_sql(AssertSqlSafe(format!("alter policy reach on patient using ({rule})"))))
        .await
        .unwrap();
    assert!(seen.contains(&north.patient), "the control: an open policy must be noticed");
    assert!(!read, "the receipt is a second lock");
    assert!(!house.listed(&south.nurse).await.contains(&north.patient));
}

#[tokio::test]
async fn without_a_reach_the_database_shows_no_patient_and_takes_none() {
    let house = House::open().await;
    let mut application = <sqlx::PgConnection as sqlx::Connection>::connect(&house.office.database.url).await.unwrap();
    let count = async |application: &mut sqlx::PgConnection, reach: &str| -> i64 {
        let settings = "select set_config('app.org', $1, false), set_config('app.reach', $2, false)";
        let org = house.operator.org.to_string();
        sqlx::query(settings).bind(org).bind(reach).execute(&mut *application).await.unwrap();
        sqlx::query_scalar("select count(*) from patient").fetch_one(application).await.unwrap()
    };
    for (reach, seen) in [
        (String::new(), 0),
        ("everything".to_owned(), 0),
        (house.admin.staff_id().unwrap().to_string(), 0),
        (house.south.nurse.staff_id().unwrap().to_string(), 1),
        ("all".to_owned(), 2),
    ] {
        assert_eq!(count(&mut application, &reach).await, seen, "with app.reach = {reach:?}");
    }
    let nurse = house.south.nurse.staff_id().unwrap().to_string();
    assert_eq!(count(&mut application, &nurse).await, 1);
    let stolen = sqlx::query("update patient set team_id = (select id from care_team where name = 'North')")
        .execute(&mut application)
        .await;
    assert!(stolen.unwrap_err().to_string().contains("row-level security"), "a patient put out of one's own reach");
}

#[tokio::test]
async fn reach_ends_with_the_membership_and_moves_with_the_patient() {
    let house = House::open().await;
    let app = &house.office.app;
    let (south, north) = (&house.south, &house.north);
    let teams = look_after_staff::list(app, &house.admin).await.unwrap().teams;
    let named = |name: &str| teams.iter().find(|team| team.name == name).unwrap().id;
    let coordinator = south.coordinator.staff_id().unwrap();
    assert!(matches!(hand_over(app, &south.coordinator, south.patient, named("North")).await, Err(Error::NotFound)));
    look_after_staff::change(app, &house.admin, coordinator, Change::Join(named("North"))).await.unwrap();
    hand_over(app, &south.coordinator, south.patient, named("North")).await.unwrap();
    assert!(!house.reads(&south.nurse, south.patient).await);
    assert!(house.reads(&north.nurse, south.patient).await);
    let nurse = north.nurse.staff_id().unwrap();
    look_after_staff::change(app, &house.admin, nurse, Change::Leave(named("North"))).await.unwrap();
    assert!(!house.reads(&north.nurse, south.patient).await);
    let alone = admit_patient::admit(app, &north.nurse, a_patient("Late")).await;
    assert!(matches!(&alone, Err(Error::Invalid(text)) if text.contains("care team")));
    for (who, refused) in [(&south.nurse, true), (&house.admin, false)] {
        let tried = look_after_staff::change(app, who, nurse, Change::Join(named("North"))).await;
        assert_eq!(matches!(tried, Err(Error::Forbidden)), refused);
    }
    assert!(house.reads(&north.nurse, south.patient).await);
}

#[tokio::test]
async fn urgent_access_reads_one_chart_for_an_hour_and_everybody_who_should_know_knows() {
    let house = House::open().await;
    let app = &house.office.app;
    let (south, north) = (&house.south, &house.north);
    let guess = house.take(&south.nurse, "Nobody").await;
    assert!(matches!(&guess, Err(Error::Invalid(text)) if text.contains("family name")));
    assert_eq!(house.count("audit_entry where deed = 'sought_urgently'").await, 1);
    assert!(matches!(house.take(&south.coordinator, "Northam").await, Err(Error::Forbidden)));
    assert_eq!(house.take(&south.nurse, "northam").await.unwrap(), north.patient);
    let chart = open_chart::open(app, &south.nurse, north.patient).await.unwrap();
    assert!(chart.urgent.is_some(), "every page of it wears the banner");
    let contact = NewContact {
        full_name: "Someone".into(),
        relation: "son".into(),
        phone: "212 555 0188".into(),
        call_code: "1234".into(),
    };
    let added = admit_patient::add_contact(app, &south.nurse, north.patient, contact).await;
    assert!(matches!(added, Err(Error::Forbidden)), "reading and calling only");
    let coordinator = north.coordinator.staff_id().unwrap();
    let letter = format!("job where body->>'notice' = 'break_glass_began' and body->>'staff' = '{coordinator}'");
    assert_eq!(house.count(&letter).await, 1);
    house.office.clock.advance(Duration::minutes(59).to_std().unwrap());
    assert!(house.reads(&south.nurse, north.patient).await);
    house.office.clock.advance(Duration::minutes(1).to_std().unwrap());
    assert!(!house.reads(&south.nurse, north.patient).await, "over by the clock, before any job has been there");
    let id = house.newest().await;
    break_glass::run_out(app, &Actor::careline(house.operator.org), id).await.unwrap();
    assert!(!house.listed(&south.nurse).await.contains(&north.patient), "and off every list");
    for deed in ["began_break_glass", "ended_break_glass"] {
        assert_eq!(house.count(&format!("audit_entry where deed = '{deed}' and subject = '{id}'")).await, 1, "{deed}");
    }
    let opened = format!("audit_entry where deed = 'opened_chart' and detail->>'break_glass' = '{id}'");
    assert!(house.count(&opened).await >= 2, "each opening says by which urgent access");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_opened() {
    let house = House::open().await;
    let mut superuser = house.office.database.superuser().await;
    let break_it = "create function no_entry() returns trigger language plpgsql as
                    $$ begin raise exception 'the record cannot be written'; end $$;
                    create trigger no_entry before insert on audit_entry for each row execute function no_entry()";
    superuser.execute(sqlx::raw_sql(break_it)).await.unwrap();
    let taken = house.take(&house.south.nurse, "Northam").await;
    superuser.execute(sqlx::raw_sql("drop trigger no_entry on audit_entry; drop function no_entry()")).await.unwrap();
    assert!(matches!(taken, Err(Error::Database(_))));
    assert_eq!(house.count("break_glass").await, 0);
    assert!(!house.reads(&house.south.nurse, house.north.patient).await);
    house.take(&house.south.nurse, "Northam").await.unwrap();
    assert!(house.reads(&house.south.nurse, house.north.patient).await, "the control: with a record it opens");
}

#[tokio::test]
async fn each_urgent_access_is_reviewed_by_another_person_and_a_forgotten_one_is_reminded_of() {
    let house = House::open().await;
    let app = &house.office.app;
    let (south, north) = (&house.south, &house.north);
    house.take(&south.nurse, "Northam").await.unwrap();
    let id = house.newest().await;
    let careline = Actor::careline(house.operator.org);
    for round in 0..2 {
        house.office.clock.advance(Duration::hours(72).to_std().unwrap());
        remind(app, &careline, id, round).await.unwrap();
    }
    assert_eq!(house.count("job where body->>'notice' = 'break_glass_review_due'").await, 2);
    let seen = queue(app, &north.coordinator).await.unwrap().lines;
    assert!(seen[0].words.is_some() && seen[0].patient_name.is_some(), "the patient's coordinator reads why");
    let seen = queue(app, &house.admin).await.unwrap().lines;
    assert!(seen[0].words.is_none() && seen[0].patient_name.is_none(), "an admin sees nothing clinical");
    assert!(queue(app, &south.coordinator).await.unwrap().lines.is_empty(), "another team's");
    let justified = UrgentFinding::Justified;
    assert!(matches!(review(app, &south.nurse, id, justified).await, Err(Error::Forbidden)));
    assert!(matches!(review(app, &south.coordinator, id, justified).await, Err(Error::NotFound)));
    review(app, &north.coordinator, id, justified).await.unwrap();
    assert!(matches!(review(app, &house.admin, id, justified).await, Err(Error::Conflict(_))));
    remind(app, &careline, id, 2).await.unwrap();
    assert_eq!(house.count("job where body->>'notice' = 'break_glass_review_due'").await, 2, "the clock has stopped");
    for _ in 0..3 {
        house.take(&south.nurse, "Northam").await.unwrap();
        break_glass::give_back(app, &south.nurse, house.newest().await).await.unwrap();
        house.office.clock.advance(Duration::minutes(1).to_std().unwrap());
    }
    let seen = queue(app, &house.admin).await.unwrap().lines;
    assert!(seen[0].is_unusual(), "more than two in a week stand out, {} counted", seen[0].lately);
}
