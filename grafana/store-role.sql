-- Made by `integration-exporter generate`; a change here is overwritten.
--
-- Makes the role by which Grafana reads the exporter's store: views of the schema grafana, and no table.
-- Run it with psql 15 or newer in the exporter's database, once the exporter has started with it, as a user
-- who may make roles. It may run again: it then changes the password and the limits.
--
--   INTEGRATION_STORE_PASSWORD=... psql -d exporter -f store-role.sql
--
-- Without that variable the role has no password yet: \password integration_grafana
\set ON_ERROR_STOP on

SELECT 'CREATE ROLE integration_grafana LOGIN' WHERE NOT EXISTS (
  SELECT FROM pg_roles WHERE rolname = 'integration_grafana') \gexec
ALTER ROLE integration_grafana NOCREATEDB NOCREATEROLE CONNECTION LIMIT 10;
-- A panel that asks too much must not slow the exporter down.
ALTER ROLE integration_grafana SET statement_timeout = '10s';
ALTER ROLE integration_grafana SET lock_timeout = '2s';
ALTER ROLE integration_grafana SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE integration_grafana SET default_transaction_read_only = on;
ALTER ROLE integration_grafana SET search_path = grafana;
SELECT format('GRANT CONNECT ON DATABASE %I TO integration_grafana', current_database()) \gexec
-- Whoever may use the schema may read its views, also those that later versions make.
GRANT USAGE ON SCHEMA grafana TO integration_grafana;

\getenv password INTEGRATION_STORE_PASSWORD
\if :{?password}
ALTER ROLE integration_grafana PASSWORD :'password';
\endif
