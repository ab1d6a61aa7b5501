# Unit tests of the shared ring, of the client and of pg_etf_beam, under the
# address and undefined behaviour sanitizers.  Each test_*.c is a program; one of
# pg_etf_beam names what it needs in UNIT_SRC_test_x.  Included by the top
# Makefile, after src/client/client.mk.

UNIT_BUILD = build/unit
UNIT_OF_COMMON = $(basename $(notdir $(wildcard test/common/test_*.c)))
UNIT_OF_CLIENT = $(basename $(notdir $(wildcard test/client/unit/test_*.c)))
UNIT_OF_BEAM = $(basename $(notdir $(wildcard test/beam/unit/test_*.c)))
UNIT_TESTS = $(sort $(UNIT_OF_COMMON) $(UNIT_OF_CLIENT) $(UNIT_OF_BEAM))
UNIT_PROGRAMS = $(addprefix $(UNIT_BUILD)/,$(UNIT_TESTS) show wire_values)
UNIT_HELPERS = $(UNIT_BUILD)/test/common/random_term.o
UNIT_COMMON = $(COMMON_SRC:%.c=$(UNIT_BUILD)/%.o)
UNIT_CFLAGS = -std=c11 -D_XOPEN_SOURCE=700 -O1 -g \
	-Wall -Wextra -Werror -Wdeclaration-after-statement \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -Itest/common $(CLIENT_INCLUDES)
UNIT_LIBS = -L$(ERL_LIB) -lei -lpthread -lm
UNIT_CLIENT = $(UNIT_BUILD)/libclient.a

UNIT_SRC_test_breaker = src/beam/breaker.c src/beam/restarts.c

# The rules below must not become the default goal of who includes this.
.PHONY: check-unit
ifeq ($(.DEFAULT_GOAL),)
.DEFAULT_GOAL := check-unit
endif

check-unit: $(UNIT_PROGRAMS) ## C unit tests
	test/common/run $(UNIT_BUILD) $(UNIT_TESTS)

$(UNIT_BUILD)/%.o: %.c test/common/unit.mk | build/headers.client
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -MMD -MP -c -o $@ $<

$(addprefix $(UNIT_BUILD)/,$(UNIT_OF_COMMON) show): $(UNIT_BUILD)/%: \
		$(UNIT_BUILD)/test/common/%.o

$(addprefix $(UNIT_BUILD)/,$(UNIT_OF_CLIENT) wire_values): $(UNIT_BUILD)/%: \
		$(UNIT_BUILD)/test/client/unit/%.o $(UNIT_CLIENT)

.SECONDEXPANSION:
$(UNIT_OF_BEAM:%=$(UNIT_BUILD)/%): $(UNIT_BUILD)/%: \
		$(UNIT_BUILD)/test/beam/unit/%.o \
		$$(patsubst %.c,$(UNIT_BUILD)/%.o,$$(UNIT_SRC_$$(@F)))

$(UNIT_PROGRAMS): $(UNIT_HELPERS) $(UNIT_COMMON)
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

$(UNIT_CLIENT): $(CLIENT_PARTS:%.c=$(UNIT_BUILD)/%.o)
	@rm -f $@
	$(AR) qcs $@ $^

.PRECIOUS: $(UNIT_BUILD)/%.o

-include $(shell find $(UNIT_BUILD) -name '*.d' 2>/dev/null)
