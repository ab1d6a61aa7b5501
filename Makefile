# pg_etf_decoding: output plugin, client, Elixir library.
#
#   make help       what there is to do
#   PG_CONFIG=...   another PostgreSQL than the first pg_config in PATH

PG_CONFIG ?= pg_config
ETF_VERSION = 1.0.0
.DEFAULT_GOAL := all

MODULE_big = pg_etf_decoding
EXTENSION = pg_etf_decoding
DATA = sql/pg_etf_decoding--1.0.sql
COMMON_SRC = $(sort $(wildcard src/common/*.c))
PLUGIN_SRC = pg_etf_decoding.c $(sort $(wildcard src/plugin/*.c))
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

# The flags of whoever builds, a distribution perhaps.  PGXS has its own ways
# to take them and sets CFLAGS itself, so they are looked at before.
given = $(if $(filter command environment,$(firstword $(origin $(1)))),$($(1)))
GIVEN_CFLAGS := $(call given,CPPFLAGS) $(call given,CFLAGS)

# Server headers as system headers: our warnings are for our code.  Only the
# module's own symbols are exported, libei's are not.
PG_CPPFLAGS = $(call fortify,$(CPPFLAGS) $(CFLAGS)) \
	-isystem $(shell $(PG_CONFIG) --includedir-server 2>/dev/null) \
	-isystem $(ERL_INCLUDE) -I$(CURDIR)/include -DETF_VERSION='"$(ETF_VERSION)"' \
	-DPGDLLEXPORT='__attribute__((visibility("default")))'
# Callbacks and encoders of one signature do not each use all of it.
PG_CFLAGS = -std=gnu11 -fvisibility=hidden $(WARNINGS) -Wno-unused-parameter \
	$(HARDENING)
SHLIB_LINK = $(HARDENING_LDFLAGS) $(ERL_LIB)/libei.a -lpthread \
	-Wl,--exclude-libs,ALL
EXTRA_CLEAN = build

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

$(OBJS): $(wildcard include/*.h include/common/*.h include/plugin/*.h) \
	| build/headers.plugin

-include test/unit/unit.mk
-include test/fuzz/fuzz.mk
-include test/test.mk
-include src/client/client.mk
-include elixir_client/elixir.mk
-include bench/bench.mk
-include test/chaos/chaos.mk

C_FILES = $(shell git ls-files '*.c' '*.h')

.PHONY: help deps test check-all lint format format-check

# Targets that a line names with "##", those of developers apart.
developers = check-|lint|format|test|chaos|soak|fuzz|bench
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {line = sprintf("  %-20s %s", $$1, $$2); \
		if ($$1 ~ /^($(developers))/) more = more line "\n"; else print line} \
		END {printf "\nTo work on it:\n%s", more}' $(MAKEFILE_LIST)

deps: ## install the Debian packages that are missing (as root); FOR=build
	bin/deps $(FOR)

all: ## build the plugin
install: ## install the plugin into the PostgreSQL of PG_CONFIG
uninstall: ## remove what install put there
clean: ## remove what was built

demo: ## a shop's changes as Elixir terms; BROADWAY=1, KEEP=1
bench: ## measure beside other plugins (QUICK=1)

test: ## install what is missing, build, and run every test
	@bin/deps
	@$(MAKE) -s check-all

# What "make test" runs, quickest first.  (PGXS has a "check" of its own.)
CHECKS = lint check-bench check-build check-unit check-posix check-fuzz check-hardening \
	check-plugin check-client check-elixir $(if $(BROADWAY_LIBS),check-broadway) demo \
	check-chaos
not_run = $(if $(BROADWAY_LIBS),,; not run under Broadway (BROADWAY_LIBS))

check-all: ## every test, with the packages that are there
	@for check in $(CHECKS); do \
		echo "== $$check"; began=$$(date +%s); \
		$(MAKE) -s $$check || exit 1; \
		echo "== $$check: $$(($$(date +%s) - began)) s"; \
	done
	@echo "== everything passed$(not_run)"

lint: ## rules that the compiler does not know
	bin/lint

format: ## lay out the C sources with clang-format 14
	clang-format -i $(C_FILES)

format-check: ## fail where "make format" would change something
	clang-format --dry-run -Werror $(C_FILES)
