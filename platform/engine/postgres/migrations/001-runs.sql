-- Flow runs, their task runs (journal and queue in one table), logs, workers, cached results, large values.

create table flow_run (
  no bigint generated always as identity primary key,
  id text not null unique,
  flow text not null,
  name text not null,
  state text not null,
  message text,
  -- As they were given; secrets stand as references.
  params jsonb not null,
  -- Parameters and config as the flow gets them, encoded: for its tasks.
  given bytea,
  env text not null,
  executor text not null,
  attempt int not null default 0,
  labels text[] not null default '{}',
  -- The flow's code: where a worker finds it, and its digest; a worker refuses code of another digest.
  source jsonb,
  driver text,
  -- Version of the engine that drives it: workers of another leave its tasks alone.
  version text,
  -- When the driver's lock was first found free while the run was going.
  driver_missing timestamptz,
  result bytea,
  failure jsonb,
  created timestamptz not null default now(),
  started timestamptz,
  ended timestamptz
);
create index flow_run_by_flow on flow_run (flow, no desc);
create index flow_run_going on flow_run (no) where state in ('Pending', 'Running', 'Retrying', 'Paused', 'Cancelling');

create table worker (
  id int generated always as identity primary key,
  name text not null,
  host text not null,
  pid int not null,
  slots int not null,
  labels text[] not null default '{}',
  version text not null,
  state text not null default 'alive',
  started timestamptz not null default now(),
  seen timestamptz not null default now(),
  ended timestamptz,
  running int not null default 0,
  finished bigint not null default 0,
  memory bigint not null default 0
);
create index worker_alive on worker (id) where state in ('alive', 'draining');

-- One row a task run: waiting, running or done. `key` names the call in the journal: task, arguments, occurrence.
create table task_run (
  run bigint not null,
  seq int not null,
  key bytea not null,
  task text not null,
  state text not null,
  attempt int not null default 1,
  priority int not null default 0,
  labels text[] not null default '{}',
  args bytea,
  shared text,
  -- timeout (ms), memory (bytes), io: how a slot must run it.
  slot jsonb,
  worker int,
  -- Workers that died while they ran it.
  deaths text[] not null default '{}',
  result bytea,
  failure jsonb,
  created timestamptz not null default now(),
  started timestamptz,
  ended timestamptz,
  primary key (run, seq)
) with (
  -- Queue-like use: vacuum on a number of changed rows, not on a share of a table that may be large.
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_scale_factor = 0.1,
  -- Room in each page for the rows that a worker claims: they then stay in their page, and no index changes.
  fillfactor = 60
);
-- The queue: what is not over. Not by state, for then a claim, which changes the state, would write to it.
create index task_run_open on task_run (run, priority desc, seq) where ended is null;
-- The values are msgpack already: compressing them again costs more than it saves.
alter table task_run alter column args set storage external;
alter table task_run alter column result set storage external;

create table value_chunk (
  run bigint not null,
  hash text not null,
  chunk int not null,
  bytes bytea not null,
  primary key (run, hash, chunk)
);
alter table value_chunk alter column bytes set storage external;

create table task_cache (
  key text primary key,
  result bytea not null,
  created timestamptz not null default now(),
  expires timestamptz not null
);
create index task_cache_expires on task_cache (expires);

create table log_line (
  id bigint generated always as identity primary key,
  run bigint not null,
  time timestamptz not null,
  level smallint not null,
  source text not null,
  message text not null,
  fields jsonb
);
create index log_line_by_run on log_line (run, id);
