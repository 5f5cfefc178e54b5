-- Who reaches whom inside one organization: care teams, urgent access, rights, what needs a second person, reviews.

-- Whose reach the present transaction has: 'all' for Careline itself, the carrier and the operator; a staff member's id;
-- anything else, or nothing, reaches nobody.
create function app_reaches_all() returns boolean language sql stable parallel safe
  as $$ select coalesce(current_setting('app.reach', true), '') = 'all' $$;
create function app_staff() returns uuid language sql stable parallel safe
  as $$ select case when current_setting('app.reach', true) ~ '^[0-9a-f-]{36}$'
                    then current_setting('app.reach', true)::uuid end $$;

create table care_team (
  org_id     uuid not null,
  id         uuid not null,
  name       text not null check (length(name) between 1 and 80),
  created_at timestamptz not null,
  created_by uuid,                          -- null is the operator, or the migration
  primary key (org_id, id),
  unique (org_id, name),
  foreign key (org_id, created_by) references staff_member (org_id, id)
);
select isolate('care_team', 'select, insert');

-- Facts: a membership that ended keeps its row.
create table team_member (
  org_id   uuid not null,
  id       uuid not null,
  team_id  uuid not null,
  staff_id uuid not null,
  since    timestamptz not null,
  added_by uuid,                            -- null is the operator, or the migration
  ended_at timestamptz,
  ended_by uuid,
  primary key (org_id, id),
  foreign key (org_id, team_id) references care_team (org_id, id),
  foreign key (org_id, staff_id) references staff_member (org_id, id),
  foreign key (org_id, added_by) references staff_member (org_id, id),
  foreign key (org_id, ended_by) references staff_member (org_id, id)
);
create unique index team_member_now on team_member (org_id, staff_id, team_id) where ended_at is null;
select isolate('team_member', 'select, insert, update');

alter table patient add column team_id uuid;
alter table patient add foreign key (org_id, team_id) references care_team (org_id, id);
create index patient_by_team on patient (org_id, team_id);

