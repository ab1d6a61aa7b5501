# Targets of the plugin's tests; included by the top Makefile.

.PHONY: check-build check-hardening check-plugin check-regress check-isolation check-tap \
	check-random check-planted check-planted-elixir \
	check-planted-client check-planted-beam check-alerts check-valgrind test-matrix check-packages

check-build: all client ## building and installing
	prove test/build/*.pl

check-alerts: all client ## alerts, dashboard and metrics as Prometheus sees them
	PROMTOOL=$$(dev/promtool) prove test/build/observability.pl
	PROMTOOL=$$(dev/promtool) test/client/run test/client/t/status.pl
	@PROMTOOL=$$(dev/promtool) $(MAKE) -s check-mix ELIXIR_TESTS=test/pg_etf/metrics_test.exs

check-hardening: all client ## hardening of the binaries
	test/hardening $(CLIENT) pg_etf_decoding.so $(BEAM)

check-plugin: all ## regression, isolation and TAP tests in one run
	test/plugin/run all

check-regress: all ## the SQL interface (pg_regress)
	test/plugin/run regress

check-isolation: all ## concurrent sessions (pg_isolation_regress)
	test/plugin/run isolation

check-tap: all ## real clusters, walsender, BEAM as oracle
	test/plugin/run tap

MINUTES ?= 10

check-random: all ## random data, compared with test_decoding: MINUTES=n SEED=s
	PG_ETF_MINUTES=$(MINUTES) $(if $(SEED),PG_ETF_SEED=$(SEED)) \
		test/plugin/run test/plugin/t/random.pl

check-planted: ## plant bugs into the plugin: check-random detects each
	test/planted

check-planted-elixir: ## plant bugs into the library: its tests detect each
	test/planted_elixir

check-planted-client: ## plant bugs into the client: its tests detect each
	test/planted_client

check-planted-beam: ## plant bugs into pg_etf_beam: its tests detect each
	test/planted_beam

check-valgrind: all ## the plugin's tests with the server under valgrind
	test/valgrind

test-matrix: ## the same on PostgreSQL 13 to 19 (as root): VERSIONS="15 18"
	test/matrix $(VERSIONS)

check-packages: ## packages, built and used in chroots (as root): SUITES="sid"
	test/dist
	test/packages $(SUITES)
	$(if $(SUITES),,test/docker && test/cnpg && test/hex)
