//! The operator and the carrier: the organizations' numbers learn who answers them.

use crate::{Ending, say};
use careline::{
    boot,
    config::{self, Settings},
    flows::{connect_numbers, found_organization},
};
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Carrier {
    /// Tell the carrier that whoever rings or texts an organization's number is answered by us, at the public address.
    /// Once per number, and again when the address changes.
    Connect {
        /// Only the organization of this code.
        #[arg(long)]
        org: Option<String>,
    },
}

/// Does one of these errands; unlike others at the desk they need the carrier.
pub async fn run(settings: &Settings, Carrier::Connect { org }: Carrier) -> Result<u8, Ending> {
    let config = config::check(settings, &config::names_present())?;
    let database = boot::database(&config.database).await?;
    let connected = async {
        let app = boot::app(&config, &database).await?;
        let actors = match org {
            Some(code) => vec![(found_organization::operator_in(&app, &code).await?, code)],
            None => found_organization::operator_everywhere(&app).await?,
        };
        for (actor, code) in actors {
            connect_numbers::connect(&app, &actor).await?;
            say(&format!("whoever rings or texts the number of {code} is answered at {}", config.public_url));
        }
        app.db.close().await;
        Ok(0)
    }
    .await;
    database.close().await;
    connected
}
