//! A second factor is added, asked for, lost and replaced; a code counts once, and a password alone opens no door of who
//! has more.

use crate::support::office::{Office, PASSWORD, first_step, sign_in, whoami};
use careline::{
    domain::{
        people::{Actor, Role},
        private::Private,
        session::Device,
        totp,
    },
    error::Error,
    flows::{
        prove::{self, Typed},
        second_factors::{self, FactorPolicy, Person},
        sign_in::{self as steps, Browser, Entered, FirstStep, Identity},
    },
};
use futures_util::future::join_all;
use sqlx::Row;
use std::time::Duration;

const STEP: Duration = Duration::from_secs(30);
const EMAIL: &str = "nurse@example.org";

/// A nurse at riverside with an app; the session that added it, its secret and the recovery codes.
struct Armed {
    office: Office,
    operator: Actor,
    me: Identity,
    secret: Private<Vec<u8>>,
    codes: Vec<String>,
}

impl Armed {
    async fn open() -> Self {
        let office = Office::open().await;
        let operator = office.found("riverside").await;
        office.add(&operator, Role::Nurse).await;
        let me = signed_in(&office).await;
        let shown = second_factors::propose_app(&office.app, &person(&me)).await.unwrap();
        let text: String = shown.text.reveal().chars().filter(|letter| *letter != ' ').collect();
        let secret = Private::new(totp_rs::Secret::try_from_base32(text).unwrap().as_ref().to_vec());
        let code = totp::code_at(&secret, office.app.clock.now()).unwrap();
        let codes = second_factors::confirm_app(&office.app, &person(&me), &code).await.unwrap().codes;
        office.clock.advance(STEP);
        Self { office, operator, me, secret, codes }
    }

    fn code(&self) -> String {
        totp::code_at(&self.secret, self.office.app.clock.now()).unwrap()
    }

    async fn half(&self) -> String {
        match first_step(&self.office.app, "riverside", EMAIL, PASSWORD).await.unwrap() {
            FirstStep::Half(half) => half,
            FirstStep::Entered(_) => panic!("a password alone came in"),
        }
    }

    async fn show(&self, half: &str, code: &str) -> Result<Entered, Error> {
        steps::by_code(&self.office.app, Some(half), code, &BROWSER).await
    }

    async fn count(&self, statement: &'static str) -> i64 {
        let mut superuser = self.office.database.superuser().await;
        sqlx::query_scalar(statement).fetch_one(&mut superuser).await.unwrap()
    }
}

const BROWSER: Browser<'static> = Browser { known: None, device: Device::Firefox };

async fn signed_in(office: &Office) -> Identity {
    let cookie = sign_in(&office.app, "riverside", EMAIL, PASSWORD).await.unwrap();
    whoami(&office.app, &cookie).await.unwrap()
}

fn person(me: &Identity) -> Person<'_> {
    Person { actor: &me.actor, session: me.session.unwrap(), full_name: &me.full_name, organization: &me.org_name }
}

#[tokio::test]
async fn an_app_counts_once_a_code_fits_and_signing_in_asks_for_it_from_then_on() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    office.add(&operator, Role::Nurse).await;
    let me = signed_in(&office).await;
    let other = sign_in(&office.app, "riverside", EMAIL, PASSWORD).await.unwrap();
    second_factors::propose_app(&office.app, &person(&me)).await.unwrap();
    let wrong = second_factors::confirm_app(&office.app, &person(&me), "000000").await;
    assert!(matches!(wrong, Err(Error::Invalid(_))));
    let stepped = first_step(&office.app, "riverside", EMAIL, PASSWORD).await.unwrap();
    assert!(matches!(stepped, FirstStep::Entered(_)), "the control: a proposed app asks for nothing");
    assert!(whoami(&office.app, &other).await.is_ok(), "the control");

    let armed = Armed::open().await;
    assert_eq!(armed.codes.len(), 10, "recovery codes come with the first factor");
    let half = armed.half().await;
    assert!(matches!(whoami(&armed.office.app, &half).await, Err(Error::SignedOut)), "half is not in");
    let entered = armed.show(&half, &armed.code()).await.unwrap();
    assert!(whoami(&armed.office.app, &entered.session).await.is_ok());
    let again = armed.show(&half, &armed.code()).await;
    assert!(matches!(again, Err(Error::SignedOut)), "a finished sign-in waits for nothing");
    let letters = armed.count("select count(*) from job where body->>'notice' = 'credential_changed'").await;
    assert_eq!(letters, 1, "its owner is told");
}

