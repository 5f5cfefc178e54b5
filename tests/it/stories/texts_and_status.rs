//! Nobody is texted who must not be: a change of status and texts that fall due, in whatever order they meet.

use crate::support::ward::Ward;
use careline::{
    domain::{
        ids::{PatientId, TextId},
        people::{Actor, PatientStatus, Role},
        private::Private,
    },
    flows::{
        change_status::{self, NewStatus},
        send_text,
    },
};
use std::time::Duration;
use uuid::Uuid;

const TEXTS: usize = 8;

/// Texts of the patient that were ever allowed to be sent.
async fn allowed(ward: &Ward, patient: PatientId) -> i64 {
    let count = "select count(*) from text_message where patient_id = $1 and posted_at is not null";
    sqlx::query_scalar(count).bind(patient.0).fetch_one(&mut ward.superuser().await).await.unwrap()
}

/// Texts that are due now and that nobody sends yet.
async fn due_texts(ward: &Ward, patient: PatientId, round: u64) -> Vec<TextId> {
    let mut ids = Vec::new();
    for number in 0..TEXTS {
        let id = Uuid::now_v7();
        sqlx::query(
            "insert into text_message (org_id, id, direction, patient_id, number, own_number, wording, body, body_hash,
                                       segments, state, send_at, created_at, once_key)
             select p.org_id, $2, 'out', p.id, p.phone, '+12125550199', 'free', $3, sha256($3::text::bytea), 1, 'scheduled',
                    '2026-11-17T14:00:00Z', '2026-11-17T14:00:00Z', $3
               from patient p where p.id = $1",
        )
        .bind(patient.0)
        .bind(id)
        .bind(format!("round {round} text {number}"))
        .execute(&mut ward.superuser().await)
        .await
        .unwrap();
        ids.push(TextId(id));
    }
    ids
}

/// Texts that were allowed after the change was true. What the change is, the caller says.
async fn allowed_afterwards(ward: &Ward, patient: PatientId, round: u64, becomes: Option<PatientStatus>) -> i64 {
    let org = ward.organizations[0].operator.org;
    let texts = due_texts(ward, patient, round).await;
    let mut sending = tokio::task::JoinSet::new();
    for (number, text) in texts.into_iter().enumerate() {
        let app = ward.app();
        // A seeded schedule; what it leaves open the machine decides anew each time.
        let wait = (round * 7 + number as u64 * 13) % 23;
        sending.spawn(async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            send_text::send(&app, &Actor::careline(org), text).await.unwrap();
        });
    }
    tokio::time::sleep(Duration::from_millis(round * 5 % 17)).await;
    if let Some(becomes) = becomes {
        let maya = ward.organizations[0].staff["maya@riverside.example"];
        let actor = Actor::staff(org, maya, Role::Nurse);
        let evidence = Private::new("her son rang".to_owned());
        let new = NewStatus { was: PatientStatus::Active, becomes, evidence };
        change_status::change(&ward.app(), &actor, patient, new).await.unwrap();
    }
    let when_true = allowed(ward, patient).await;
    while sending.join_next().await.is_some() {}
    allowed(ward, patient).await - when_true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_goes_out_after_a_change_of_status_is_true() {
    let ward = Ward::open().await;
    let patient = ward.organizations[0].patients["Delgado"];
    let mut went_before = 0;
    for round in 0..12 {
        let becomes =
            [PatientStatus::Deceased, PatientStatus::Admitted, PatientStatus::Withdrawn, PatientStatus::Transferred]
                [(round % 4) as usize];
        let before = allowed(&ward, patient).await;
        assert_eq!(allowed_afterwards(&ward, patient, round, Some(becomes)).await, 0, "round {round}");
        went_before += allowed(&ward, patient).await - before;
        ward.patient_status("Delgado", "active").await;
        ward.until_database(
            "what waited to be called off",
            "not exists (select from text_message where state = 'scheduled')",
        )
        .await;
    }
    assert!(went_before > 0, "some were sent before the change, so the orders met");
    // The control: without a change the same count sees what goes out after that instant.
    let mut seen = 0;
    for round in 100..104 {
        seen += allowed_afterwards(&ward, patient, round, None).await;
    }
    assert!(seen > 0, "a change that protects nothing would have been found out");
}
