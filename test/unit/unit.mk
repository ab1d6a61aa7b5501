# Unit tests of the shared ring, under the address and undefined behaviour
# sanitizers.  Each test_*.c is a program; one that needs more than src/common
# names it in UNIT_SRC_test_x.  Included by the top Makefile.

UNIT_BUILD = build/unit
UNIT_TESTS = $(sort $(patsubst test/unit/%.c,%,$(wildcard test/unit/test_*.c)))
UNIT_PROGRAMS = $(addprefix $(UNIT_BUILD)/,$(UNIT_TESTS) show)
UNIT_HELPERS = $(UNIT_BUILD)/test/unit/random_term.o
UNIT_COMMON = $(patsubst %.c,$(UNIT_BUILD)/%.o,$(sort $(wildcard src/common/*.c)))
UNIT_CFLAGS = -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -g \
	-Wall -Wextra -Werror -Wdeclaration-after-statement \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -Iinclude -isystem $(ERL_INCLUDE)
UNIT_LIBS = -L$(ERL_LIB) -lei -lpthread -lm

UNIT_SRC_test_client_feedback = src/client/feedback.c
UNIT_SRC_test_client_order = src/client/order.c
UNIT_SRC_test_client_pace = src/client/backoff.c src/client/shrink.c
UNIT_SRC_test_client_packets = $(patsubst %,src/client/%.c,batch command copydata \
	event inbox outbox settings)
UNIT_SRC_test_client_settings = $(patsubst %,src/client/%.c,args \
	args_check args_table clean failure reason settings)
UNIT_SRC_test_client_slot = $(patsubst %,src/client/%.c,clean failure \
	feedback slot timeline)

# The rules below must not become the default goal of who includes this.
.PHONY: check-unit
ifeq ($(.DEFAULT_GOAL),)
.DEFAULT_GOAL := check-unit
endif

check-unit: $(UNIT_PROGRAMS) ## C unit tests
	test/unit/run $(UNIT_BUILD) $(UNIT_TESTS)

$(UNIT_BUILD)/%.o: %.c $(wildcard include/common/*.h include/client/*.h \
		test/unit/*.h)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<

.SECONDEXPANSION:
$(UNIT_PROGRAMS): $(UNIT_BUILD)/%: $(UNIT_BUILD)/test/unit/%.o \
		$(UNIT_HELPERS) $(UNIT_COMMON) \
		$$(patsubst %.c,$(UNIT_BUILD)/%.o,$$(UNIT_SRC_$$(@F)))
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

.PRECIOUS: $(UNIT_BUILD)/%.o