#[tokio::test]
async fn a_change_of_factors_ends_every_other_session() {
    let armed = Armed::open().await;
    let elsewhere = armed.show(&armed.half().await, &armed.code()).await.unwrap().session;
    assert!(whoami(&armed.office.app, &elsewhere).await.is_ok(), "the control");
    second_factors::renew_codes(&armed.office.app, &person(&armed.me)).await.unwrap();
    assert!(matches!(whoami(&armed.office.app, &elsewhere).await, Err(Error::SignedOut)));
    let own = steps::look_again(&armed.office.app, armed.me.actor.org, armed.me.session.unwrap()).await;
    assert!(own.is_ok(), "the one that changed them goes on");
}

#[tokio::test]
async fn a_code_is_good_once_even_when_it_is_shown_sixteen_times_at_once() {
    let armed = Armed::open().await;
    let code = armed.code();
    let mut halves = Vec::new();
    for _ in 0..4 {
        halves.push(armed.half().await);
    }
    let tries = join_all((0..16).map(|n| armed.show(&halves[n % 4], &code))).await;
    let came_in = tries.iter().filter(|came| came.is_ok()).count();
    assert_eq!(came_in, 1, "one code, one way in");

    armed.office.clock.advance(STEP);
    let half = armed.half().await;
    assert!(armed.show(&half, &code).await.is_err(), "nor is it good in the step after");
    assert!(armed.show(&half, &armed.code()).await.is_ok(), "the control: the next code");

    // The control of the control: without the memory of the last step, the same code comes in twice.
    armed.office.clock.advance(STEP);
    let code = armed.code();
    let (first, second) = (armed.half().await, armed.half().await);
    assert!(armed.show(&first, &code).await.is_ok());
    let mut superuser = armed.office.database.superuser().await;
    sqlx::query("update authenticator_app set last_step = 0").execute(&mut superuser).await.unwrap();
    assert!(armed.show(&second, &code).await.is_ok(), "the detector notices a forgotten step");
}

#[tokio::test]
async fn a_recovery_code_opens_once_and_renewing_makes_the_old_ones_void() {
    let armed = Armed::open().await;
    let half = armed.half().await;
    assert!(armed.show(&half, &armed.codes[0].to_lowercase()).await.is_ok());
    let half = armed.half().await;
    assert!(armed.show(&half, &armed.codes[0]).await.is_err(), "it was used");
    assert!(armed.show(&half, &armed.codes[1]).await.is_ok(), "the control: another of the list");

    let renewed = second_factors::renew_codes(&armed.office.app, &person(&armed.me)).await;
    let renewed = renewed.unwrap().codes;
    let half = armed.half().await;
    assert!(armed.show(&half, &armed.codes[2]).await.is_err(), "void since there are new ones");
    assert!(armed.show(&half, &renewed[2]).await.is_ok(), "the control");
    let mut superuser = armed.office.database.superuser().await;
    let rows: Vec<String> =
        sqlx::query_scalar("select c::text from recovery_code c").fetch_all(&mut superuser).await.unwrap();
    let plain = |code: &String| code.replace('-', "");
    let kept = renewed.iter().any(|code| rows.iter().any(|row| row.contains(code) || row.contains(&plain(code))));
    assert!(!kept && rows.len() == 10, "only marks are kept");
}

#[tokio::test]
async fn the_second_step_ends_after_five_minutes_and_after_five_codes_and_guesses_climb_the_ladder() {
    let armed = Armed::open().await;
    let half = armed.half().await;
    armed.office.clock.advance(STEP * 10);
    assert!(matches!(armed.show(&half, &armed.code()).await, Err(Error::SignedOut)), "five minutes");
    let half = armed.half().await;
    for _ in 0..5 {
        assert!(matches!(armed.show(&half, "000000").await, Err(Error::Invalid(_))));
    }
    assert!(matches!(armed.show(&half, &armed.code()).await, Err(Error::SignedOut)), "five codes");

    // Two passwords and five codes were tries that led nowhere; three more reach the first rest.
    let half = armed.half().await;
    assert!(armed.show(&half, "000000").await.is_err());
    assert!(armed.show(&half, "000000").await.is_err());
    assert!(armed.show(&half, &armed.code()).await.is_err(), "locked, though the code is right");
    armed.office.clock.advance(Duration::from_secs(60));
    let half = armed.half().await;
    assert!(armed.show(&half, &armed.code()).await.is_err(), "eleven tries rest again");
    armed.office.clock.advance(Duration::from_secs(60));
    let halved = first_step(&armed.office.app, "riverside", EMAIL, PASSWORD).await;
    assert!(matches!(halved, Ok(FirstStep::Half(_))), "never for good");
    let refused = armed.count("select count(*) from audit_entry where deed = 'factor_refused'").await;
    assert!(refused >= 8, "each refusal is recorded: {refused}");
}

