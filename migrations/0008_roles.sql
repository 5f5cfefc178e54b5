-- What the roles of deploy/roles.sql may do. A role that is not there is passed over; whoever makes it later runs
-- `select grant_roles()` as the owner of the tables.

-- What the runner looks for, small however many jobs are done.
create index job_open on job (org_id, run_at) where state in ('queued', 'running');

create function grant_roles() returns void language plpgsql as $$
begin
  if exists (select from pg_roles where rolname = 'app_jobs') then
    grant usage on schema public to app_jobs;
    grant select (org_id, id, run_at, state) on job to app_jobs;
    -- Of no organization, this role sees which of them have work: queued, or claimed by a process that died.
    drop policy if exists open_jobs on job;
    create policy open_jobs on job for select to app_jobs
      using (state = 'queued' or (state = 'running' and lease_until < clock_timestamp()));
  end if;
  if exists (select from pg_roles where rolname = 'audit_ro') then
    grant usage on schema public to audit_ro;
    grant select on audit_entry, audit_chain to audit_ro;
  end if;
  if exists (select from pg_roles where rolname = 'backup') then
    grant usage on schema public to backup;
  end if;
end $$;
revoke execute on function grant_roles() from public;
select grant_roles();
