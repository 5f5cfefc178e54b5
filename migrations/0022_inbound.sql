-- Who rings us. A caller whose number belongs to one patient is heard through an ordinary call; for any other there is a row
-- here, with an owner and a clock, because a number proves nobody and nobody is forgotten.

alter table call drop constraint call_purpose_check;
alter table call add constraint call_purpose_check
  check (purpose in ('check_in', 'assessment', 'follow_up', 'medication_check', 'inbound'));

create table caller (
  org_id   uuid not null,
  id       uuid not null,
  sid      text not null,                   -- the carrier's name for the newest ring
  number   text,                            -- E.164; null when it was withheld
  rings    int not null default 1,
  rang_at  timestamptz not null,            -- the first ring
  due_at   timestamptz not null,            -- when they have been promised to be rung back
  owner_id uuid not null,
  state    text not null check (state in ('open', 'done')),
  outcome  text,
  done_by  uuid,
  done_at  timestamptz,
  primary key (org_id, id),
  foreign key (org_id, owner_id) references staff_member (org_id, id),
  foreign key (org_id, done_by) references staff_member (org_id, id),
  check ((state = 'done') = (done_by is not null and done_at is not null and outcome is not null))
);
-- Somebody who rings again while they wait is one caller.
create unique index caller_waits on caller (org_id, number) where state = 'open' and number is not null;
create unique index caller_by_sid on caller (org_id, sid);
select isolate('caller', 'select, insert, update');

create index patient_by_phone on patient (org_id, phone);
create index contact_by_phone on contact (org_id, phone);
