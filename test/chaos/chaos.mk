# Faults and load; included by the top Makefile.

.PHONY: chaos-build check-chaos chaos soak

# Readers use the library with its test harness, so its test build.
chaos-build: all client
	@$(MIX) deps.get > /dev/null
	@$(MIX) compile > /dev/null

chaos-build: export MIX_ENV := test

CHAOS_RUN = $(if $(BROADWAY_LIBS),BROADWAY_LIBS='$(BROADWAY_LIBS)') \
	$(if $(SEED),PG_ETF_SEED=$(SEED)) \
	$(if $(STREAMING),PG_ETF_STREAMING=$(STREAMING)) \
	$(if $(PLUGIN),PG_ETF_PLUGIN=$(PLUGIN)) test/chaos/run

check-chaos: chaos-build ## a short run of faults of every kind, and planted bugs
	$(CHAOS_RUN) test/chaos/t/checker.pl test/chaos/t/planted.pl \
		test/chaos/t/chaos.pl
	PG_ETF_STREAMING=1 $(CHAOS_RUN) test/chaos/t/chaos.pl
	PG_ETF_PLUGIN=pgoutput PG_ETF_STREAMING=1 $(CHAOS_RUN) test/chaos/t/chaos.pl

chaos: chaos-build ## faults of every kind: MINUTES=n SEED=s STREAMING=1 PLUGIN=pgoutput
	PG_ETF_MINUTES=$(MINUTES) $(CHAOS_RUN) test/chaos/t/chaos.pl

soak: chaos-build ## maximum rate, readers restarted each minute: MINUTES=n
	PG_ETF_MINUTES=$(MINUTES) $(CHAOS_RUN) test/chaos/t/soak.pl
