# Fuzzing.  Each fuzz_*.c is a target: with libFuzzer of clang by "make fuzz",
# and over the inputs that are kept, with any compiler, by "make check-fuzz".
# Included by the top Makefile, after test/common/unit.mk.

FUZZ_TARGETS = backfill command dist frame options pgoutput read show spool text wire
FUZZ_SRC_options = test/fuzz/server.c src/plugin/options.c
FUZZ_SRC_text = test/fuzz/server.c src/sql/to_text.c

FUZZ_LINK_read = $(patsubst %,-Xlinker --wrap=%,open read fwrite show_init \
	show_free strbuf_reserve)

# For those that are compiled against the server.
FUZZ_SERVER_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Wno-unused-parameter \
	-Wno-declaration-after-statement \
	-isystem $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)
FUZZ_LIBS = -L$(shell $(PG_CONFIG) --pkglibdir 2>/dev/null) -lpgcommon -lpgport \
	$(UNIT_LIBS) -L$(shell $(PG_CONFIG) --libdir) -lpq

fuzz_objects = $(patsubst %.c,$(1)/%.o,test/fuzz/fuzz_$(2).c test/fuzz/fuzz.c \
	$(FUZZ_SRC_$(2)) $(COMMON_SRC)) $(1)/libclient.a
fuzz_server_objects = $(addprefix $(1)/,src/plugin/%.o src/sql/%.o test/fuzz/server.o \
	test/fuzz/fuzz_text.o test/fuzz/fuzz_options.o)

# The kept inputs, with the compiler and the flags of the unit tests.
FUZZ_REPLAYS = $(FUZZ_TARGETS:%=$(UNIT_BUILD)/replay_%)

.PHONY: fuzz check-fuzz fuzz-corpus

check-fuzz: $(FUZZ_REPLAYS) ## replay inputs found by fuzzing
	test/fuzz/run replay $(UNIT_BUILD) $(FUZZ_TARGETS)

$(call fuzz_server_objects,$(UNIT_BUILD)): UNIT_CFLAGS += $(FUZZ_SERVER_CFLAGS)

.SECONDEXPANSION:
$(FUZZ_REPLAYS): $(UNIT_BUILD)/replay_%: $(UNIT_BUILD)/test/fuzz/replay.o \
		$$(call fuzz_objects,$(UNIT_BUILD),$$*)
	$(CC) $(UNIT_CFLAGS) $(FUZZ_LINK_$*) -o $@ $^ $(FUZZ_LIBS)

# New inputs, with libFuzzer: RUNS of each target, or MINUTES for each.
FUZZ_CC ?= clang
FUZZ_BUILD = build/fuzz
FUZZ_PROGRAMS = $(FUZZ_TARGETS:%=$(FUZZ_BUILD)/%)
FUZZ_CFLAGS = $(filter-out -O1,$(UNIT_CFLAGS)) -O2 -fsanitize=fuzzer-no-link
TARGETS ?= $(FUZZ_TARGETS)

fuzz: ## fuzz: RUNS=n or MINUTES=n, TARGETS="read text"
	@test/fuzz/run deps $(FUZZ_CC)
	@$(MAKE) -s $(TARGETS:%=$(FUZZ_BUILD)/%)
	test/fuzz/run fuzz $(FUZZ_BUILD) $(TARGETS)

fuzz-corpus: $(FUZZ_PROGRAMS) ## minimise and keep what "make fuzz" found
	test/fuzz/run keep $(FUZZ_BUILD) $(TARGETS)

$(call fuzz_server_objects,$(FUZZ_BUILD)): FUZZ_CFLAGS += $(FUZZ_SERVER_CFLAGS)

$(FUZZ_BUILD)/%.o: %.c test/common/unit.mk test/fuzz/fuzz.mk
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_BUILD)/libclient.a: $(CLIENT_PARTS:%.c=$(FUZZ_BUILD)/%.o)
	@rm -f $@
	$(AR) qcs $@ $^

$(FUZZ_PROGRAMS): $(FUZZ_BUILD)/%: $$(call fuzz_objects,$(FUZZ_BUILD),$$*)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer $(FUZZ_LINK_$*) -o $@ $^ \
		$(FUZZ_LIBS)

-include $(shell find $(FUZZ_BUILD) -name '*.d' 2>/dev/null)
