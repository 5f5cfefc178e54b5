-- Protocol versions as they were imported, and their citable passages.

create table protocol_version (
  org_id      uuid not null,
  protocol_id text not null,
  version     text not null,
  sha256      bytea not null,               -- of the canonical form of the whole package
  title       text not null,
  status      text not null,                -- as the package says: draft, in_review, approved, retired
  package     jsonb not null,               -- file name to file text
  in_use      boolean not null,             -- the version new calls are pinned to
  imported_at timestamptz not null,
  primary key (org_id, protocol_id, version)
);
create unique index one_protocol_in_use on protocol_version (org_id, protocol_id) where in_use;
select isolate('protocol_version', 'select, insert, update');

create table passage (
  org_id      uuid not null,
  protocol_id text not null,
  version     text not null,
  anchor      text not null,
  ordinal     int not null,
  heading     text not null,
  text        text not null,
  tags        text[] not null default '{}',
  sha256      bytea not null,
  embedding   real[],
  primary key (org_id, protocol_id, version, anchor),
  foreign key (org_id, protocol_id, version) references protocol_version (org_id, protocol_id, version)
);
select isolate('passage', 'select, insert, update');
