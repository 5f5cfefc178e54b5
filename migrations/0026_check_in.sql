-- Check-ins by keypad: a planned call on which an automatic voice asks a protocol's questions and keys answer them.

-- Who asks on a call: a nurse, or the automatic voice.
alter table care_plan add column manner text not null default 'nurse' check (manner in ('nurse', 'keypad'));
alter table call add column manner text not null default 'nurse' check (manner in ('nurse', 'keypad'));
-- A red flag came up before a nurse was there.
alter table call add column flagged boolean not null default false;
-- What the automatic voice tells somebody to dial when no nurse answers.
alter table organization add column emergency_number text not null default '911'
  check (emergency_number ~ '^[0-9]{3,5}$');

-- Being asked by a machine is a consent of its own; without it no such call is placed.
alter table consent drop constraint consent_purpose_check;
alter table consent add constraint consent_purpose_check
  check (purpose in ('be_called', 'discuss_health', 'record_call', 'automated_calls'));
create function newest_leave(org uuid, patient uuid, what text) returns boolean language sql stable
  as $$ select c.given from consent c
         where c.org_id = org and c.patient_id = patient and c.contact_id is null and c.purpose = what
           and c.channel in ('voice', 'any')
         order by c.at desc, c.given, c.id desc limit 1 $$;   -- of one instant, no wins
create trigger look_at_plans_of_machines after insert on consent for each row
  when (new.purpose = 'automated_calls') execute function look_at_plans();

-- One check-in: where its dialogue stands, how urgent the answers so far are, how it ended.
create table check_in (
  org_id     uuid not null,
  call_id    uuid not null,
  patient_id uuid not null,
  dialogue   jsonb not null,                -- domain/check_in/dialogue.rs
  level      text not null,                 -- the disposition so far, a code
  red_flag   text,                          -- the rule of the protocol that ended the questions
  ending     text check (ending in ('finished', 'red_flag', 'person', 'silent', 'cut_off')),   -- null while it goes on
  began_at   timestamptz not null,
  ended_at   timestamptz,
  primary key (org_id, call_id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  check ((ending is null) = (ended_at is null)),
  check (red_flag is null or ending = 'red_flag')
);
select isolate('check_in', 'select, insert, update');
select reach_by_call('check_in');

-- Facts: what was pressed, as it was pressed. A later row of one question is a correction.
create table check_in_answer (
  org_id   uuid not null,
  id       uuid not null,
  call_id  uuid not null,
  question text not null,
  value    text not null,                   -- yes, no or a number
  at       timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, call_id) references check_in (org_id, call_id)
);
create index check_in_answer_by_call on check_in_answer (org_id, call_id, at);
select isolate('check_in_answer', 'select, insert');
select reach_by_call('check_in_answer');
