# Fuzzing.  Each fuzz_*.c is a target: with libFuzzer of clang by "make fuzz",
# and over the inputs that are kept, with any compiler, by "make check-fuzz".
# Included by the top Makefile, after test/unit/unit.mk.

FUZZ_TARGETS = command frame options read show text
FUZZ_SRC_command = $(patsubst %,src/client/%.c,command inbox settings)
FUZZ_SRC_frame = src/client/copydata.c
FUZZ_SRC_options = test/fuzz/server.c \
	$(patsubst %,src/plugin/%.c,filter option_table options)
FUZZ_SRC_show = $(patsubst %,src/client/%.c,show show_json show_relation strbuf)
FUZZ_SRC_read = $(FUZZ_SRC_show) $(patsubst %,src/client/%.c,clean failure read)
FUZZ_SRC_text = test/fuzz/server.c src/plugin/sql_text.c

# What etf_options_list() in options.c needs; nobody calls it.
FUZZ_LINK_options = $(patsubst %,-Xlinker --defsym=%=server_uncalled, \
	BuildTupleFromCStrings HeapTupleHeaderGetDatum TupleDescGetAttInMetadata \
	end_MultiFuncCall get_call_result_type init_MultiFuncCall \
	per_MultiFuncCall)
FUZZ_LINK_read = $(patsubst %,-Xlinker --wrap=%,open read fwrite show_init \
	show_free strbuf_reserve)

# For those that are compiled against the server.
FUZZ_SERVER_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Wno-unused-parameter \
	-Wno-declaration-after-statement \
	-isystem $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)
FUZZ_LIBS = -L$(shell $(PG_CONFIG) --pkglibdir 2>/dev/null) -lpgcommon -lpgport \
	$(UNIT_LIBS)

fuzz_objects = $(patsubst %.c,$(1)/%.o,test/fuzz/fuzz_$(2).c test/fuzz/fuzz.c \
	$(FUZZ_SRC_$(2)) $(COMMON_SRC))
fuzz_server_objects = $(addprefix $(1)/,src/plugin/%.o test/fuzz/server.o \
	test/fuzz/fuzz_text.o test/fuzz/fuzz_options.o)

# The kept inputs, with the compiler and the flags of the unit tests.
FUZZ_REPLAYS = $(FUZZ_TARGETS:%=$(UNIT_BUILD)/replay_%)

.PHONY: fuzz check-fuzz fuzz-corpus

check-fuzz: $(FUZZ_REPLAYS) ## inputs that fuzzing found, once more
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

fuzz: ## make up inputs: RUNS=n or MINUTES=n, TARGETS="read text"
	@test/fuzz/run deps $(FUZZ_CC)
	@$(MAKE) -s $(TARGETS:%=$(FUZZ_BUILD)/%)
	test/fuzz/run fuzz $(FUZZ_BUILD) $(TARGETS)

fuzz-corpus: $(FUZZ_PROGRAMS) ## keep what "make fuzz" found, minimised
	test/fuzz/run keep $(FUZZ_BUILD) $(TARGETS)

$(call fuzz_server_objects,$(FUZZ_BUILD)): FUZZ_CFLAGS += $(FUZZ_SERVER_CFLAGS)

$(FUZZ_BUILD)/%.o: %.c $(wildcard include/*/*.h test/fuzz/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -c -o $@ $<

$(FUZZ_PROGRAMS): $(FUZZ_BUILD)/%: $$(call fuzz_objects,$(FUZZ_BUILD),$$*)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer $(FUZZ_LINK_$*) -o $@ $^ \
		$(FUZZ_LIBS)
