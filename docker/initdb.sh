#!/bin/sh
# Run once by PostgreSQL's image, before the server that others see is started:
# so a setting that needs a restart has it.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
ALTER SYSTEM SET wal_level = logical;
ALTER SYSTEM SET max_slot_wal_keep_size = '10GB';
-- Minor releases before August 2026 do not have it, and would not start.
SELECT 'ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding, pg_etf_decoding'
FROM pg_settings WHERE name = 'output_plugin_libraries'
\gexec
CREATE EXTENSION pg_etf_decoding;
SQL
