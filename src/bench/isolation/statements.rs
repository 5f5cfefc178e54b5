//! P1: random statements under the application's role, over every table, with their own and with foreign ids, with an
//! organization in the statement and without. Whatever they say, rows of the transaction's own organization come back.

use super::{
    found_at::FoundAt,
    founding::{Founded, Organization},
};
use crate::{bench::Broken, domain::private::Private};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Connections that work at once.
const AT_ONCE: usize = 8;

/// How the organization of a transaction is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// For the transaction alone, as `OrgTx` does it.
    EachTransaction,
    /// For the whole connection, and forgotten now and then: what a pooled connection would make of it.
    LeftOnTheConnection,
}

/// What is tried.
#[derive(Clone)]
pub struct Trial {
    /// The role's address.
    pub url: Private<String>,
    /// How many statements.
    pub statements: u64,
    /// Where the choices begin.
    pub seed: u64,
    /// How the organization is set.
    pub habit: Habit,
}

/// A table as the statements need it.
struct Table {
    name: String,
    /// Columns that an insert may name, joined.
    columns: Vec<String>,
    rights: Vec<&'static str>,
    has_id: bool,
}

/// Inside its organization every statement reaches every patient, so that nothing but the organization keeps rows apart.
const REACH: &str = "select set_config('app.reach', 'all', true)";

/// The one table that is read without an organization, by design.
const DIRECTORY: &str = "organization_directory";

/// Runs the trial; returns where a foreign row was seen first, if anywhere.
///
/// # Errors
/// When the database cannot be used.
pub async fn run(trial: &Trial, founded: &Arc<Founded>, found: FoundAt) -> Result<FoundAt, Broken> {
    let mut connection = PgConnection::connect(trial.url.reveal()).await.map_err(Broken::of)?;
    let tables = Arc::new(read_tables(&mut connection).await?);
    connection.close().await.map_err(Broken::of)?;
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (trial, tables, founded) = (trial.clone(), Arc::clone(&tables), Arc::clone(founded));
        let found = found.clone();
        tasks.spawn(async move { work(&trial, &tables, &founded.organizations, &found).await });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(Broken::of)??;
    }
    Ok(found)
}

async fn work(trial: &Trial, tables: &[Table], organizations: &[Organization], found: &FoundAt) -> Result<(), Broken> {
    let mut connection = PgConnection::connect(trial.url.reveal()).await.map_err(Broken::of)?;
    while let Some(number) = found.next(trial.statements) {
        let mut rng = StdRng::seed_from_u64(trial.seed.wrapping_add(number));
        let Some(own) = organizations.get(rng.random_range(0..organizations.len())) else { continue };
        let Some(table) = tables.get(rng.random_range(0..tables.len())) else { continue };
        let statement = write(&mut rng, own, organizations, table);
        // One in twenty speaks for nobody: it must see nothing at all.
        let nobody = trial.habit == Habit::EachTransaction && rng.random_ratio(1, 20);
        let begin = match trial.habit {
            Habit::EachTransaction if nobody => format!("begin; {REACH}"),
            Habit::EachTransaction => format!("begin; {REACH}; select set_config('app.org', '{}', true)", own.org),
            Habit::LeftOnTheConnection => {
                if !rng.random_ratio(1, 50) {
                    let set = format!("select set_config('app.org', '{}', false)", own.org);
                    connection.execute(sqlx::raw_sql(AssertSqlSafe(set))).await.map_err(Broken::of)?;
                }
                format!("begin; {REACH}")
            }
        };
        let whole = format!("{begin}; {statement}; rollback");
        match connection.fetch_all(sqlx::raw_sql(AssertSqlSafe(whole))).await {
            Ok(rows) => {
                let owners: Vec<String> = rows.iter().filter_map(|row| row.try_get::<String, _>("org").ok()).collect();
                let allowed = if nobody { String::new() } else { own.org.to_string() };
                if let Some(owner) = owners.iter().find(|owner| **owner != allowed) {
                    found.leak(number, format!("organization {} saw a row of {owner}: {statement}", own.org));
                }
                found.seen(!owners.is_empty());
            }
            // Refused, as it should be when a row would leave or enter the organization.
            Err(sqlx::Error::Database(_)) => {
                found.refused();
                connection.execute(sqlx::raw_sql("rollback")).await.map_err(Broken::of)?;
            }
            Err(other) => return Err(Broken::of(other)),
        }
    }
    connection.close().await.map_err(Broken::of)
}

