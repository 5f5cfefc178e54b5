-- Whom nobody listens to although their telephone is on the line: a patient on hold does not know that somebody could hear
-- their room, and whoever mutes themself means it. From the commit of the wish on nothing of such a leg is kept, until the
-- carrier has confirmed that it is over.

alter table seat add column hushed text check (hushed in ('on_hold', 'muted'));
alter table seat add column hushed_at timestamptz;          -- when the newest such stretch began; it stays when it is over
alter table seat add column hush int not null default 0;    -- counts beginnings and ends, so that old news is known as old
alter table seat add check (hushed is null or hushed_at is not null);

do $$
declare
  org uuid;
begin
  perform set_config('app.reach', 'all', true);
  for org in select org_id from organization_directory loop
    perform set_config('app.org', org::text, true);
    update seat
       set hushed = case when held then 'on_hold' else 'muted' end,
           hushed_at = coalesce(held_since, wished_at, now()),
           hush = 1
     where org_id = org
       and (held or muted);
  end loop;
  perform set_config('app.org', '', true);
  perform set_config('app.reach', '', true);
end $$;

alter table gap drop constraint gap_reason_check;
alter table gap add constraint gap_reason_check
  check (reason in ('frames_lost', 'stream_lost', 'careline_restarted', 'not_recorded', 'not_heard', 'on_hold', 'muted'));
