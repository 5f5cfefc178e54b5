-- The draft of what was said on a call, item by item with the words it came from; what a nurse decided about each item; and
-- the signature by which a summary enters the record. And what a call needs to be run again: each state of its answers.

create table summary_draft (
  org_id     uuid not null,
  id         uuid not null,
  call_id    uuid not null,
  patient_id uuid not null,
  rules      text not null,                 -- the version of the lists and rules
  way        text not null check (way in ('rules', 'model')),
  salt       bytea not null,                -- under which words are hashed
  sha256     bytea not null,                -- of all words it was made from; the record says it too
  medicines  text[] not null,               -- names of the chart that were listened for
  evidence   jsonb not null,                -- what was withheld and why; the model, its prompt and what kept it away
  made_at    timestamptz not null,
  primary key (org_id, id),
  unique (org_id, call_id),                 -- the job may run twice
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id)
);
select isolate('summary_draft', 'select, insert');
select reach_by_call('summary_draft');

-- The words it was made from, as hashes in order.
create table summary_heard (
  org_id       uuid not null,
  draft_id     uuid not null,
  call_id      uuid not null,
  number       int not null check (number > 0),
  utterance_id uuid not null,
  sha256       bytea not null,
  primary key (org_id, draft_id, number),
  foreign key (org_id, draft_id) references summary_draft (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id)
);
select isolate('summary_heard', 'select, insert');
select reach_by_call('summary_heard');

-- What a model replied, as it came: a replay asks no model. It repeats words of the call.
create table summary_reply (
  org_id   uuid not null,
  draft_id uuid not null,
  call_id  uuid not null,
  reply    text not null,
  primary key (org_id, draft_id),
  foreign key (org_id, draft_id) references summary_draft (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id)
);
select isolate('summary_reply', 'select, insert, delete');
select reach_by_call('summary_reply');

create table summary_item (
  org_id   uuid not null,
  id       uuid not null,
  draft_id uuid not null,
  call_id  uuid not null,
  number   int not null check (number > 0),
  kind     text not null check (kind in ('symptom', 'score', 'medicine', 'concern', 'promise')),
  code     text not null,
  stance   text not null check (stance in ('present', 'absent', 'earlier', 'unclear')),
  least    smallint check (least between 0 and 10),
  most     smallint check (most between least and 10),
  found_by text not null check (found_by in ('rules', 'model')),
  primary key (org_id, id),
  unique (org_id, draft_id, number),
  foreign key (org_id, draft_id) references summary_draft (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  check ((kind = 'score') = (least is not null and most is not null))
);
select isolate('summary_item', 'select, insert');
select reach_by_call('summary_item');

-- Where an item was said, letter by letter.
create table summary_source (
  org_id       uuid not null,
  item_id      uuid not null,
  number       int not null check (number > 0),
  call_id      uuid not null,
  utterance_id uuid not null,
  speaker      text not null check (speaker in ('patient', 'caregiver', 'nurse')),
  from_byte    int not null check (from_byte >= 0),
  to_byte      int not null check (to_byte > from_byte),
  words        text not null,
  primary key (org_id, item_id, number),
  foreign key (org_id, item_id) references summary_item (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, utterance_id) references utterance (org_id, id)
);
create index summary_source_by_utterance on summary_source (org_id, utterance_id);
select isolate('summary_source', 'select, insert, delete');
select reach_by_call('summary_source');

-- Facts: what somebody decided about an item. The newest counts; a later one is a correction.
create table summary_decision (
  org_id     uuid not null,
  id         uuid not null,
  draft_id   uuid not null,
  item_id    uuid not null,
  call_id    uuid not null,
  number     int not null check (number > 0),          -- of its draft
  decided    text not null check (decided in ('accepted', 'edited', 'dropped')),
  words      text check (length(words) between 1 and 1000),
  decided_by uuid not null,
  decided_at timestamptz not null,
  primary key (org_id, id),
  unique (org_id, draft_id, number),
  foreign key (org_id, draft_id) references summary_draft (org_id, id),
  foreign key (org_id, item_id) references summary_item (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, decided_by) references staff_member (org_id, id),
  check ((decided = 'edited') = (words is not null))
);
select isolate('summary_decision', 'select, insert, delete');
select reach_by_call('summary_decision');

-- The signature: from here on the lines are part of the record, as they stand here, and of no export before.
create table summary_signature (
  org_id     uuid not null,
  draft_id   uuid not null,
  call_id    uuid not null,
  patient_id uuid not null,
  lines      jsonb not null,                -- what was signed, line by line
  sha256     bytea not null,                -- of it; the record says it too
  signed_by  uuid not null,
  signed_at  timestamptz not null,
  primary key (org_id, draft_id),
  foreign key (org_id, draft_id) references summary_draft (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, signed_by) references staff_member (org_id, id)
);
select isolate('summary_signature', 'select, insert');
select reach_by_patient('summary_signature', 'team');

-- A signed summary is final: nothing more is decided about its items.
create function signed_summary_is_final() returns trigger language plpgsql as $$
begin
  if exists (select from summary_signature s where s.org_id = new.org_id and s.draft_id = new.draft_id) then
    raise exception 'a signed summary is final';
  end if;
  return new;
end $$;
create trigger signed_summary_is_final before insert on summary_decision
  for each row execute function signed_summary_is_final();

-- Words that are erased take along what repeats them: quotations, a model's reply, and what was written in their place for a
-- summary that nobody signed. What was signed is part of the record and stays.
create function erased_words_are_not_quoted() returns trigger language plpgsql as $$
begin
  delete from summary_decision d
   where d.org_id = new.org_id
     and d.item_id in (select s.item_id from summary_source s
                        where s.org_id = new.org_id and s.utterance_id = new.id)
     and not exists (select from summary_signature n where n.org_id = d.org_id and n.draft_id = d.draft_id);
  delete from summary_source s where s.org_id = new.org_id and s.utterance_id = new.id;
  delete from summary_reply r where r.org_id = new.org_id and r.call_id = new.call_id;
  return null;
end $$;
create trigger erased_words_are_not_quoted after update of text on utterance
  for each row when (new.text = '' and old.text <> '') execute function erased_words_are_not_quoted();

-- Each state that the answers of a call had: an assessment keeps the last one only, and a call that is run again must show
-- what the protocol said at each.
create table assessment_revision (
  org_id        uuid not null,
  assessment_id uuid not null,
  revision      int not null check (revision >= 0),
  call_id       uuid not null,
  patient_id    uuid not null,
  inputs        jsonb not null,
  evaluation    jsonb not null,
  saved_at      timestamptz not null,
  primary key (org_id, assessment_id, revision),
  foreign key (org_id, assessment_id) references assessment (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id)
);
create index assessment_revision_by_call on assessment_revision (org_id, call_id);
select isolate('assessment_revision', 'select, insert');
select reach_by_patient('assessment_revision', 'team');

-- Who ran a call again, why, and what came of it.
create table call_replay (
  org_id      uuid not null,
  id          uuid not null,
  call_id     uuid not null,
  why         text not null check (length(why) between 1 and 300),
  operator    text not null check (length(operator) between 1 and 100),
  protocol_id text,
  version     text,
  verdict     text not null check (verdict in ('same', 'differs', 'cannot')),
  differences int not null check (differences >= 0),
  at          timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id)
);
select isolate('call_replay', 'select, insert');
select reach_by_call('call_replay');
