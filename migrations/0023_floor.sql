-- What can be done while people talk: hold, mute, somebody asked in, a call handed over, a supervisor. What is wished of each
-- leg is a row here before the carrier is asked, and counts as true only once the carrier has confirmed it.

alter table organization add column supervision text not null default 'announced'
  check (supervision in ('announced', 'at_enrolment'));

-- Whom nurses may ask into a call beside colleagues; kept by admins.
create table outside_number (
  org_id     uuid not null,
  id         uuid not null,
  label      text not null check (char_length(label) between 1 and 80),
  number     text not null,                 -- E.164
  kind       text not null check (kind in ('physician', 'interpreter', 'other')),
  added_at   timestamptz not null,
  added_by   uuid,
  removed_at timestamptz,
  removed_by uuid,
  primary key (org_id, id),
  foreign key (org_id, added_by) references staff_member (org_id, id),
  foreign key (org_id, removed_by) references staff_member (org_id, id)
);
create unique index outside_number_once on outside_number (org_id, number) where removed_at is null;
select isolate('outside_number', 'select, insert, update');

-- Somebody asked into a live call. They are in it only after pressing 1.
create table guest (
  org_id       uuid not null,
  id           uuid not null,
  call_id      uuid not null,
  kind         text not null check (kind in ('physician', 'interpreter', 'colleague', 'other', 'supervisor')),
  part         text not null check (part in ('talks', 'listens', 'coaches')),
  staff_id     uuid,
  outside_id   uuid,
  asked_by     uuid not null,
  asked_at     timestamptz not null,
  state        text not null check (state in ('asked', 'admitted', 'joined', 'left', 'did_not_come')),
  admitted_at  timestamptz,                 -- they pressed 1; the patient is told before they hear anything
  announced_at timestamptz,                 -- the carrier took the announcement to the patient
  joined_at    timestamptz,
  dismissed_at timestamptz,                 -- somebody let them go; the carrier is asked until their leg has ended
  ended_at     timestamptz,
  primary key (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, staff_id) references staff_member (org_id, id),
  foreign key (org_id, outside_id) references outside_number (org_id, id),
  foreign key (org_id, asked_by) references staff_member (org_id, id),
  check ((staff_id is null) <> (outside_id is null))
);
-- One at a time is rung, and a form that is sent twice asks once.
create unique index guest_on_the_way on guest (org_id, call_id) where state in ('asked', 'admitted');
create index guest_by_call on guest (org_id, call_id, asked_at);
select isolate('guest', 'select, insert, update');
select reach_by_call('guest');

alter table attempt drop constraint attempt_party_check;
alter table attempt add constraint attempt_party_check check (party in ('patient', 'nurse', 'guest'));
alter table attempt add column guest_id uuid;
alter table attempt add foreign key (org_id, guest_id) references guest (org_id, id);
alter table attempt add check ((party = 'guest') = (guest_id is not null));
alter table leg drop constraint leg_party_check;
alter table leg add constraint leg_party_check check (party in ('patient', 'nurse', 'guest'));
alter table leg add column guest_id uuid;
alter table leg add foreign key (org_id, guest_id) references guest (org_id, id);
alter table leg add check ((party = 'guest') = (guest_id is not null));

-- How a leg is to sit in its conference. `revision` is the wish, `settled` the newest wish the carrier has confirmed.
create table seat (
  org_id     uuid not null,
  leg_id     uuid not null,
  call_id    uuid not null,
  held       boolean not null default false,
  muted      boolean not null default false,
  ends       boolean not null,              -- whether the conference ends when this leg leaves
  part       text not null check (part in ('talks', 'listens', 'coaches')),
  held_since timestamptz,
  wished_at  timestamptz,                   -- of the newest wish
  revision   int not null default 1,
  settled    int not null default 1,
  fault      text,                          -- what the carrier last said to a wish that is not settled, a code
  primary key (org_id, leg_id),
  foreign key (org_id, leg_id) references leg (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  check (settled <= revision)
);
create index seat_by_call on seat (org_id, call_id);
select isolate('seat', 'select, insert, update');
select reach_by_call('seat');

-- A call on its way to another nurse or physician. It is theirs once the carrier no longer ends it with the first one's leg.
create table call_hand_over (
  org_id     uuid not null,
  id         uuid not null,
  call_id    uuid not null,
  from_staff uuid not null,
  guest_id   uuid not null,
  to_staff   uuid not null,
  asked_at   timestamptz not null,
  state      text not null check (state in ('asked', 'done', 'void')),
  ended_at   timestamptz,
  primary key (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, from_staff) references staff_member (org_id, id),
  foreign key (org_id, to_staff) references staff_member (org_id, id),
  foreign key (org_id, guest_id) references guest (org_id, id)
);
create unique index call_hand_over_open on call_hand_over (org_id, call_id) where state = 'asked';
select isolate('call_hand_over', 'select, insert, update');
select reach_by_call('call_hand_over');

-- Legs that are in a conference while this migration runs sit as their documents said.
do $$
declare
  org uuid;
begin
  perform set_config('app.reach', 'all', true);
  for org in select org_id from organization_directory loop
    perform set_config('app.org', org::text, true);
    insert into seat (org_id, leg_id, call_id, ends, part)
    select org_id, id, call_id, true, 'talks'
      from leg
     where org_id = org
       and left_at is null;
  end loop;
  perform set_config('app.org', '', true);
  perform set_config('app.reach', '', true);
end $$;
