//! The catalogue itself: what every table, view, key, function and role must be, read from the database and not from our
//! files. Each rule has a control, a fixture that breaks it and must be named.

use crate::support::database::Database;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

/// Keys that may begin with something else than the organization, and why.
const EXCEPTIONS: [(&str, &str); 1] = [(
    "organization_directory_code_key",
    "a sign-in code must be unique among organizations; the table holds nothing else and is the one read without one",
)];

/// Policies that let in more than the organization's own rows, and why. Nobody may add one; restrictive policies, which
/// only take away, are free.
const PERMISSIVE: [(&str, &str); 3] = [
    ("organization_directory.directory_read", "the sign-in page looks an organization up by its code"),
    ("organization_directory.directory_write", "an organization is founded from within itself"),
    ("job.open_jobs", "app_jobs sees which organizations have open jobs, in four columns"),
];

/// What each role may be, besides what `PUBLIC` may.
const ROLES: [(&str, &str); 5] = [
    ("own_mig", ""),
    ("app_rw", "noinherit, app_jobs"),
    ("app_jobs", "noinherit"),
    ("audit_ro", "noinherit"),
    ("backup", "bypassrls, pg_read_all_data"),
];

/// Rules on tables and views: what is named, and the fault it has.
const TABLE_RULES: [&str; 8] = [
    "select c.relname || ': row-level security is not enabled and forced'
       from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> '_sqlx_migrations'
        and not (c.relrowsecurity and c.relforcerowsecurity)",
    // The whole expression is compared: `org_id = app_org() or true` compares org_id too.
    "select c.relname || ': no policy binds its rows to the organization when reading and when writing'
       from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and c.relname not in ('_sqlx_migrations', 'organization_directory')
        and not exists (select from pg_policy p
                         where p.polrelid = c.oid and p.polcmd = '*' and p.polpermissive and p.polroles = '{0}'
                           and pg_get_expr(p.polqual, p.polrelid) = '(org_id = ( SELECT app_org() AS app_org))'
                           and pg_get_expr(p.polwithcheck, p.polrelid) = '(org_id = ( SELECT app_org() AS app_org))')",
    "select c.relname || '.' || p.polname || ': a second permissive policy'
       from pg_policy p join pg_class c on c.oid = p.polrelid
      where p.polpermissive and c.relname || '.' || p.polname <> all ($1)
        and not (p.polname = 'org' and p.polcmd = '*')",
    "select c.relname || ': no index begins with org_id, which its policy compares'
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and not exists (select from pg_index i
                         where i.indrelid = c.oid and i.indkey[0] = a.attnum and i.indpred is null and i.indisvalid)",
    "select c.relname || ': a view with its owner''s rights'
       from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
        and not coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on'], false)",
    "select c.relname || ': a copy that row-level security does not reach'
       from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('m', 'f')",
    "select c.relname || ': something is granted to everybody'
       from pg_class c, aclexplode(c.relacl) a
      where c.relnamespace = 'public'::regnamespace and c.relname <> '_sqlx_migrations' and a.grantee = 0",
    "select c.relname || ': a table outside the public schema'
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname <> 'public'
        and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'",
];

/// Rules on keys, functions and roles.
const OTHER_RULES: [&str; 4] = [
    "select i.indexrelid::regclass::text || ': a unique key that does not begin with org_id'
       from pg_index i join pg_class c on c.oid = i.indrelid
      where c.relnamespace = 'public'::regnamespace and c.relname <> '_sqlx_migrations' and i.indisunique
        and pg_get_indexdef(i.indexrelid, 1, true) <> 'org_id' and i.indexrelid::regclass::text <> all ($1)",
    "select k.conname || ': a foreign key that does not begin with org_id on both sides'
       from pg_constraint k
       join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
       join pg_attribute b on b.attrelid = k.confrelid and b.attnum = k.confkey[1]
      where k.contype = 'f' and k.connamespace = 'public'::regnamespace
        and (a.attname <> 'org_id' or b.attname <> 'org_id')",
    "select p.proname || ': a function with its owner''s rights'
       from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where p.prosecdef and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'",
    "select r.rolname || ' owns ' || coalesce(c.relname, p.proname)
       from pg_roles r
       left join pg_class c on c.relowner = r.oid
       left join pg_proc p on p.proowner = r.oid
      where r.rolname in ('app_rw', 'app_jobs', 'audit_ro', 'backup') and coalesce(c.oid, p.oid) is not null",
];

