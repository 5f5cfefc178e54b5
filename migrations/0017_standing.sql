-- Who may be rung or texted, and when: consent bound to a number, opt-outs of numbers, the patient's own windows, the
-- organization's holidays and caps, and what each change of where a patient stands has called off.

-- Consent to be contacted holds for the number it was given for; null is any number of theirs.
alter table consent add column number text;
create index consent_by_contact on consent (org_id, contact_id, purpose, at desc) where contact_id is not null;

do $$
declare
  org uuid;
begin
  perform set_config('app.reach', 'all', true);
  for org in select org_id from organization_directory loop
    perform set_config('app.org', org::text, true);
    update consent c
       set number = coalesce((select k.phone from contact k where k.org_id = c.org_id and k.id = c.contact_id),
                             (select p.phone from patient p where p.org_id = c.org_id and p.id = c.patient_id))
     where c.org_id = org
       and c.purpose = 'be_called';
  end loop;
  perform set_config('app.org', '', true);
  perform set_config('app.reach', '', true);
end $$;

-- Facts: whoever has a number wants no more calls or texts there, or wants them again. It outranks every consent, because
-- a number is told to stop by whoever holds the telephone.
create table opt_out (
  org_id   uuid not null,
  id       uuid not null,
  number   text not null,                    -- E.164
  channel  text not null check (channel in ('voice', 'sms', 'any')),
  stopped  boolean not null,                 -- false: lifted
  evidence text not null,
  author   uuid,                             -- staff member; null is whoever has the number
  at       timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, author) references staff_member (org_id, id)
);
create index opt_out_newest on opt_out (org_id, number, at desc, id desc);
select isolate('opt_out', 'select, insert');
-- A number is seen by whoever reaches a person who has it.
create policy reach on opt_out as restrictive
  using ((select app_reaches_all())
         or exists (select from patient p where p.org_id = opt_out.org_id and p.phone = opt_out.number)
         or exists (select from contact k where k.org_id = opt_out.org_id and k.phone = opt_out.number));

-- Whether the newest fact about contacting a patient at a number by a channel gives leave; null when there is none.
create function newest_consent(org uuid, patient uuid, phone text, way text) returns boolean language sql stable
  as $$ select c.given from consent c
         where c.org_id = org and c.patient_id = patient and c.contact_id is null and c.purpose = 'be_called'
           and c.channel in (way, 'any') and (c.number is null or c.number = phone)
         order by c.at desc, c.given, c.id desc limit 1 $$;   -- of one instant, no wins
-- Whether the newest word of a number on a channel is to stop; null when it never said any.
create function newest_opt_out(org uuid, phone text, way text) returns boolean language sql stable
  as $$ select s.stopped from opt_out s
         where s.org_id = org and s.number = phone and s.channel in (way, 'any')
         order by s.at desc, s.stopped desc, s.id desc limit 1 $$;

-- The hours of a weekday in which a patient wants to be contacted, on their own clock; no row at all is the
-- organization's hours on every day.
create table contact_window (
  org_id     uuid not null,
  patient_id uuid not null,
  weekday    int not null check (weekday between 1 and 7),   -- ISO 8601, Monday is 1
  from_time  time not null,
  until_time time not null,
  primary key (org_id, patient_id, weekday, from_time),
  foreign key (org_id, patient_id) references patient (org_id, id),
  check (from_time < until_time)
);
select isolate('contact_window', 'select, insert, delete');
select reach_by_patient('contact_window', 'team');

-- Days on which nobody is rung or texted by plan, on the patient's calendar.
create table holiday (
  org_id   uuid not null,
  day      date not null,
  name     text not null check (length(name) between 1 and 80),
  added_by uuid,                             -- null is the operator
  added_at timestamptz not null,
  primary key (org_id, day),
  foreign key (org_id, added_by) references staff_member (org_id, id)
);
select isolate('holiday', 'select, insert, delete');

-- How often one number is rung at most: on a day of the patient's calendar, and in seven of them.
alter table organization add column most_rings_day int not null default 6 check (most_rings_day between 1 and 50);
alter table organization add column most_rings_week int not null default 20 check (most_rings_week between 1 and 350);
alter table organization add check (most_rings_day <= most_rings_week);
create index attempt_by_number on attempt (org_id, to_e164, posted_at) where party = 'patient';

-- Facts: where a patient stood and stands.
create table status_change (
  org_id     uuid not null,
  id         uuid not null,
  patient_id uuid not null,
  was        text not null check (was in ('active', 'admitted', 'deceased', 'withdrawn', 'transferred')),
  became     text not null check (became in ('active', 'admitted', 'deceased', 'withdrawn', 'transferred')),
  evidence   text not null,                  -- who told us, and when
  author     uuid not null,
  at         timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, author) references staff_member (org_id, id)
);
create index status_change_newest on status_change (org_id, patient_id, at desc);
select isolate('status_change', 'select, insert');
select reach_by_patient('status_change', 'team');

-- What a change has called off, in the transaction of the change.
create table calling_off (
  org_id     uuid not null,
  id         uuid not null,
  patient_id uuid not null,
  because    text not null check (because in ('patient_deceased', 'patient_admitted', 'patient_not_followed',
                                                  'consent_withdrawn', 'number_opted_out')),   -- domain/hold_back.rs
  cause      uuid not null,                  -- the fact: a status change, a consent, an opt-out
  due        timestamptz[] not null,         -- when the calls were due that will not ring
  intents    int not null,                   -- of these, attempts that were about to be dialled
  at_carrier int not null,                   -- of these, attempts that the carrier has or may have; they are ended
  talking    int not null,                   -- conversations under way, which go on
  texts      bigint not null,
  at         timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id)
);
create index calling_off_newest on calling_off (org_id, patient_id, at desc);
select isolate('calling_off', 'select, insert');
select reach_by_patient('calling_off', 'team');
