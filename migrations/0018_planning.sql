-- Planning: care plans that make calls by themselves, who is at work when, who covers for whom, how often an unreached
-- patient is rung again, and a queue whose backlog costs nothing.

-- How often a patient is rung. The rule is read on the patient's own clock.
create table care_plan (
  org_id         uuid not null,
  id             uuid not null,
  patient_id     uuid not null,
  purpose        text not null check (purpose in ('check_in', 'assessment', 'follow_up', 'medication_check')),
  protocol_id    text not null,
  nurse_id       uuid,                      -- who is wished for; null lets the match decide
  rule           text not null check (length(rule) between 6 and 200),   -- RFC 5545 RRULE, normalized
  starts_on      date not null,             -- the first day it may fall on
  at_local       time not null,             -- the time of day, on the patient's clock
  window_minutes int  not null check (window_minutes between 30 and 720),   -- how long after it a telephone may still ring
  state          text not null check (state in ('active', 'paused', 'ended')),
  covered_until  timestamptz,               -- calls exist up to here; null before the first look and while none may
  look_at        timestamptz not null,      -- when the planner looks next
  created_by     uuid,                      -- null is the operator
  created_at     timestamptz not null,
  changed_at     timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, nurse_id) references staff_member (org_id, id),
  foreign key (org_id, created_by) references staff_member (org_id, id)
);
create index care_plan_by_patient on care_plan (org_id, patient_id);
create index care_plan_to_look_at on care_plan (org_id, look_at) where state = 'active';
select isolate('care_plan', 'select, insert, update');
select reach_by_patient('care_plan', 'team');

-- Where the patient lives, for the licence of whoever talks to them (ISO 3166-2).
alter table patient add column region text check (region ~ '^[A-Z]{2}-[A-Z0-9]{1,3}$');

alter table call add column plan_id uuid;
alter table call add column occurs_at timestamp;            -- which occurrence of the plan, on the patient's clock
alter table call add column round int not null default 0;   -- an occurrence a rule called off may come again
alter table call add column window_until timestamptz;       -- after this no telephone rings for it; null is no bound
alter table call add column covers_for uuid;                -- whose call it is when a colleague covers
alter table call add column moved_by uuid;            -- who gave it another time; its plan leaves it there
alter table call add column matched text[] not null default '{}';   -- why this nurse, codes of domain/matching.rs
alter table call add foreign key (org_id, plan_id) references care_plan (org_id, id);
alter table call add foreign key (org_id, covers_for) references staff_member (org_id, id);
alter table call add foreign key (org_id, moved_by) references staff_member (org_id, id);
-- Each occurrence is one call, however often and by however many planners it is made.
create unique index call_of_plan on call (org_id, plan_id, occurs_at, round) where plan_id is not null;
create index call_by_nurse on call (org_id, nurse_id, due_at) where state = 'scheduled';

-- A patient who may be rung again, or no longer, has their plans looked at at once, whoever changed it and how.
create function look_at_plans() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'patient' then
    update care_plan set look_at = 'epoch' where org_id = new.org_id and patient_id = new.id and state = 'active';
  elsif tg_table_name = 'consent' then
    update care_plan set look_at = 'epoch' where org_id = new.org_id and patient_id = new.patient_id and state = 'active';
  else
    update care_plan g set look_at = 'epoch'
      from patient p
     where p.org_id = new.org_id and p.phone = new.number
       and g.org_id = p.org_id and g.patient_id = p.id and g.state = 'active';
  end if;
  return null;
end $$;
create trigger look_at_plans after update of status, time_zone, phone on patient for each row
  when ((old.status, old.time_zone, old.phone) is distinct from (new.status, new.time_zone, new.phone))
  execute function look_at_plans();
create trigger look_at_plans after insert on consent for each row
  when (new.purpose = 'be_called') execute function look_at_plans();
create trigger look_at_plans after insert on opt_out for each row execute function look_at_plans();