/// Everything in the catalogue that breaks a rule.
async fn faults(superuser: &mut PgConnection) -> Vec<String> {
    let keys: Vec<&str> = EXCEPTIONS.iter().map(|(name, _)| *name).collect();
    let policies: Vec<&str> = PERMISSIVE.iter().map(|(name, _)| *name).collect();
    let mut faults = Vec::new();
    for (rules, allowed) in [(&TABLE_RULES[..], policies), (&OTHER_RULES[..], keys)] {
        for rule in rules {
            // A parameter that a rule does not use still needs a type.
            let statement = format!("select * from ({rule}) as found(fault) where $1::text[] is not null order by 1");
            let found = sqlx::query_scalar(AssertSqlSafe(statement)).bind(&allowed).fetch_all(&mut *superuser).await;
            faults.extend(found.unwrap_or_else(|fault| panic!("{rule}: {fault}")));
        }
    }
    faults.extend(faults_of_roles(superuser).await);
    faults
}

/// Rights of the roles that are not those they should have.
async fn faults_of_roles(superuser: &mut PgConnection) -> Vec<String> {
    let rights = "select r.rolname::text,
                         concat_ws(', ', case when rolsuper then 'superuser' end, case when rolbypassrls then 'bypassrls' end,
                                   case when rolcreaterole then 'createrole' end, case when rolcreatedb then 'createdb' end,
                                   case when rolreplication then 'replication' end,
                                   case when not rolinherit then 'noinherit' end,
                                   (select string_agg(of.rolname, ', ' order by of.rolname)
                                      from pg_auth_members m join pg_roles of on of.oid = m.roleid
                                     where m.member = r.oid))
                    from pg_roles r where r.rolname = any ($1)";
    let names: Vec<&str> = ROLES.iter().map(|(name, _)| *name).collect();
    let found = sqlx::query_as::<_, (String, String)>(rights).bind(&names).fetch_all(&mut *superuser).await.unwrap();
    let is = |name: &str| found.iter().find(|(role, _)| role == name).map(|(_, rights)| rights.as_str());
    ROLES
        .iter()
        .filter(|(name, rights)| is(name) != Some(*rights))
        .map(|(name, rights)| format!("{name}: is {:?} and should be {rights:?}", is(name)))
        .collect()
}

#[tokio::test]
async fn every_table_key_function_and_role_keeps_organizations_apart() {
    let database = Database::lease().await;
    let mut superuser = database.superuser().await;
    assert_eq!(faults(&mut superuser).await, Vec::<String>::new());
    let isolated = "create table stray (org_id uuid primary key, id uuid); select isolate('stray', 'select');";
    let fixtures: &[(&str, &str, &str)] = &[
        ("", "create table stray (org_id uuid primary key)", "stray: row-level security"),
        (isolated, "alter table stray no force row level security", "stray: row-level security"),
        (isolated, "alter policy org on stray using (true)", "stray: no policy binds"),
        (isolated, "alter policy org on stray with check (true)", "stray: no policy binds"),
        (isolated, "alter policy org on stray using (org_id = app_org() or true)", "stray: no policy binds"),
        (isolated, "create policy more on stray using (true)", "stray.more: a second permissive policy"),
        (
            isolated,
            "create policy open_jobs on patient for select using (true)",
            "patient.open_jobs: a second permissive",
        ),
        (isolated, "alter table stray drop constraint stray_pkey", "stray: no index"),
        (isolated, "create unique index stray_key on stray (id, org_id)", "stray_key: a unique key"),
        (
            isolated,
            "alter table patient add constraint lone unique (id);
             alter table stray add constraint stray_fkey foreign key (id) references patient (id)",
            "stray_fkey",
        ),
        ("", "create view stray as select * from patient", "stray: a view with its owner's rights"),
        ("", "create materialized view stray as select * from patient", "stray: a copy"),
        (isolated, "grant select on stray to public", "stray: something is granted to everybody"),
        ("create schema aside;", "create table aside.stray (org_id uuid primary key)", "stray: a table outside"),
        ("", "create function stray() returns int language sql security definer as 'select 1'", "stray: a function"),
        (isolated, "alter table stray owner to app_rw", "app_rw owns stray"),
        ("", "alter role app_rw bypassrls", "app_rw: is"),
        ("", "alter role app_jobs inherit", "app_jobs: is"),
        ("", "grant own_mig to audit_ro", "audit_ro: is"),
    ];
    for (prepare, breaks, fault) in fixtures {
        superuser.execute("begin").await.unwrap();
        superuser.execute(sqlx::raw_sql(AssertSqlSafe(format!("{prepare} {breaks}")))).await.unwrap();
        let found = faults(&mut superuser).await;
        superuser.execute("rollback").await.unwrap();
        assert!(found.iter().any(|found| found.starts_with(fault)), "the control: {breaks}\n  gives {found:?}");
    }
    for fine in [
        "create view stray with (security_invoker = true) as select * from patient",
        "create policy team on patient as restrictive using (id is not null)",
    ] {
        superuser.execute("begin").await.unwrap();
        superuser.execute(sqlx::raw_sql(AssertSqlSafe(fine.to_owned()))).await.unwrap();
        let found = faults(&mut superuser).await;
        superuser.execute("rollback").await.unwrap();
        assert_eq!(found, Vec::<String>::new(), "{fine}");
    }
}

