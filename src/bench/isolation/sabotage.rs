//! Protection taken away on purpose, from outside the product: by the owner of the database, or by what an application is
//! handed. Each must be noticed, or the run proves nothing.

use super::{found_at::FoundAt, founding::Founded};
use crate::{
    app::App,
    bench::Broken,
    domain::{
        ids::{CallId, OrgId},
        private::Private,
    },
    ports::{
        Outage,
        vectors::{Hit, IndexedPassage, Question, Vectors},
    },
};
use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::sync::Arc;

/// A protection that is taken away over HTTP.
#[derive(Clone, Copy, Debug)]
pub enum Sabotage {
    /// The policy of a table is gone, and so is the organization in every statement about it: every row says it belongs
    /// to whoever asks.
    BoundlessTable(&'static str),
    /// The passage index looks at everybody's shelf.
    BoundlessSearch,
    /// What is said on a call of one organization is relayed to a call of another.
    RelayedNews,
}

impl Sabotage {
    /// What it is, for the report.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::BoundlessTable(table) => format!("policy and organization filter of `{table}` gone"),
            Self::BoundlessSearch => "passage index without an organization".to_owned(),
            Self::RelayedNews => "live channel keyed without an organization".to_owned(),
        }
    }

    /// What must be done to the database first.
    ///
    /// # Errors
    /// When the database does not let it.
    pub async fn begin(self, superuser_url: &Private<String>) -> Result<(), Broken> {
        match self {
            Self::BoundlessTable(table) => unbind(superuser_url, table).await,
            Self::BoundlessSearch | Self::RelayedNews => Ok(()),
        }
    }

    /// What must be done to the application.
    #[must_use]
    pub fn hand(self, mut app: App, founded: &Founded) -> App {
        match self {
            Self::BoundlessTable(_) => {}
            Self::BoundlessSearch => {
                let organizations = founded.organizations.iter().map(|one| one.org).collect();
                app.vectors = Arc::new(Boundless { inner: app.vectors, organizations });
            }
            Self::RelayedNews => relay(&app, founded),
        }
        app
    }

    /// Puts the database right again.
    ///
    /// # Errors
    /// When the database does not let it.
    pub async fn end(self, superuser_url: &Private<String>) -> Result<(), Broken> {
        match self {
            Self::BoundlessTable(table) => bind_again(superuser_url, table).await,
            Self::BoundlessSearch | Self::RelayedNews => Ok(()),
        }
    }
}

/// Replaces a table by a view of all its rows in which every row is the asker's own.
async fn unbind(superuser_url: &Private<String>, table: &str) -> Result<(), Broken> {
    let mut superuser = PgConnection::connect(superuser_url.reveal()).await.map_err(Broken::of)?;
    let columns: String = sqlx::query_scalar(
        "select string_agg(case when attname = 'org_id' then 'app_org() as org_id' else quote_ident(attname) end, ', '
                           order by attnum)
           from pg_attribute
          where attrelid = $1::regclass and attnum > 0 and not attisdropped",
    )
    .bind(table)
    .fetch_one(&mut superuser)
    .await
    .map_err(Broken::of)?;
    let statement = format!(
        "alter table {table} rename to {table}_beneath;
         create view {table} as select {columns} from {table}_beneath where app_org() is not null;
         grant select, insert, update, delete on {table} to app_rw"
    );
    tell(&mut superuser, statement).await
}

async fn bind_again(superuser_url: &Private<String>, table: &str) -> Result<(), Broken> {
    let mut superuser = PgConnection::connect(superuser_url.reveal()).await.map_err(Broken::of)?;
    tell(&mut superuser, format!("drop view {table}; alter table {table}_beneath rename to {table}")).await
}

/// Lets the owner of the tables past row-level security, or binds them again.
///
/// # Errors
/// When the database does not let it.
pub async fn force(superuser_url: &Private<String>, word: &'static str) -> Result<(), Broken> {
    let mut superuser = PgConnection::connect(superuser_url.reveal()).await.map_err(Broken::of)?;
    let statement = format!(
        "do $$ declare name text; begin
           for name in select c.oid::regclass::text from pg_class c
                        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity loop
             execute 'alter table ' || name || ' {word} row level security';
           end loop;
         end $$"
    );
    tell(&mut superuser, statement).await
}

async fn tell(superuser: &mut PgConnection, statement: String) -> Result<(), Broken> {
    superuser.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.map(drop).map_err(Broken::of)
}

/// An index that has forgotten whose passages it holds.
struct Boundless {
    inner: Arc<dyn Vectors>,
    organizations: Vec<OrgId>,
}

#[async_trait]
impl Vectors for Boundless {
    async fn replace(&self, org: OrgId, passages: Vec<IndexedPassage>) -> Result<(), Outage> {
        self.inner.replace(org, passages).await
    }

    async fn holds(&self, org: OrgId, protocol: &str) -> Result<usize, Outage> {
        self.inner.holds(org, protocol).await
    }

    async fn nearest(&self, _: OrgId, question: &Question) -> Result<Vec<Hit>, Outage> {
        let mut hits = Vec::new();
        for org in &self.organizations {
            hits.extend(self.inner.nearest(*org, question).await?);
        }
        hits.sort_by(|left, right| right.lexical.total_cmp(&left.lexical));
        hits.truncate(question.most);
        Ok(hits)
    }
}

/// Each organization hears what is said on the calls of the one before it.
fn relay(app: &App, founded: &Founded) {
    let calls: Vec<(OrgId, CallId)> = founded
        .organizations
        .iter()
        .filter_map(|organization| organization.calls.first().map(|call| (organization.org, *call)))
        .collect();
    for (from, to) in calls.iter().zip(calls.iter().cycle().skip(1)) {
        let (mut news, live, (org, call)) = (app.live.watch(from.0, from.1), app.live.clone(), *to);
        // Only what was said by the organization itself is passed on, or it would go round for ever.
        let Some(speaker) = founded.organizations.iter().find(|one| one.org == from.0).map(|one| one.number) else {
            continue;
        };
        tokio::spawn(async move {
            while let Ok(event) = news.recv().await {
                let own = super::marks::mark(speaker, "spoken");
                if matches!(&event, crate::live::LiveEvent::Utterance { text, .. } if *text.reveal() == own) {
                    live.publish(org, call, event);
                }
            }
        });
    }
}

/// What became of a control.
pub struct Control {
    /// Which protection was gone.
    pub what: String,
    /// How many requests there were at most.
    pub most: u64,
    /// At which request it was noticed, and what was seen.
    pub caught: Option<(u64, String)>,
}

impl Control {
    /// From what a run found.
    #[must_use]
    pub fn of(what: String, most: u64, found: &FoundAt) -> Self {
        Self { what, most, caught: found.first() }
    }
}
