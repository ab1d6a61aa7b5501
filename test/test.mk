# Targets of the plugin's tests; included by the top Makefile.

.PHONY: check-build check-hardening check-plugin check-regress check-isolation check-tap \
	check-random check-planted check-planted-elixir check-valgrind test-matrix

check-build: all client ## what somebody meets who builds and installs
	prove test/build/build.pl

check-hardening: all client ## what the compiler made of the binaries
	test/hardening pg_etf_decoding.so $(CLIENT)

check-plugin: all ## regression, isolation and TAP tests in one run
	test/run all

check-regress: all ## the SQL interface (pg_regress)
	test/run regress

check-isolation: all ## concurrent sessions (pg_isolation_regress)
	test/run isolation

check-tap: all ## real clusters, walsender, BEAM as oracle
	test/run tap

MINUTES ?= 10

check-random: all ## random data beside test_decoding: MINUTES=n SEED=s
	PG_ETF_MINUTES=$(MINUTES) $(if $(SEED),PG_ETF_SEED=$(SEED)) \
		test/run test/t/random.pl

check-planted: ## break the plugin in many ways: check-random notices each
	test/planted

check-planted-elixir: ## break the library in many ways: its tests notice each
	test/planted_elixir

check-valgrind: all ## the plugin's tests with the server under valgrind
	test/valgrind

test-matrix: ## the same on PostgreSQL 13 to 19 (as root): VERSIONS="15 18"
	test/matrix $(VERSIONS)
