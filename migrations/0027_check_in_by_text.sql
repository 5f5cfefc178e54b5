-- Check-ins by reply text: texts ask a protocol's questions one at a time, and replies answer them.

alter table care_plan drop constraint care_plan_manner_check;
alter table care_plan add constraint care_plan_manner_check check (manner in ('nurse', 'keypad', 'reply_text'));
alter table call drop constraint call_manner_check;
alter table call add constraint call_manner_check check (manner in ('nurse', 'keypad', 'reply_text'));

-- Texts with clinical words are a consent of their own; without it no such check-in is begun.
alter table consent drop constraint consent_purpose_check;
alter table consent add constraint consent_purpose_check
  check (purpose in ('be_called', 'discuss_health', 'record_call', 'automated_calls', 'clinical_texts'));
create function newest_text_leave(org uuid, patient uuid, what text) returns boolean language sql stable
  as $$ select c.given from consent c
         where c.org_id = org and c.patient_id = patient and c.contact_id is null and c.purpose = what
           and c.channel in ('sms', 'any')
         order by c.at desc, c.given, c.id desc limit 1 $$;   -- of one instant, no wins
create trigger look_at_plans_of_texts after insert on consent for each row
  when (new.purpose = 'clinical_texts') execute function look_at_plans();

alter table check_in add column channel text not null default 'voice' check (channel in ('voice', 'text'));
alter table check_in drop constraint check_in_ending_check;
alter table check_in add constraint check_in_ending_check
  check (ending in ('finished', 'red_flag', 'person', 'silent', 'cut_off', 'stopped', 'closed'));

-- A text that belongs to a check-in: what it asked, or what was answered.
alter table text_message add column check_in uuid;
alter table text_message add foreign key (org_id, check_in) references call (org_id, id);
create index text_of_check_in on text_message (org_id, check_in, created_at) where check_in is not null;
-- The text an answer was read from: one text is one answer.
alter table check_in_answer add column text_id uuid;
alter table check_in_answer add foreign key (org_id, text_id) references text_message (org_id, id);
create unique index check_in_answer_of_text on check_in_answer (org_id, text_id) where text_id is not null;

-- Who writes with a number for which call, and which text waits for its reply. One at a time for a number.
create table text_check_in (
  org_id     uuid not null,
  call_id    uuid not null,
  patient_id uuid not null,
  number     text not null,                 -- E.164
  asked      uuid,                          -- the text that waits for a reply
  asks       int,                           -- the question it asks, as a place from 0; below 0 who is there (store/by_text)
  asked_at   timestamptz not null,
  before     uuid,                          -- the text before it
  before_asks int,                          -- and what that asked
  texts      int not null default 0,        -- how many were written
  replied_at timestamptz,
  began_at   timestamptz not null,
  ended_at   timestamptz,
  primary key (org_id, call_id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, asked) references text_message (org_id, id),
  foreign key (org_id, before) references text_message (org_id, id)
);
create unique index text_check_in_open on text_check_in (org_id, number) where ended_at is null;
create index text_check_in_by_number on text_check_in (org_id, number, ended_at desc);
select isolate('text_check_in', 'select, insert, update');
select reach_by_call('text_check_in');