-- When somebody works: weekly, in the organization's zone.
create table shift (
  org_id      uuid not null,
  id          uuid not null,
  staff_id    uuid not null,
  weekday     int  not null check (weekday between 1 and 7),   -- ISO 8601: Monday is 1
  from_local  time not null,
  until_local time not null,
  starts_on   date not null,
  ends_on     date,                         -- the last day; null while it goes on
  primary key (org_id, id),
  foreign key (org_id, staff_id) references staff_member (org_id, id),
  check (from_local < until_local),
  check (ends_on is null or ends_on >= starts_on)
);
create index shift_by_staff on shift (org_id, staff_id);
select isolate('shift', 'select, insert, update, delete');

-- One day that is not like the others.
create table shift_exception (
  org_id      uuid not null,
  id          uuid not null,
  staff_id    uuid not null,
  day         date not null,
  kind        text not null check (kind in ('off', 'extra')),
  from_local  time not null default '00:00',
  until_local time not null default '23:59:59',
  primary key (org_id, id),
  unique (org_id, staff_id, day, kind),
  foreign key (org_id, staff_id) references staff_member (org_id, id),
  check (from_local < until_local)
);
select isolate('shift_exception', 'select, insert, update, delete');

create table staff_language (
  org_id   uuid not null,
  staff_id uuid not null,
  language text not null check (language in ('en-US', 'es-US')),
  primary key (org_id, staff_id, language),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
select isolate('staff_language', 'select, insert, delete');

create table staff_licence (
  org_id   uuid not null,
  staff_id uuid not null,
  region   text not null check (region ~ '^[A-Z]{2}-[A-Z0-9]{1,3}$'),
  primary key (org_id, staff_id, region),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
select isolate('staff_licence', 'select, insert, delete');

-- While one is away another has their calls.
create table cover (
  org_id     uuid not null,
  id         uuid not null,
  away_id    uuid not null,
  by_id      uuid not null,
  from_at    timestamptz not null,
  until_at   timestamptz not null,
  created_by uuid,
  created_at timestamptz not null,
  ended_at   timestamptz,                   -- when it was taken back before its time
  ended_by   uuid,
  primary key (org_id, id),
  foreign key (org_id, away_id) references staff_member (org_id, id),
  foreign key (org_id, by_id) references staff_member (org_id, id),
  foreign key (org_id, created_by) references staff_member (org_id, id),
  foreign key (org_id, ended_by) references staff_member (org_id, id),
  check (away_id <> by_id),
  check (from_at < until_at)
);
create index cover_now on cover (org_id, until_at) where ended_at is null;
select isolate('cover', 'select, insert, update');

-- How often a patient is rung again after an outcome. Purpose 'any' holds where a purpose has no row of its own; what has
-- no row at all follows the defaults of domain/call/retry.rs.
create table retry_rule (
  org_id              uuid not null,
  purpose             text not null check (purpose in ('any', 'check_in', 'assessment', 'follow_up', 'medication_check')),
  outcome             text not null check (outcome in ('busy', 'no_answer', 'failed', 'no_keys', 'hung_up')),
  most_tries          int  not null check (most_tries between 1 and 5),
  first_pause_minutes int  not null check (first_pause_minutes between 1 and 720),
  later_pause_minutes int  not null check (later_pause_minutes between 1 and 720),
  primary key (org_id, purpose, outcome)
);
select isolate('retry_rule', 'select, insert, update, delete');

-- What organizations had set before becomes rows, and the two columns go.
do $$
declare
  org uuid;
begin
  for org in select org_id from organization_directory loop
    perform set_config('app.org', org::text, true);
    insert into retry_rule (org_id, purpose, outcome, most_tries, first_pause_minutes, later_pause_minutes)
      select org_id, 'any', outcome, most_attempts, retry_minutes, retry_minutes
        from organization, unnest(array['busy', 'no_answer', 'failed', 'no_keys', 'hung_up']) outcome
       where org_id = org and (most_attempts, retry_minutes) <> (3, 15);
  end loop;
  perform set_config('app.org', '', true);
end $$;
alter table organization drop column most_attempts, drop column retry_minutes;

-- What the runner looks for. Two indexes, each of one state, so that a look at what is due touches nothing that is not.
create index job_queued on job (org_id, run_at) where state = 'queued';
create index job_running on job (org_id, lease_until) where state = 'running';
drop index job_open;
drop index job_due;
