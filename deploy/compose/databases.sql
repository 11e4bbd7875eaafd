-- Run by psql when the server is made.
-- A role that may read statistics and nothing else: what looks at the database.
\set password `cat /run/secrets/postgres_monitor_password`
CREATE ROLE monitor LOGIN PASSWORD :'password';
GRANT pg_monitor TO monitor;

-- The exporter's store, in a database of its own.
\set password `cat /run/secrets/postgres_store_password`
CREATE ROLE exporter LOGIN PASSWORD :'password';
CREATE DATABASE exporter OWNER exporter;
\connect exporter
-- The exporter makes its views in it when it starts; the role of Grafana, which reads them, needs it before.
CREATE SCHEMA grafana AUTHORIZATION exporter;
\setenv INTEGRATION_STORE_PASSWORD `cat /run/secrets/grafana_store_password`
\ir store-role.sql.txt
