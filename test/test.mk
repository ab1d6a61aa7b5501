# Targets of the plugin's tests; included by the top Makefile.

.PHONY: check-plugin check-regress check-isolation check-tap test-matrix

check-plugin: all ## regression, isolation and TAP tests in one run
	test/run all

check-regress: all ## the SQL interface (pg_regress)
	test/run regress

check-isolation: all ## concurrent sessions (pg_isolation_regress)
	test/run isolation

check-tap: all ## real clusters, walsender, BEAM as oracle
	test/run tap

test-matrix: ## the same on PostgreSQL 13, 15, 17, 18 (as root, in chroots)
	test/matrix
