-- Dialling: leases and fences of attempts, one live attempt per pair of numbers, surplus rings, the pace, and the pause.

-- Attempts of earlier versions that wait side by side for one pair of numbers: the older one keeps waiting, what became of
-- the others is decided by a person.
do $$
declare
  org uuid;
begin
  perform set_config('app.reach', 'all', true);
  for org in select org_id from organization_directory loop
    perform set_config('app.org', org::text, true);
    update attempt a
       set state = 'needs_person', outcome = 'superseded'
     where a.org_id = org
       and a.live
       and exists (select 1
                     from attempt b
                    where b.org_id = a.org_id
                      and b.from_e164 = a.from_e164
                      and b.to_e164 = a.to_e164
                      and b.live
                      and b.id < a.id);
  end loop;
  perform set_config('app.org', '', true);
  perform set_config('app.reach', '', true);
end $$;

alter table attempt add column epoch bigint not null default 1;     -- who may write: it grows when somebody takes over
alter table attempt add column lease_until timestamptz;             -- database time: until then it is its dialler's
alter table attempt add column last_clean_at timestamptz;           -- business time of the last list without a trace
-- Makes matching by the carrier's list unambiguous: the list names numbers and nothing of ours.
create unique index one_live_per_pair on attempt (org_id, from_e164, to_e164) where live;
create index attempt_by_posting on attempt (org_id, posted_at);
create index attempt_open on attempt (org_id, lease_until) where live;

-- The instant, in database time, for which a draw of the pace is reserved; null is "not drawn".
alter table call add column slot_at timestamptz;

-- A ring at the carrier that belongs to no attempt: ended as soon as it is found.
create table orphan_call (
  org_id     uuid not null,
  sid        text not null,
  call_id    uuid not null,                 -- the call whose numbers it rang
  attempt_id uuid not null,                 -- that call's latest attempt
  found_by   text not null check (found_by in ('reply', 'list', 'gate', 'sweep')),
  state      text not null check (state in ('found', 'cancel_requested', 'confirmed_ended', 'incident')),
  found_at   timestamptz not null,
  ended_at   timestamptz,
  primary key (org_id, sid),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, attempt_id) references attempt (org_id, id)
);
select isolate('orphan_call', 'select, insert, update');
select reach_by_call('orphan_call');

-- Which database the organization was last dialled from. Another one is a restored one: nobody is dialled from it until a
-- person says so, because calls of the time after the backup are not in it.
create function present_database() returns text language plpgsql stable as $$
declare
  cluster text;
begin
  begin
    select system_identifier::text into cluster from pg_control_system();
  exception when insufficient_privilege then
    cluster := 'unknown';
  end;
  return cluster || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
                 || '/' || (select oid from pg_database where datname = current_database());
end $$;

create table dialled_from (
  org_id      uuid not null,
  mark        text not null,                -- present_database() when it was noted
  restored_at timestamptz,                  -- when another database was recognized, if ever
  noted_at    timestamptz not null,
  primary key (org_id)
);
select isolate('dialled_from', 'select, insert, update');

-- Nobody of the organization is dialled while a row is open.
create table dialling_pause (
  org_id   uuid not null,
  id       uuid not null,
  why      text not null check (why in ('operator', 'restored')),
  since    timestamptz not null,
  ended_at timestamptz,
  primary key (org_id, id)
);
create unique index dialling_pause_now on dialling_pause (org_id) where ended_at is null;
select isolate('dialling_pause', 'select, insert, update');
