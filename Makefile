# pg_etf_decoding: output plugin, client, Elixir library.
#
#   make help       what there is to do
#   PG_CONFIG=...   another PostgreSQL than the first pg_config in PATH

PG_CONFIG ?= pg_config
ETF_VERSION = 1.0.0
.DEFAULT_GOAL := all

MODULE_big = pg_etf_decoding
EXTENSION = pg_etf_decoding pg_etf_beam
DATA = $(sort $(wildcard sql/*.sql))
COMMON_SRC = $(sort $(wildcard src/common/*.c src/common/*/*.c))
PLUGIN_SRC = pg_etf_decoding.c $(sort $(wildcard src/plugin/*.c src/sql/*.c))
OBJS = $(PLUGIN_SRC:.c=.o) $(COMMON_SRC:.c=.o)

# Asked once, and only where it is needed.
ifndef ERL_ROOT
ERL_ROOT = $(eval ERL_ROOT := $$(shell erl -noshell -eval \
	'io:format("~s", [code:root_dir()]), halt().' 2>/dev/null))$(ERL_ROOT)
endif
ERL_INCLUDE ?= $(ERL_ROOT)/usr/include
ERL_LIB ?= $(ERL_ROOT)/usr/lib
WARNINGS = -Wall -Wextra -Werror

# Hardening of plugin and client, as far as compiler and linker know it.
compiles = $(shell $(CC) -Werror $(1) -x c -fsyntax-only /dev/null \
	2>/dev/null && echo $(1))
fortify = $(if $(findstring _FORTIFY_SOURCE,$(1)),,-U_FORTIFY_SOURCE \
	-D_FORTIFY_SOURCE=2)
HARDENING := -fstack-protector-strong $(call compiles,-fstack-clash-protection) \
	$(call compiles,-fcf-protection)
links = $(shell echo 'int main(void) { return 0; }' | $(CC) $(1) -x c \
	-o /dev/null - 2>/dev/null && echo $(1))
RELRO = -Wl,-z,relro,-z,now,-z,noexecstack
HARDENING_LDFLAGS := $(call links,$(RELRO))
# What the linker of macOS does not know is left out, there as well.
EXCLUDE = -Wl,--exclude-libs,ALL
HIDDEN := $(call links,$(EXCLUDE))

# The flags of whoever builds, a distribution perhaps.  PGXS has its own ways
# to take them and sets CFLAGS itself, so they are looked at before.
given = $(if $(filter command environment,$(firstword $(origin $(1)))),$($(1)))
GIVEN_CFLAGS := $(call given,CPPFLAGS) $(call given,CFLAGS)

# Server headers as system headers: our warnings are for our code.  Only the
# module's own symbols are exported.
PG_CPPFLAGS = $(call fortify,$(CPPFLAGS) $(CFLAGS)) -MMD -MP \
	-isystem $(shell $(PG_CONFIG) --includedir-server 2>/dev/null) \
	-I$(CURDIR)/include -DETF_VERSION='"$(ETF_VERSION)"' \
	-DPGDLLEXPORT='__attribute__((visibility("default")))'
# Callbacks and encoders of one signature do not each use all of it.
PG_CFLAGS = -std=gnu11 -fvisibility=hidden $(WARNINGS) -Wno-unused-parameter \
	$(HARDENING)
SHLIB_LINK = $(HARDENING_LDFLAGS) $(HIDDEN)
EXTRA_CLEAN = build $(OBJS:.o=.d) $(BEAM) $(BEAM_OBJS) $(BEAM_OBJS:.o=.d)

# "make installcheck" runs them on a server that is running, with wal_level =
# logical, as a superuser.  Some are for later versions.
REGRESS = $(filter-out values_since%,$(REGRESS_ALL)) \
	$(foreach since,$(filter values_since%,$(REGRESS_ALL)),$(shell \
		test $(MAJORVERSION) -lt $(since:values_since%=%) || echo $(since)))
REGRESS_ALL = $(sort $(patsubst test/plugin/sql/%.sql,%,$(wildcard test/plugin/sql/*.sql)))
REGRESS_OPTS = --inputdir=test/plugin --outputdir=build/installcheck \
	--load-extension=pg_etf_decoding --encoding=UTF8 --no-locale

# Bitcode is for functions that a query can inline; there are none here.
override with_llvm := no

PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
ifneq ($(PGXS),)
include $(PGXS)
else
all install:
	@echo "$(PG_CONFIG) --pgxs finds nothing: run 'make deps FOR=build' as root" >&2
	@exit 1
endif

# pgxs.mk may be there without the headers (Debian's postgresql-client has it).
# A compiler tells of one that is missing at a time, and of no package.
define found
	@missing=; for file in $(1); do \
		test -e "$$file" || missing="$$missing $$file"; \
	done; test -z "$$missing" || { \
		echo "missing:$$missing: run 'make deps FOR=build' as root" >&2; exit 1; }
	@mkdir -p $(@D)
	@touch $@
endef
ERL_FILES = $(ERL_INCLUDE)/ei.h $(ERL_LIB)/libei.a

build/headers.plugin:
	$(call found,$(shell $(PG_CONFIG) --includedir-server)/postgres.h \
		$(shell $(PG_CONFIG) --includedir)/libpq-fe.h $(ERL_FILES))

$(OBJS): Makefile | build/headers.plugin

-include $(OBJS:.o=.d)

-include src/client/client.mk
-include test/common/unit.mk
-include test/fuzz/fuzz.mk
-include test/test.mk
-include src/beam/beam.mk
-include elixir_client/elixir.mk
-include bench/bench.mk
-include test/chaos/chaos.mk

C_FILES = $(shell git ls-files '*.c' '*.h')

.PHONY: help deps test check-all dist lint format format-check

# Targets that a line names with "##", those of developers apart.
developers = check-|lint|format|test|chaos|soak|fuzz|bench
help: ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {line = sprintf("  %-20s %s", $$1, $$2); \
		if ($$1 ~ /^($(developers))/) more = more line "\n"; else print line} \
		END {printf "\nTo work on it:\n%s", more}' $(MAKEFILE_LIST)

deps: ## install missing Debian packages (as root); FOR=build
	dev/deps $(FOR)

installcheck: build/installcheck/results
build/installcheck/results:
	@mkdir -p $@

all: ## build the plugin
install: ## install the plugin into the PostgreSQL of PG_CONFIG
uninstall: ## remove the installed plugin
clean: ## remove build products

demo: ## a shop's changes as Elixir terms; PLUGIN=pgoutput, BROADWAY=1, KEEP=1, SIDECAR=1
bench: ## benchmark beside other plugins (QUICK=1)

test: ## install missing packages, build, and run every test
	@dev/deps
	@dev/broker
	@$(MAKE) -s check-all

# What "make test" runs, quickest first.  (PGXS has a "check" of its own.)
CHECKS = lint check-bench check-build check-unit check-posix check-fuzz check-hardening \
	check-plugin check-client check-beam check-elixir $(if $(NATS_SERVER),check-nats) \
	$(if $(BROADWAY_LIBS),check-broadway) $(if $(ECTO_LIBS),check-ecto) \
	$(if $(IGNITER_LIBS),check-igniter) demo check-demo check-chaos
not_run = $(if $(BROADWAY_LIBS),,; not run under Broadway (BROADWAY_LIBS))$(if \
	$(ECTO_LIBS),,; not run with Ecto (ECTO_LIBS))$(if \
	$(IGNITER_LIBS),,; not run with Igniter (IGNITER_LIBS))$(if \
	$(NATS_SERVER),,; not run with NATS (dev/broker))

# One that hangs is named before whoever started it loses patience.
CHECK_SECONDS ?= 1800

check-all: ## run every test, without installing packages
	@for check in $(CHECKS); do \
		echo "== $$check"; began=$$(date +%s); \
		timeout --foreground $(CHECK_SECONDS) $(MAKE) -s $$check || \
			{ echo "== $$check failed after $$(($$(date +%s) - began)) s"; exit 1; }; \
		echo "== $$check: $$(($$(date +%s) - began)) s"; \
	done
	@echo "== everything passed$(not_run)"

DIST = pg_etf_decoding-$(ETF_VERSION)

dist: ## the sources of the last commit as a zip file, for PGXN
	@mkdir -p build
	git archive --format=zip --prefix=$(DIST)/ -o build/$(DIST).zip HEAD

lint: ## check rules that no compiler checks
	dev/lint

format: ## format the C sources with clang-format 14
	clang-format -i $(C_FILES)

format-check: ## fail if "make format" would change anything
	clang-format --dry-run -Werror $(C_FILES)
