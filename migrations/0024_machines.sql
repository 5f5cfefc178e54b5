-- Who answered, as the carrier guesses; what a voicemail may be told, and what it was told. And whoever rings us without a
-- number that tells anything, or when the office is closed.

alter table attempt add column answered_by text
  check (answered_by in ('human', 'machine_start', 'machine_end_beep', 'machine_end_silence', 'machine_end_other', 'fax',
                         'unknown'));       -- a hint, domain/answering.rs
alter table attempt add column judged_at timestamptz;

alter table organization add column voicemail text not null default 'none' check (voicemail in ('none', 'name_free'));
alter table patient add column voicemail text check (voicemail in ('none', 'name_free'));   -- null is the organization's

-- The sentence a voicemail was told. A row comes before the words: one number hears it at most once on a day.
create table voicemail_word (
  org_id     uuid not null,
  number     text not null,                 -- E.164
  day        date not null,                 -- on the patient's calendar
  call_id    uuid not null,
  attempt_id uuid not null,
  at         timestamptz not null,
  primary key (org_id, number, day),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, attempt_id) references attempt (org_id, id)
);
create index voicemail_word_by_attempt on voicemail_word (org_id, attempt_id);
select isolate('voicemail_word', 'select, insert');
select reach_by_call('voicemail_word');

-- A caller may type the number at which they can be reached; then it is theirs by their own word alone.
alter table caller add column typed boolean not null default false;

-- The line of somebody who is asked for a number: how often it was no number.
create table caller_line (
  org_id   uuid not null,
  sid      text not null,                   -- the carrier's name for the ring
  faults   int not null default 0,
  is_over  boolean not null default false,  -- a promise was made, or none could be
  heard    text not null,                   -- the newest message, so that a repeat of it counts once
  began_at timestamptz not null,
  primary key (org_id, sid)
);
select isolate('caller_line', 'select, insert, update');

-- Outside the calling hours, on the organization's own clock: the nurse on duty is rung as ever, or a person rings back
-- once the office is open.
alter table organization add column after_hours text not null default 'ring' check (after_hours in ('ring', 'ring_back'));