#[tokio::test]
async fn where_a_factor_is_required_a_password_alone_owes_one_and_the_last_one_stays() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    office.add(&operator, Role::Nurse).await;
    assert!(!signed_in(&office).await.owes_factor, "the control: offered");
    second_factors::set_policy(&office.app, &operator, FactorPolicy::Required).await.unwrap();
    assert!(signed_in(&office).await.owes_factor);

    let armed = Armed::open().await;
    second_factors::set_policy(&armed.office.app, &armed.operator, FactorPolicy::Required).await.unwrap();
    let org = armed.me.actor.org;
    let now = steps::look_again(&armed.office.app, org, armed.me.session.unwrap()).await.unwrap();
    assert!(!now.owes_factor, "adding one pays the debt of the session that added it");
    let removed = second_factors::remove_app(&armed.office.app, &person(&armed.me)).await;
    assert!(matches!(removed, Err(Error::Conflict(_))), "the last factor stays where one is required");
    second_factors::set_policy(&armed.office.app, &armed.operator, FactorPolicy::Offered).await.unwrap();
    assert!(second_factors::remove_app(&armed.office.app, &person(&armed.me)).await.is_ok(), "the control");
    assert!(matches!(first_step(&armed.office.app, "riverside", EMAIL, PASSWORD).await, Ok(FirstStep::Entered(_))));
}

#[tokio::test]
async fn a_new_organization_requires_second_factors() {
    let office = Office::open().await;
    let new = careline::flows::found_organization::NewOrganization {
        code: "lakeside".into(),
        name: "Lakeside".into(),
        country: "US".into(),
        time_zone: "America/Chicago".into(),
        caller_number: "+12125550100".into(),
    };
    let operator = careline::flows::found_organization::found(&office.app, new).await.unwrap();
    assert_eq!(second_factors::list(&office.app, &operator).await.unwrap().0, FactorPolicy::Required);
}

#[tokio::test]
async fn proving_again_wants_the_code_too_and_an_admin_gives_a_colleague_a_way_back() {
    let armed = Armed::open().await;
    let (app, session) = (&armed.office.app, armed.me.session.unwrap());
    let typed = |code: &str| Typed { password: PASSWORD.to_owned().into(), code: code.to_owned().into() };
    for missing in ["", "000000"] {
        let proven = prove::by_password(app, &armed.me.actor, session, &typed(missing)).await;
        assert!(matches!(proven, Err(Error::Invalid(_))), "{missing:?}");
    }
    assert!(prove::by_password(app, &armed.me.actor, session, &typed(&armed.code())).await.is_ok(), "the control");

    armed.office.add(&armed.operator, Role::Admin).await;
    let admin = sign_in(app, "riverside", "admin@example.org", PASSWORD).await.unwrap();
    let admin = whoami(app, &admin).await.unwrap();
    let (nurse, own) = (armed.me.actor.staff_id().unwrap(), admin.actor.staff_id().unwrap());
    let refused = second_factors::reset(app, &armed.me.actor, own).await;
    assert!(matches!(refused, Err(Error::Forbidden)), "a nurse resets nobody");
    assert!(matches!(second_factors::reset(app, &admin.actor, own).await, Err(Error::Conflict(_))), "nor oneself");
    second_factors::reset(app, &admin.actor, nurse).await.unwrap();
    let after = first_step(app, "riverside", EMAIL, PASSWORD).await;
    assert!(matches!(after, Ok(FirstStep::Entered(_))), "the password is enough again");
    let nobody = second_factors::reset_by_address(app, &armed.operator, "nobody@example.org").await;
    assert!(matches!(nobody, Err(Error::Invalid(_))));
    assert!(second_factors::reset_by_address(app, &armed.operator, "Admin@example.org").await.is_ok(), "the operator");
    let mut superuser = armed.office.database.superuser().await;
    let row = sqlx::query(
        "select subject::text, actor_role from audit_entry where deed = 'reset_factors' and actor_role is not null",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    assert_eq!((row.get::<String, _>(0), row.get::<String, _>(1)), (nurse.to_string(), "admin".to_owned()));
}

#[tokio::test]
async fn a_secret_is_sealed_and_opens_in_its_own_row_only() {
    let armed = Armed::open().await;
    let mut superuser = armed.office.database.superuser().await;
    let sealed: Vec<u8> =
        sqlx::query_scalar("select secret_sealed from authenticator_app").fetch_one(&mut superuser).await.unwrap();
    let secret = armed.secret.reveal();
    assert!(!sealed.windows(secret.len()).any(|window| window == secret), "the secret is not in its row");
    sqlx::query("update authenticator_app set id = gen_random_uuid()").execute(&mut superuser).await.unwrap();
    let half = armed.half().await;
    assert!(matches!(armed.show(&half, &armed.code()).await, Err(Error::Outage(_))), "moved, it does not open");
}
