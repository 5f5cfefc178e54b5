//! Whether time tells a stranger who works here (P14): refused sign-ins of known addresses, of unknown ones and of an unknown
//! organization, in turn; their medians must lie within five milliseconds of each other. Nobody has signed in before, so
//! no refusal waits for the pace of a success: this is what the work alone tells.

use super::{Broken, ground::Ground, machine, median};
use crate::{
    adapters::private_postgres::Durability,
    app::App,
    domain::{
        people::{Actor, Role},
        private::Private,
        session::Device,
    },
    error::Error,
    flows::{
        add_staff::{self, Duty, NewStaff},
        found_organization::{self, NewOrganization},
        sign_in::{self, Entry},
    },
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Instant,
};

/// Most that two medians may differ, in microseconds.
const BOUND: u64 = 5_000;
/// Tries of one address before it is locked; a locked one is compared with nothing.
const TRIES: u32 = 9;
/// The code of the organization.
const CODE: &str = "riverside";

/// How to measure.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// Refused sign-ins of each kind.
    #[arg(long, default_value_t = 1_000)]
    pub count: u32,
}

/// Measures.
///
/// # Errors
/// When it could not be run, when the medians lie further apart, or when the control would not be noticed.
pub async fn run(args: &Args) -> Result<String, Broken> {
    let ground = Ground::open(Durability::Forgone).await?;
    let measured = measure(&ground, args.count.max(TRIES)).await;
    ground.leave().await;
    measured
}

async fn measure(ground: &Ground, count: u32) -> Result<String, Broken> {
    let app = ground.app(SocketAddr::from((Ipv4Addr::LOCALHOST, 9))).await?;
    let operator = staff(&app, count.div_ceil(TRIES)).await?;
    let (mut known, mut unknown, mut nowhere) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..count {
        let person = number / TRIES;
        known.push(refused(&app, CODE, &address("nurse", person)).await?);
        unknown.push(refused(&app, CODE, &address("nobody", person)).await?);
        nowhere.push(refused(&app, "nowhere", &address("nurse", person)).await?);
    }
    // The control: the first address climbs to its lock, and what is not compared is seen to cost less.
    refused(&app, CODE, &address("nurse", 0)).await?;
    let mut locked = Vec::new();
    for _ in 0..TRIES {
        locked.push(refused(&app, CODE, &address("nurse", 0)).await?);
    }
    let (known, unknown, nowhere) = (median(&mut known), median(&mut unknown), median(&mut nowhere));
    let locked = median(&mut locked);
    let apart = known.max(unknown).max(nowhere) - known.min(unknown).min(nowhere);
    let found = format!(
        "{count} refused sign-ins of each kind in organization {}: medians {} known, {} unknown address, {} unknown \
         organization; {} apart, {} allowed. Control, a try that is not compared: {} ({})",
        operator.org,
        ms(known),
        ms(unknown),
        ms(nowhere),
        ms(apart),
        ms(BOUND),
        ms(locked),
        machine()
    );
    if apart >= BOUND {
        return Err(Broken(format!("time tells who works here: {found}")));
    }
    if known.saturating_sub(locked) < BOUND {
        return Err(Broken(format!("the control was not noticed: {found}")));
    }
    Ok(found)
}

fn ms(microseconds: u64) -> String {
    format!("{}.{:03} ms", microseconds / 1_000, microseconds % 1_000)
}

fn address(who: &str, number: u32) -> String {
    format!("{who}{number}@example.org")
}

/// One refused sign-in, in microseconds.
async fn refused(app: &App, organization: &str, email: &str) -> Result<u64, Broken> {
    let password = Private::new("not the password of anybody".to_owned());
    let entry = Entry { organization, email, password, known: None, device: Device::Program };
    let began = Instant::now();
    match sign_in::sign_in(app, &entry).await {
        Err(Error::Invalid(_)) => Ok(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)),
        Err(error) => Err(Broken::of(error)),
        Ok(_) => Err(Broken("a wrong password signed in".to_owned())),
    }
}

async fn staff(app: &App, count: u32) -> Result<Actor, Broken> {
    let new = NewOrganization {
        code: CODE.to_owned(),
        name: "Riverside Hospice".to_owned(),
        country: "US".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        caller_number: "+12125550100".to_owned(),
    };
    let operator = found_organization::found(app, new).await.map_err(Broken::of)?;
    for number in 0..count {
        let new = NewStaff {
            email: address("nurse", number),
            full_name: format!("Nurse {number}"),
            role: Role::Nurse,
            password: Private::new("tulips under the window".to_owned()),
            phone: String::new(),
            duty: Duty::Off,
            team: String::new(),
        };
        add_staff::add(app, &operator, new).await.map_err(Broken::of)?;
    }
    Ok(operator)
}
