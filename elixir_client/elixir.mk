# The Elixir library and the demo.  Included by the top Makefile.

# Mix writes UTF-8 whatever the machine's locale is; its own build knows what to
# rebuild, so nothing of this make's variables is handed down.
ERL_OPTIONS = +fnu
MIX = cd elixir_client && \
	LC_ALL=C.UTF-8 ELIXIR_ERL_OPTIONS='$(ERL_OPTIONS)' MAKEFLAGS= mix

.PHONY: demo check-demo elixir check-elixir check-mix check-broadway check-ecto check-igniter \
	check-cluster check-dialyzer check-page check-brokers check-nats check-erlang

demo:
	@dev/deps
	@$(MAKE) -s all client
	@$(MIX) deps.get > /dev/null
	@$(MIX) compile
	@$(MIX) run --no-compile demo/$(if $(SIDECAR),sidecar,shop).exs

# Ctrl-C ends it at once, without asking.
demo: ERL_OPTIONS += +Bd

check-demo: ## the demo, from a server that refuses our plugin
	@$(MAKE) -s demo PLUGIN=pgoutput

elixir: client ## compile the Elixir library
	@$(MIX) deps.get > /dev/null
	@$(MIX) compile

check-elixir: ## tests of the Elixir library, with a real server
	$(MIX) format --check-formatted
	@$(MAKE) -s check-mix

# Versions of Elixir lay out code in different ways.
check-mix: all client
	$(MIX) deps.get > /dev/null
	$(MIX) compile --warnings-as-errors
	$(MIX) test $(ELIXIR_TESTS)

# --force: what was compiled without a library knows nothing of it.
check-broadway: all client ## tests that differ under the real Broadway
	@$(MIX) run --no-start -e 'Code.ensure_loaded?(Broadway) || \
		(IO.puts(:stderr, "Broadway is not there: set BROADWAY_LIBS"); System.halt(1))'
	$(MIX) compile --force --warnings-as-errors
	$(MIX) test --force $(or $(ELIXIR_TESTS),$(BROADWAY_TESTS))

check-page: elixir ## the page in a browser; installs chromium (as root)
	@command -v chromium > /dev/null || dev/deps page
	$(MIX) test test/pg_etf/web/page_test.exs

# A service of a distribution is not used: each test has a private instance.
# RabbitMQ brings its client for Erlang along; KAFKA_LIBS is a directory with
# brod and what it needs, compiled.
check-brokers: all client ## publishers of the guide, with brokers; installs them (as root)
	@dev/deps brokers
	export ERL_LIBS="$$(echo /usr/lib/rabbitmq/lib/*/plugins):$(KAFKA_LIBS):$$ERL_LIBS" && \
		$(MIX) test --include brokers $(or $(ELIXIR_TESTS),test/brokers)

# The one broker that takes seconds, and need not be installed.
NATS_SERVER = $(firstword $(abspath $(wildcard build/nats/usr/sbin/nats-server \
	/usr/sbin/nats-server)))

check-nats: all client ## the publisher for NATS, with the server of dev/broker
	$(MIX) test --include brokers test/brokers/nats_test.exs

check-nats: export PG_ETF_NATS = $(NATS_SERVER)

check-erlang: all client ## an application of rebar3, a pool; installs both (as root)
	@dev/deps erlang
	$(MIX) test test/pg_etf/erlang_test.exs test/integration/rebar3_test.exs \
		test/integration/queries_guide_test.exs

check-ecto: all client ## tests with the real Ecto
	@$(MIX) run --no-start -e 'Code.ensure_loaded?(Ecto.Adapters.SQL) || \
		(IO.puts(:stderr, "Ecto is not there: set ECTO_LIBS"); System.halt(1))'
	$(MIX) compile --force --warnings-as-errors
	$(MIX) test --force $(or $(ELIXIR_TESTS),test/ecto)

# IGNITER_LIBS: one with igniter and what it needs, compiled.  Elixir 1.18, which
# fails to build without Igniter on top of a build with it.
check-igniter: all client ## tests with the real Igniter
	@$(MIX) run --no-start -e 'Code.ensure_loaded?(Igniter.Test) || \
		(IO.puts(:stderr, "Igniter is not there: set IGNITER_LIBS"); System.halt(1))'
	$(MIX) compile --warnings-as-errors
	$(MIX) test $(or $(ELIXIR_TESTS),test/igniter)

check-igniter: export MIX_BUILD_ROOT := _build/igniter

check-cluster: all client ## several nodes, one slot: ROUNDS=n rolling restarts, timed
	$(MIX) test test/integration/cluster_test.exs

check-cluster: export PG_ETF_ROUNDS = $(or $(ROUNDS),20)

# BROADWAY_LIBS: a directory with broadway, gen_stage, nimble_options and
# telemetry, compiled (as in a project's _build/dev/lib); postgrex,
# db_connection and decimal are welcome.
BROADWAY_LIBS ?= $(wildcard /usr/local/lib/pg_etf/libs)
# Tests that name one of these, themselves or by a helper, can tell.
BROADWAY_TESTS = $(shell cd elixir_client && grep -rlE \
	'Broadway|GenStage|Stage\b|[Tt]elemetry|Postgrex|Decimal' \
	--include='*_test.exs' test)
# ECTO_LIBS: one with ecto and ecto_sql, compiled, which need the others, and
# phoenix_pubsub.
ECTO_LIBS ?= $(wildcard /usr/local/lib/pg_etf/ecto_libs)
check-igniter: export ERL_LIBS := $(IGNITER_LIBS):$(BROADWAY_LIBS):$(ERL_LIBS)
check-ecto: export ERL_LIBS := $(ECTO_LIBS):$(BROADWAY_LIBS):$(ERL_LIBS)
demo check-broadway: export ERL_LIBS := $(if $(BROADWAY_LIBS),$(BROADWAY_LIBS):)$(ERL_LIBS)

EBIN = elixir_client/_build/dev/lib/pg_etf/ebin
# Building the PLT takes minutes, once.
ELIXIR_EBIN = $(shell elixir -e 'for app <- [:elixir, :logger], \
	do: IO.puts(:code.lib_dir(app, :ebin))')

check-dialyzer: ## type analysis of the Elixir library; needs erlang-dialyzer
	@command -v dialyzer > /dev/null || \
		{ echo "dialyzer is not there: install erlang-dialyzer" >&2; exit 1; }
	$(MIX) compile
	@mkdir -p build
	test -f build/elixir.plt || \
		ERL_LIBS=$(dir $(patsubst %/,%,$(dir $(firstword $(ELIXIR_EBIN))))) \
		dialyzer --build_plt --output_plt build/elixir.plt \
		--apps erts kernel stdlib -r $(ELIXIR_EBIN)
	dialyzer --plt build/elixir.plt $(addprefix -pa ,$(ELIXIR_EBIN)) \
		$(filter-out $(EBIN)/Elixir.Mix.%,$(wildcard $(EBIN)/*.beam))
