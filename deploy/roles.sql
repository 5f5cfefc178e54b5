-- The roles of Careline's database. On a server of your own run it as a superuser before the first `careline migrate`,
-- and again after an upgrade; it changes nothing that is right already:
--   psql -U postgres -f deploy/roles.sql
-- Then give each role that signs in a password (\password app_rw). Careline's private PostgreSQL runs the same file.

-- Each is made once, without a password: until it has one, nobody signs in with it.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['own_mig', 'app_rw', 'app_jobs', 'audit_ro', 'backup'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      execute format('create role %I login', wanted);
    end if;
  end loop;
end $$;

-- Owns the schema; signs in for migrations alone.
alter role own_mig login nosuperuser nobypassrls nocreatedb nocreaterole noreplication;

-- The application. Owns nothing; row-level security binds it to one organization at a time.
alter role app_rw login nosuperuser nobypassrls nocreatedb nocreaterole noreplication noinherit;

-- Sees of each open job its organization, id, time and state, and nothing else of anybody.
alter role app_jobs login nosuperuser nobypassrls nocreatedb nocreaterole noreplication noinherit;

-- Reads the record and its chain, of the organization it names.
alter role audit_ro login nosuperuser nobypassrls nocreatedb nocreaterole noreplication noinherit;

-- Reads everything for pg_dump: the one role that row-level security does not bind. Keep its password with the backups.
alter role backup login nosuperuser bypassrls nocreatedb nocreaterole noreplication inherit;

-- The application becomes app_jobs for one statement (SET LOCAL ROLE); without inheritance it is never both.
grant app_jobs to app_rw;

grant pg_read_all_data to backup;

-- A transaction that stays open holds the record's sequencer back, so every role's patience is bounded.
alter role own_mig set idle_in_transaction_session_timeout = '60s';

alter role app_rw set statement_timeout = '30s';

alter role app_rw set idle_in_transaction_session_timeout = '30s';

alter role app_jobs set statement_timeout = '5s';

alter role app_jobs set idle_in_transaction_session_timeout = '5s';

alter role audit_ro set statement_timeout = '5min';

alter role audit_ro set idle_in_transaction_session_timeout = '60s';

alter role backup set idle_in_transaction_session_timeout = '10min';

