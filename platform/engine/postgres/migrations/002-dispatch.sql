-- Deployments, work queues, the ledger of launches, agents, schedules, and who is told of ended runs.

alter table flow_run
  -- The deployment it is of: `hello`, `hello@feature-x`.
  add column deployment text,
  -- The queue it waits in, or waited in. Null: it never was in one.
  add column queue text,
  add column priority int not null default 0,
  -- Only an agent that launches this way takes it. Null: any.
  add column launcher text,
  -- How often it was launched; the number of its last launch.
  add column launch int not null default 0,
  -- How often it went back into its queue because its machine was taken away.
  add column restarts int not null default 0,
  -- Image, machines, workers, account: what it is launched with.
  add column job jsonb,
  -- When it came into its queue.
  add column queued timestamptz,
  add column not_before timestamptz,
  -- Milliseconds, from when its driver takes it up.
  add column timeout bigint,
  add column release text,
  add column commit text,
  -- Lets no second run in: queued (while it waits), active (until it is over), ever.
  add column key text,
  add column key_scope text,
  -- Who is told of its end, besides those whom rules name.
  add column callbacks jsonb,
  -- Where its large values and scratch data are: the MILLRACE_STORE of its first driver. Null: in the database, on its machine.
  add column store text,
  -- Whose workers take its tasks: `cluster:NAME`, `run:ID`. Null: any worker that has no pool.
  add column pool text;
create index flow_run_waiting on flow_run (queue, priority desc, no) where state = 'Scheduled';
create index flow_run_by_deployment on flow_run (deployment, no desc) where deployment is not null;
create index flow_run_by_key on flow_run (coalesce(deployment, ' ' || flow), key) where key is not null;

alter table worker add column pool text;

create table deployment (
  name text primary key,
  -- All of it but the schedule.
  record jsonb not null,
  registered timestamptz not null default now(),
  changed timestamptz not null default now(),
  -- When it was deployed no more. The row stays for the runs that it had.
  gone timestamptz
);

create table schedule (
  deployment text primary key references deployment (name) on delete cascade,
  cron text not null,
  timezone text not null,
  params jsonb not null,
  paused boolean not null,
  -- Null: never again, or paused.
  next timestamptz,
  -- The time (of the schedule) that was fired last.
  last timestamptz,
  -- Why the last time made no run.
  message text,
  -- Id of the run that was made last: while it waits, no other is made.
  run text
);
create index schedule_next on schedule (next) where next is not null;

-- While there is a row, no run of the deployment is claimed; `*`: of any.
create table dispatch_pause (
  deployment text primary key,
  paused_by text not null,
  reason text not null,
  paused timestamptz not null default now()
);

create table work_queue (
  name text primary key,
  -- Most runs at once; null: as many as come.
  concurrency int,
  priority int not null default 0,
  -- Most runs waiting.
  cap int,
  -- {from, to, timezone, days}: when it is open.
  open jsonb,
  paused_by text,
  paused_reason text,
  paused timestamptz
);
insert into work_queue (name) values ('default');

-- Most runs at once that have the label, over all queues.
create table label_limit (
  label text primary key,
  most int not null
);

create table agent (
  id int generated always as identity primary key,
  name text not null,
  host text not null,
  pid int not null,
  launcher text not null,
  -- Where its jobs are: agents of one place see the same jobs.
  place text not null,
  labels text[] not null,
  exclusive boolean not null,
  -- Most runs at once.
  most int not null,
  stack text not null,
  version text not null,
  state text not null default 'alive',
  going int not null default 0,
  started timestamptz not null default now(),
  seen timestamptz not null default now(),
  ended timestamptz
);
create index agent_seen on agent (seen);

-- One row a launch of a run: written when the run is claimed, before anything is started; ended when nothing is left.
create table ledger (
  run bigint not null,
  launch int not null,
  launcher text not null,
  place text not null,
  agent int not null,
  job text not null,
  handle text,
  opened timestamptz not null default now(),
  launched timestamptz,
  ended timestamptz,
  deadline timestamptz,
  reason text,
  message text,
  primary key (run, launch)
);
create index ledger_open on ledger (place, run) where ended is null;

create table notice_rule (
  name text primary key,
  target text not null,
  -- Null: all.
  states text[],
  flows text[],
  queues text[],
  labels text[],
  -- The name of the secret that signs, not the secret.
  secret text
);

-- Somebody is to be told that a run came into `state`.
create table notice (
  id bigint generated always as identity primary key,
  run bigint not null,
  rule text,
  target text not null,
  secret text,
  state text not null,
  attempt int not null default 0,
  created timestamptz not null default now(),
  due timestamptz not null,
  sent timestamptz,
  given_up timestamptz,
  error text
);
create index notice_due on notice (due) where sent is null and given_up is null;
create index notice_by_run on notice (run);

-- Whoever ends a run, and however: the notices are there when the end is. A run that crashed under an agent may be back
-- in its queue a moment later (its machine was taken away): of that nobody is told, so those notices wait a little.
create function tell_run_ended() returns trigger language plpgsql set search_path to millrace as $$
declare
  due_at constant timestamptz := now() + case when new.state = 'Crashed' and exists (
    select from ledger l where l.run = new.no and l.launch = new.launch and l.ended is null) then interval '30 s' else interval '0' end;
begin
  insert into notice (run, rule, target, secret, state, due)
    select new.no, r.name, r.target, r.secret, new.state, due_at from notice_rule r
    where (r.states is null or new.state = any(r.states)) and (r.flows is null or new.flow = any(r.flows))
      and (r.queues is null or new.queue = any(r.queues)) and (r.labels is null or r.labels <@ new.labels)
    union all
    select new.no, null, c.value ->> 'to', null, new.state, due_at from jsonb_array_elements(new.callbacks) c
    where c.value -> 'states' is null or c.value -> 'states' ? new.state;
  if found then perform pg_notify('millrace_dispatch', 'notice'); end if;
  -- There is room in its queue now.
  if new.queue is not null then perform pg_notify('millrace_dispatch', 'over ' || new.id); end if;
  return null;
end $$;
create trigger run_ended after update of state on flow_run for each row
  when (old.state is distinct from new.state and new.state in ('Completed', 'Failed', 'Crashed', 'Cancelled'))
  execute function tell_run_ended();
