-- Run by psql when the demo's database is made: a role that may read statistics and nothing else.
\set password `cat /run/secrets/postgres_monitor_password`
CREATE ROLE monitor LOGIN PASSWORD :'password';
GRANT pg_monitor TO monitor;