-- Urgent access to one patient outside one's teams: a row while it lasts and ever after.
create table break_glass (
  org_id     uuid not null,
  id         uuid not null,
  staff_id   uuid not null,
  patient_id uuid not null,
  reason     text not null check (reason in ('patient_called', 'covering', 'emergency', 'other')),
  words      text not null,                 -- may be clinical: for the coordinators of the patient's team only
  began_at   timestamptz not null,
  ends_at    timestamptz not null,          -- business time; compared at every opening of the chart
  ended_at   timestamptz,
  ended_how  text check (ended_how in ('ran_out', 'given_back')),
  primary key (org_id, id),
  unique (org_id, id, staff_id),
  foreign key (org_id, staff_id) references staff_member (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  check ((ended_at is null) = (ended_how is null))
);
create unique index break_glass_now on break_glass (org_id, staff_id, patient_id) where ended_at is null;
create index break_glass_by_time on break_glass (org_id, began_at desc);
select isolate('break_glass', 'select, insert, update');

-- Each is reviewed once, never by whoever took it.
create table break_glass_review (
  org_id         uuid not null,
  break_glass_id uuid not null,
  taken_by       uuid not null,
  reviewed_by    uuid not null,
  finding        text not null check (finding in ('justified', 'not_justified')),
  at             timestamptz not null,
  primary key (org_id, break_glass_id),
  foreign key (org_id, break_glass_id, taken_by) references break_glass (org_id, id, staff_id),
  foreign key (org_id, reviewed_by) references staff_member (org_id, id),
  check (reviewed_by <> taken_by)
);
select isolate('break_glass_review', 'select, insert');

-- Teams the staff member of this transaction serves, and patients they reach by urgent access.
create function app_teams() returns setof uuid language sql stable parallel safe
  as $$ select m.team_id from team_member m
         where m.org_id = app_org() and m.staff_id = app_staff() and m.ended_at is null $$;
create function app_urgent_patients() returns setof uuid language sql stable parallel safe
  as $$ select b.patient_id from break_glass b
         where b.org_id = app_org() and b.staff_id = app_staff() and b.ended_at is null $$;

-- Beside keeping organizations apart, the database keeps patients to their team: read by whoever reaches them, changed by
-- their team alone.
create policy reach on patient as restrictive
  using ((select app_reaches_all())
         or team_id in (select t from app_teams() t)
         or id in (select u from app_urgent_patients() u))
  with check ((select app_reaches_all()) or team_id in (select t from app_teams() t));

-- Rows about a patient follow the patient. 'team': only the patient's team may write them; 'reach': whoever reaches may.
create function reach_by_patient(target regclass, written_by text) returns void language plpgsql as $$
declare
  reached text := format(
    '(select app_reaches_all()) or exists (select from patient p where p.org_id = %1$s.org_id and p.id = %1$s.patient_id)',
    target);
  written text := case written_by
    when 'reach' then reached
    when 'team' then format(
      '(select app_reaches_all()) or exists (select from patient p where p.org_id = %1$s.org_id and p.id = %1$s.patient_id
                                                and p.team_id in (select t from app_teams() t))', target)
  end;
begin
  execute format('create policy reach on %s as restrictive using (%s) with check (%s)', target, reached, written);
end $$;
-- Rows about a call follow the call, and so its patient.
create function reach_by_call(target regclass) returns void language plpgsql as $$
begin
  execute format(
    'create policy reach on %1$s as restrictive using ((select app_reaches_all())
       or exists (select from call c where c.org_id = %1$s.org_id and c.id = %1$s.call_id))', target);
end $$;

select reach_by_patient('contact', 'team');
select reach_by_patient('consent', 'team');
select reach_by_patient('call', 'reach');
select reach_by_patient('assessment', 'team');
select reach_by_patient('follow_up', 'reach');
select reach_by_call('attempt');
select reach_by_call('leg');
select reach_by_call('media_stream');
select reach_by_call('gap');
select reach_by_call('utterance');
select reach_by_call('guidance');

-- Rights beside the role, as facts.
create table staff_right (
  org_id     uuid not null,
  id         uuid not null,
  staff_id   uuid not null,
  entitles   text not null check (entitles in ('clinical_lead')),
  granted_at timestamptz not null,
  granted_by uuid,                          -- null is the operator
  revoked_at timestamptz,
  revoked_by uuid,
  primary key (org_id, id),
  foreign key (org_id, staff_id) references staff_member (org_id, id),
  foreign key (org_id, granted_by) references staff_member (org_id, id),
  foreign key (org_id, revoked_by) references staff_member (org_id, id)
);
create unique index staff_right_now on staff_right (org_id, staff_id, entitles) where revoked_at is null;
select isolate('staff_right', 'select, insert, update');

-- What one person asks for and others must sign: the signatures say what exactly was signed.
create table approval (
  org_id      uuid not null,
  id          uuid not null,
  kind        text not null check (kind in ('admin_role', 'record_export', 'protocol_use')),
  staff_id    uuid,                         -- admin_role: who is to become an admin
  protocol_id text,                         -- protocol_use: which version
  version     text,
  sha256      bytea not null,               -- of what is asked for; a protocol's is its content's
  asked_by    uuid not null,
  asked_at    timestamptz not null,
  state       text not null check (state in ('open', 'granted', 'refused', 'used')),
  settled_at  timestamptz,
  primary key (org_id, id),
  unique (org_id, id, asked_by, sha256),
  foreign key (org_id, staff_id) references staff_member (org_id, id),
  foreign key (org_id, asked_by) references staff_member (org_id, id),
  foreign key (org_id, protocol_id, version) references protocol_version (org_id, protocol_id, version),
  check ((kind = 'admin_role') = (staff_id is not null)),
  check ((kind = 'protocol_use') = (protocol_id is not null and version is not null))
);
create unique index approval_open on approval (org_id, kind, sha256) where state in ('open', 'granted');
select isolate('approval', 'select, insert, update');

-- Nobody signs twice, and never what they asked for themselves.
create table approval_signature (
  org_id      uuid not null,
  approval_id uuid not null,
  asked_by    uuid not null,
  sha256      bytea not null,
  signed_by   uuid not null,
  answer      text not null check (answer in ('approved', 'refused')),
  at          timestamptz not null,
  primary key (org_id, approval_id, signed_by),
  foreign key (org_id, approval_id, asked_by, sha256) references approval (org_id, id, asked_by, sha256),
  foreign key (org_id, signed_by) references staff_member (org_id, id),
  check (signed_by <> asked_by)
);
select isolate('approval_signature', 'select, insert');

-- A coordinator looked at a signed assessment. It changes nothing in it.
create table assessment_review (
  org_id        uuid not null,
  assessment_id uuid not null,
  reviewed_by   uuid not null,
  patient_id    uuid not null,
  finding       text not null check (finding in ('no_remark', 'talk_about_it')),
  remark        text not null default '',
  at            timestamptz not null,
  primary key (org_id, assessment_id, reviewed_by),
  foreign key (org_id, assessment_id) references assessment (org_id, id),
  foreign key (org_id, reviewed_by) references staff_member (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id)
);
select isolate('assessment_review', 'select, insert');
select reach_by_patient('assessment_review', 'team');

-- Organizations that are already here: one team with every nurse, coordinator and physician, and every patient in it.
do $$
declare
  org  uuid;
  team uuid;
begin
  perform set_config('app.reach', 'all', true);
  for org in select org_id from organization_directory loop
    perform set_config('app.org', org::text, true);
    team := gen_random_uuid();
    insert into care_team (org_id, id, name, created_at)
      select org_id, team, 'Care team', created_at from organization where org_id = org;
    insert into team_member (org_id, id, team_id, staff_id, since)
      select org_id, gen_random_uuid(), team, id, created_at
        from staff_member where org_id = org and role in ('nurse', 'coordinator', 'physician');
    update patient set team_id = team where org_id = org;
  end loop;
  perform set_config('app.org', '', true);
  perform set_config('app.reach', '', true);
end $$;
