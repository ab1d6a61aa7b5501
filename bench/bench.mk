# Measurements.  With QUICK=1 they take less than a minute, and do not cover
# every workload.  BENCH_ARGS goes to bench/plugin; see its --help and --list.

BENCH_DIR = build/bench

.PHONY: bench

bench: all $(BENCH_DIR)/bench_floor.so
	bench/peers $(PG_CONFIG)
	bench/plugin --pg-config $(PG_CONFIG) --json $(BENCH_DIR)/plugin.json \
		$(if $(QUICK),--quick) $(BENCH_ARGS)

$(BENCH_DIR)/bench_floor.so: bench/floor/bench_floor.c include/compat.h
	mkdir -p $(BENCH_DIR)
	$(MAKE) -C $(BENCH_DIR) -f $(CURDIR)/bench/floor/Makefile \
		VPATH=$(CURDIR)/bench/floor
