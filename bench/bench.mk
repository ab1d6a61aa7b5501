# Measurements.  With QUICK=1 they take less than a minute in all, and do not
# cover everything.  BENCH names the parts to run; BENCH_ARGS goes to each of
# them, see their --help.

BENCH_DIR = build/bench
BENCH = plugin client end_to_end latency growth

.PHONY: bench

bench:
	@bin/deps
	@bench/peers $(PG_CONFIG)
	@$(MAKE) -s all client $(BENCH_DIR)/bench_floor.so
	@$(MIX) deps.get > /dev/null
	@$(MIX) compile
	@for part in $(BENCH); do \
		bench/$$part --pg-config $(PG_CONFIG) $(if $(QUICK),--quick) \
			--json $(BENCH_DIR)/$$part.json $(BENCH_ARGS) || exit 1; \
	done

$(BENCH_DIR)/bench_floor.so: bench/floor/bench_floor.c include/compat.h
	mkdir -p $(BENCH_DIR)
	$(MAKE) -C $(BENCH_DIR) -f $(CURDIR)/bench/floor/Makefile \
		VPATH=$(CURDIR)/bench/floor
