-- Texts: what goes out and what comes in, one row each. Who wants no more of them is in opt_out (0017).

alter table organization
  add column texts_as text not null default 'Careline'      -- how texts name the organization: nothing of health in it
    check (length(texts_as) between 1 and 30),
  add column reminder_minutes int not null default 1440     -- how long before a planned call it is announced; 0 is never
    check (reminder_minutes between 0 and 10080);

-- A row that goes out is its own attempt: intent ('scheduled'), allowed to be sent once ('sending'), then what became of it.
create table text_message (
  org_id        uuid not null,
  id            uuid not null,              -- part of the address of its status callbacks
  direction     text not null check (direction in ('out', 'in')),
  patient_id    uuid,                       -- in: known by number alone, a hint; null is nobody
  contact_id    uuid,                       -- in: whose number it is, if a contact's
  number        text not null,              -- E.164, the other end
  own_number    text not null,              -- E.164, the organization's
  wording       text not null,              -- domain/text: a template, 'free' or 'received'
  body          text not null,
  body_hash     bytea not null,             -- SHA-256 of the body: what the carrier's list is compared with
  segments      int not null check (segments >= 0),
  call_id       uuid,                       -- the planned call it announces
  call_due_at   timestamptz,                -- for when; a call that moved makes the text void
  answers       uuid,                       -- the text it answers
  state         text not null check (state in ('scheduled', 'sending', 'unknown', 'bound', 'rejected', 'not_sent',
                                               'held_back', 'called_off', 'received')),
  outcome       text,                       -- why, a code
  delivery      text check (delivery in ('queued', 'sending', 'sent', 'failed', 'undelivered', 'delivered', 'read')),
  delivery_rank int not null default 0,     -- never moves back
  delivery_code text not null default '',   -- the carrier's error code
  sid           text,
  tries         int not null default 0,
  clean_lists   int not null default 0,
  send_at       timestamptz not null,
  posted_at     timestamptz,
  settled_at    timestamptz,
  written_by    uuid,                       -- null is Careline, or the sender
  meaning       text,                       -- in: what it was read as, a code
  pictures      int not null default 0,     -- in: media that came along; never fetched
  read_by       uuid,
  read_at       timestamptz,
  created_at    timestamptz not null,
  once_key      text not null,              -- one cause makes one text
  primary key (org_id, id),
  unique (org_id, once_key),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, contact_id) references contact (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, answers) references text_message (org_id, id),
  foreign key (org_id, written_by) references staff_member (org_id, id),
  foreign key (org_id, read_by) references staff_member (org_id, id),
  check ((direction = 'in') = (state = 'received')),
  check ((call_id is null) = (call_due_at is null)),
  check ((read_by is null) = (read_at is null))
);
create unique index text_sid_once on text_message (org_id, sid) where sid is not null;
-- One text of these words to this number is in doubt at a time, so a list of the carrier never leaves two readings.
create unique index text_in_doubt on text_message (org_id, number, body_hash) where state in ('sending', 'unknown');
create index text_by_patient on text_message (org_id, patient_id, created_at desc);
create index text_by_number on text_message (org_id, number, created_at desc);
create index text_scheduled on text_message (org_id, patient_id, number) where state = 'scheduled';
create index text_unread on text_message (org_id, created_at) where state = 'received' and read_at is null;
select isolate('text_message', 'select, insert, update');

-- A text of nobody known is everybody's to look at; every other follows its patient.
create policy reach on text_message as restrictive
  using ((select app_reaches_all())
         or patient_id is null
         or exists (select from patient p where p.org_id = text_message.org_id and p.id = text_message.patient_id))
  with check ((select app_reaches_all())
              or exists (select from patient p where p.org_id = text_message.org_id and p.id = text_message.patient_id)
              or (patient_id is null and state = 'received'));