#[tokio::test]
async fn what_is_written_once_cannot_be_changed_and_each_role_reads_its_own_only() {
    let database = Database::lease().await;
    let mut superuser = database.superuser().await;
    let allowed = "select array_agg(privilege_type::text order by privilege_type::text)
                     from information_schema.role_table_grants
                    where grantee in ('app_rw', 'PUBLIC') and table_name = $1";
    for table in ["audit_entry", "audit_chain", "utterance", "consent", "guidance"] {
        let rights: Vec<String> = sqlx::query_scalar(allowed).bind(table).fetch_one(&mut superuser).await.unwrap();
        assert_eq!(rights, ["INSERT", "SELECT"], "{table} is written once and never changed");
    }
    let rights: Vec<String> = sqlx::query_scalar(allowed).bind("patient").fetch_one(&mut superuser).await.unwrap();
    assert_eq!(rights, ["INSERT", "SELECT", "UPDATE"], "the control: a table that may change");
    let columns = "select distinct table_name || '.' || column_name || ' ' || privilege_type
                     from information_schema.column_privileges where grantee = $1 order by 1";
    let jobs: Vec<String> = sqlx::query_scalar(columns).bind("app_jobs").fetch_all(&mut superuser).await.unwrap();
    assert_eq!(jobs, ["job.id SELECT", "job.org_id SELECT", "job.run_at SELECT", "job.state SELECT"]);
    let auditors: Vec<String> = sqlx::query_scalar(columns).bind("audit_ro").fetch_all(&mut superuser).await.unwrap();
    let of_the_record = ["audit_entry.", "audit_chain.", "checkpoint.", "checkpoint_witness.", "record_check."];
    let its_own = |right: &String| right.ends_with(" SELECT") && of_the_record.iter().any(|of| right.starts_with(of));
    assert!(auditors.iter().all(its_own), "{auditors:?}");
    for of in of_the_record {
        assert!(auditors.iter().any(|right| right.starts_with(of)), "the control: it reads {of}*");
    }
    let backups: Vec<String> = sqlx::query_scalar(columns).bind("backup").fetch_all(&mut superuser).await.unwrap();
    assert_eq!(backups, Vec::<String>::new(), "it reads by membership and writes nothing");
}

#[tokio::test]
async fn no_role_may_wait_for_ever() {
    let database = Database::lease().await;
    let mut superuser = database.superuser().await;
    let patience = "select rolname::text, array_to_string(rolconfig, ' ') from pg_roles
                     where rolname in ('own_mig', 'app_rw', 'app_jobs', 'audit_ro', 'backup') order by 1";
    for row in sqlx::query(patience).fetch_all(&mut superuser).await.unwrap() {
        let (role, settings): (String, Option<String>) = (row.get(0), row.get(1));
        let settings = settings.unwrap_or_default();
        assert!(settings.contains("idle_in_transaction_session_timeout="), "{role}: {settings}");
        // A migration and a dump take as long as they take.
        let bounded = settings.contains("statement_timeout=");
        assert_eq!(bounded, role != "own_mig" && role != "backup", "{role}: {settings}");
    }
}
