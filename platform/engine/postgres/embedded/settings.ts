// Windows has neither of the two.
const exceptOnWindows = `
tcp_keepalives_count = 3
client_connection_check_interval = 10s`

/**
 * The server's postgresql.conf: written anew at every start, so that a newer Millrace brings its newer settings to
 * old data. A person's own settings go in by ALTER SYSTEM, which Postgres reads after this file.
 */
export const settings = `# Written by Millrace at every start. Change a setting with ALTER SYSTEM; it is kept in postgresql.auto.conf.

# Reached by TCP from this machine alone. No Unix socket: its path may be 107 bytes long, and projects lie deeper.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''

# Workers and their drivers keep a few connections each; one costs nothing while it is idle.
max_connections = 200

# A finished task stays finished when the power fails.
fsync = on
synchronous_commit = on
full_page_writes = on

# A journal and its queues fit; the page cache holds the rest.
shared_buffers = 128MB

# Nothing replicates from a laptop: the least the log can hold, and no process for it.
wal_level = minimal
max_wal_senders = 0
max_logical_replication_workers = 0

# A fan-out of many tasks writes in bursts: room for one without a checkpoint, whose page images would double it.
max_wal_size = 1GB
min_wal_size = 128MB
checkpoint_timeout = 15min

# Everything is in memory, so processes that read ahead and workers that scan in parallel only cost start time. The
# shared memory of the latter also does not fit into the 64 MB that a container has by default.
io_method = sync
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0

# Statements are short and run often: compiling one takes longer than running it.
jit = off

# A queue's rows die as fast as they are written: clean up by count rather than by share, often, and without resting.
autovacuum_naptime = 10s
autovacuum_vacuum_threshold = 1000
autovacuum_vacuum_scale_factor = 0.05
autovacuum_vacuum_insert_scale_factor = 0.2
autovacuum_analyze_threshold = 1000
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_cost_delay = 0

# A worker that vanished without a word is noticed in 15 s, so that its tasks start elsewhere; a query is abandoned
# within 10 s of its client's end.
tcp_keepalives_idle = 5
tcp_keepalives_interval = 3${process.platform === 'win32' ? '' : exceptOnWindows}

# The password is 24 random bytes: there is nothing to guess, so hashing it 4096 times only slows down connecting.
password_encryption = scram-sha-256
scram_iterations = 1

# The same order, dates and messages on every machine, whatever locale it has.
lc_messages = 'C'
lc_monetary = 'C'
lc_numeric = 'C'
lc_time = 'C'
datestyle = 'iso, mdy'
timezone = 'UTC'
log_timezone = 'UTC'
default_text_search_config = 'pg_catalog.english'

# To postgres.log through stderr: what went wrong and what was waited for, not every checkpoint.
logging_collector = off
log_line_prefix = '%m [%p] '
log_min_messages = warning
log_checkpoints = off
log_lock_waits = on
`