/// A random statement by somebody of `own`, about their own rows or another organization's. Rows that come back name
/// their organization in the column `org`.
fn write(rng: &mut StdRng, own: &Organization, organizations: &[Organization], table: &Table) -> String {
    let other = organizations.get(rng.random_range(0..organizations.len())).unwrap_or(own);
    let aim = if rng.random_bool(0.3) { own } else { other };
    let id = aim.rows.get(&table.name).and_then(|ids| ids.get(rng.random_range(0..ids.len().max(1))));
    let id = id.copied().unwrap_or_else(|| Uuid::from_u128(rng.random()));
    let name = &table.name;
    let filter = match rng.random_range(0..4) {
        0 => String::new(),
        1 => format!(" where t.org_id = '{}'", aim.org),
        2 if table.has_id => format!(" where t.id = '{id}'"),
        3 if table.has_id => format!(" where t.org_id = '{}' and t.id = '{id}'", aim.org),
        _ => " where t.org_id is not null".to_owned(),
    };
    // Everybody may read the directory, by design, so only writing to it is tried.
    if name == DIRECTORY {
        return insert(own, other, table);
    }
    let may = |right: &str| table.rights.contains(&right);
    let returning = "returning t.org_id::text as org";
    match rng.random_range(0..10) {
        0 if may("update") => format!("update {name} t set org_id = t.org_id{filter} {returning}"),
        // Taking a row of somebody else: none may be found to take.
        1 if may("update") => {
            format!("update {name} t set org_id = '{}' where t.org_id = '{}' {}", own.org, other.org, taken(own, other))
        }
        // Giving one away, and inserting one under another's name: refused, or there was none.
        2 if may("update") => {
            format!("update {name} t set org_id = '{}' where t.org_id = '{}' {}", other.org, own.org, taken(own, other))
        }
        3 | 4 if may("insert") => insert(own, other, table),
        5 if may("delete") => format!("delete from {name} t{filter} {returning}"),
        6 if may("update") => format!("select t.org_id::text as org from {name} t{filter} for update"),
        7 => format!("select max(t.org_id::text) as org from {name} t{filter} having count(*) > 0"),
        8 => format!(
            "select t.org_id::text as org from patient p join {name} t on true{filter} limit 40",
            filter = filter.replace("where", "where p.id is not null and")
        ),
        _ => format!("select t.org_id::text as org from {name} t{filter} limit 200"),
    }
}

/// What an update returns that moves a row between two organizations: any row at all is a leak, unless they are one.
fn taken(own: &Organization, other: &Organization) -> String {
    if own.number == other.number {
        "returning t.org_id::text as org".to_owned()
    } else {
        "returning 'a row that was moved' as org".to_owned()
    }
}

/// A copy of an own row under another's name.
fn insert(own: &Organization, other: &Organization, table: &Table) -> String {
    let values: Vec<String> = table
        .columns
        .iter()
        .map(|column| match column.as_str() {
            "org_id" => format!("'{}'::uuid", other.org),
            "id" if table.has_id => "gen_random_uuid()".to_owned(),
            column => format!("t.{column}"),
        })
        .collect();
    let (name, columns, values) = (&table.name, table.columns.join(", "), values.join(", "));
    let from =
        format!("insert into {name} ({columns}) select {values} from {name} t where t.org_id = '{}' limit 1", own.org);
    // Within its own organization a copy meets a unique key or succeeds; both are its own business.
    if own.number == other.number {
        format!("{from} returning org_id::text as org")
    } else {
        format!("{from} returning 'a row under another name' as org")
    }
}

async fn read_tables(connection: &mut PgConnection) -> Result<Vec<Table>, Broken> {
    let rows: Vec<(String, Vec<String>, bool, bool, bool, bool)> = sqlx::query_as(
        "select c.relname::text,
                array_agg(quote_ident(a.attname) order by a.attnum) filter (where a.attgenerated = '' and a.attidentity <> 'a'),
                bool_or(a.attname = 'id' and a.atttypid = 'uuid'::regtype),
                has_table_privilege(c.oid, 'insert'), has_table_privilege(c.oid, 'update'),
                has_table_privilege(c.oid, 'delete')
           from pg_class c
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
            and has_table_privilege(c.oid, 'select')
            and exists (select from pg_attribute o where o.attrelid = c.oid and o.attname = 'org_id')
          group by c.oid
          order by 1",
    )
    .fetch_all(connection)
    .await
    .map_err(Broken::of)?;
    let table =
        |(name, columns, has_id, insert, update, delete): (String, Vec<String>, bool, bool, bool, bool)| Table {
            has_id,
            name,
            columns,
            rights: [("insert", insert), ("update", update), ("delete", delete)]
                .into_iter()
                .filter_map(|(right, has)| has.then_some(right))
                .collect(),
        };
    Ok(rows.into_iter().map(table).collect())
}
