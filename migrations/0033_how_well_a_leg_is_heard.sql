-- Whether words come out of a leg while somebody speaks on it, as facts in the order they were found; and audio that came in
-- and that no engine turned into words.

create table stream_turn (
  org_id    uuid not null,
  stream_id uuid not null,
  number    int not null check (number > 0),
  call_id   uuid not null,
  turn      text not null check (turn in ('blind', 'asked_again', 'other_engine', 'hears_again')),
  at        timestamptz not null,
  primary key (org_id, stream_id, number),
  foreign key (org_id, stream_id) references media_stream (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id)
);
create index stream_turn_by_call on stream_turn (org_id, call_id);
select isolate('stream_turn', 'select, insert');
select reach_by_call('stream_turn');

alter table gap drop constraint gap_reason_check;
alter table gap add constraint gap_reason_check
  check (reason in ('frames_lost', 'stream_lost', 'careline_restarted', 'not_recorded', 'not_heard'));
