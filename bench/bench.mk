# Measurements: see docs/performance.md.  QUICK=1 takes less than a minute and
# leaves its figures and pictures in build/bench; the whole form takes some
# forty minutes and writes them into docs/bench.  BENCH names the parts to
# run; BENCH_ARGS goes to each of them, see their --help.

BENCH_DIR = build/bench
BENCH_FIGURES = $(if $(QUICK),$(BENCH_DIR),docs/bench)
BENCH = plugin $(if $(QUICK),,instructions) client end_to_end pgoutput latency growth \
	read snapshot calls_one_cpu calls nodes_one_cpu nodes

.PHONY: bench check-bench

bench_command = bench/$(patsubst %_one_cpu,% --cpu 0,$(1:instructions=plugin --instructions)) \
	--pg-config $(PG_CONFIG) $(if $(QUICK),--quick) \
	--json $(BENCH_FIGURES)/$(1).json $(BENCH_ARGS)

# A part that fails does not keep the others from their turn.
bench:
	@dev/deps
	@bench/peers $(PG_CONFIG)
	@$(MAKE) -s all client $(BENCH_DIR)/bench_floor.so $(BENCH_DIR)/bench_rpc.so
	@$(MIX) deps.get > /dev/null
	@$(MIX) compile
	@mkdir -p $(BENCH_FIGURES)
	@status=0; $(foreach part,$(BENCH),$(call bench_command,$(part)) || status=1;) \
	bench/publish $(BENCH_FIGURES) && exit $$status

check-bench: ## statistics of the benchmarks, and syntax of their programs
	prove bench/t

$(BENCH_DIR)/bench_%.so: bench/floor/bench_%.c $(wildcard include/compat/*.h)
	mkdir -p $(BENCH_DIR)
	$(MAKE) -C $(BENCH_DIR) -f $(CURDIR)/bench/floor/Makefile \
		VPATH=$(CURDIR)/bench/floor ERL_INCLUDE=$(ERL_INCLUDE) \
		ERL_LIB=$(ERL_LIB) $(@F)
