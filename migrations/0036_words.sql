-- The words of a call: when each was said and how sure the engine was, corrections as facts beside them, a search in the
-- language they were said in, how long they stay, and who listens to a call in the browser while it is live.

-- One language's words as they are looked for. What is not Spanish is read as English.
create function words_to_find(language text, said text) returns tsvector language sql immutable parallel safe
  return case when language like 'es%' then to_tsvector('pg_catalog.spanish'::regconfig, said)
              else to_tsvector('pg_catalog.english'::regconfig, said) end;

-- Times belong to the words of the text as blanks part them: the first time to the first word. A word the engine gave no time
-- for has null. No index: row-level security has reading of words done last, and a patient's calls are few.
alter table utterance
  add column language        text not null default 'en-US' check (language in ('en-US', 'es-US')),
  add column confidence      smallint check (confidence between 0 and 100),
  add column word_from_ms    int[],         -- since from_at
  add column word_to_ms      int[],
  add column word_confidence smallint[],    -- 0 to 100
  add column erased_at       timestamptz,   -- then the words are gone, and this row says so
  add column search          tsvector generated always as (words_to_find(language, text)) stored,
  add check (erased_at is null or (text = '' and word_from_ms is null and word_to_ms is null and word_confidence is null)),
  add check (cardinality(word_from_ms) = cardinality(word_to_ms) and cardinality(word_from_ms) = cardinality(word_confidence));

create index utterance_to_erase on utterance (org_id, to_at) where erased_at is null;

-- Organizations that are already here: what was heard was heard in the language of its patient.
do $$
declare
  org uuid;
begin
  perform set_config('app.reach', 'all', true);
  for org in select org_id from organization_directory loop
    perform set_config('app.org', org::text, true);
    update utterance u set language = 'es-US'
      from call c, patient p
     where u.org_id = org and c.org_id = org and p.org_id = org
       and c.id = u.call_id and p.id = c.patient_id and p.language = 'es-US';
  end loop;
  perform set_config('app.org', '', true);
  perform set_config('app.reach', '', true);
end $$;

-- Facts: what somebody wrote down instead, the newest counts.
create table utterance_correction (
  org_id       uuid not null,
  utterance_id uuid not null,
  number       int not null check (number > 0),
  call_id      uuid not null,
  patient_id   uuid not null,
  text         text not null check (length(text) <= 2000),
  language     text not null check (language in ('en-US', 'es-US')),
  made_by      uuid not null,
  made_at      timestamptz not null,
  erased_at    timestamptz,
  search       tsvector generated always as (words_to_find(language, text)) stored,
  primary key (org_id, utterance_id, number),
  foreign key (org_id, utterance_id) references utterance (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, made_by) references staff_member (org_id, id),
  check ((text = '') = (erased_at is not null))
);
create index utterance_correction_by_call on utterance_correction (org_id, call_id);
select isolate('utterance_correction', 'select, insert');
select reach_by_patient('utterance_correction', 'team');

-- Words are never changed. They may be erased once, when their time is over, and then no word is left.
create function words_are_only_erased() returns trigger language plpgsql as $$
begin
  if old.erased_at is not null or new.erased_at is null then
    raise exception 'words of a call are never changed, only erased';
  end if;
  return new;
end $$;
create trigger words_are_only_erased before update on utterance for each row execute function words_are_only_erased();
create trigger words_are_only_erased before update on utterance_correction
  for each row execute function words_are_only_erased();
do $$ begin
  if exists (select from pg_roles where rolname = 'app_rw') then
    grant update (text, word_from_ms, word_to_ms, word_confidence, erased_at) on utterance to app_rw;
    grant update (text, erased_at) on utterance_correction to app_rw;
  end if;
end $$;

-- Transcripts are a class of their own. Without days they stay as long as the record does.
alter table retention_rule drop constraint retention_rule_class_check;
alter table retention_rule add constraint retention_rule_class_check check (class in ('recording', 'transcript'));
alter table retention_rule alter column days drop not null;
alter table retention_rule add constraint retention_rule_days_of_recordings check (days is not null or class = 'transcript');

-- Somebody listens to a live call in their browser, from when they asked to.
create table listening (
  org_id       uuid not null,
  id           uuid not null,
  call_id      uuid not null,
  patient_id   uuid not null,
  staff_id     uuid not null,
  asked_at     timestamptz not null,
  announced_at timestamptz,                 -- when the patient was told
  began_at     timestamptz,                 -- when the first audio went out
  pulse_at     timestamptz not null,        -- by the database's clock: when a process last looked after it
  ended_at     timestamptz,
  ended_how    text check (ended_how in ('stopped', 'closed', 'cut_off', 'call_over', 'not_announced', 'not_here')),
  primary key (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, staff_id) references staff_member (org_id, id),
  check ((ended_at is null) = (ended_how is null))
);
create unique index listening_now on listening (org_id, call_id, staff_id) where ended_at is null;
select isolate('listening', 'select, insert, update');
select reach_by_patient('listening', 'team');
