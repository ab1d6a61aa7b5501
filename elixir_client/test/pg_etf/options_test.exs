defmodule PgEtf.OptionsTest do
  use ExUnit.Case, async: true

  alias PgEtf.Client.Settings
  alias PgEtf.Options

  @minimal [connection: [], slot: "s"]

  test "defaults are filled in" do
    opts = Options.validate!(@minimal)
    assert opts[:on_failure] == :retry
    assert opts[:unit] == :change
    assert opts[:create_slot] == false
  end

  test "what is wrong is named, with what would be right" do
    for {opts, message} <- [
          {[slot: "s"], "required option :connection is missing"},
          {[connection: []], "required option :slot is missing"},
          {@minimal ++ [slots: 1], "unknown option :slots"},
          {[connection: [], slot: ""], "expected a non-empty string"},
          {@minimal ++ [unit: :row], "expected one of :change, :transaction, got: :row"},
          {@minimal ++ [tables: "t"], "expected a list of non-empty strings"},
          {@minimal ++ [backoff_min: 2, backoff_max: 1], ":backoff_min is above :backoff_max"},
          {@minimal ++ [prefetch: 0], "expected a positive integer"},
          {@minimal ++ [takeover_timeout: 999], ":takeover_timeout is below one second"},
          {@minimal ++ [tables: ["a.b", "orders"]], "did you mean \"public.orders\"?"},
          {@minimal ++ [exclude_tables: ["or\\.ders"]], "has no schema"},
          {@minimal ++ [start_position: -1], "a position"},
          {@minimal ++ [snapshot: :always],
           "expected one of :never, :initial or a list, got: :always"},
          {@minimal ++ [actions: [:upsert]],
           "a list of which each is one of :insert, :update, :delete, :truncate"},
          {@minimal ++ [keys: {:atoms!, ["id"]}], "{:atoms!, a list of atoms}"},
          {:none, "expected a keyword list"}
        ] do
      assert_raise ArgumentError, ~r/#{Regex.escape(message)}/, fn -> Options.validate!(opts) end
    end
  end

  test "what would be ignored is refused" do
    for {opts, message} <- [
          {[max_attempts: 3], ":max_attempts is only used with on_failure: :requeue"},
          {[after_attempts: :ack, on_failure: :halt], "only used with on_failure: :requeue"},
          {[retry_after: 1, on_error: :stop], "only used with on_error: :halt"},
          {[spool_bytes: 1], ":spool_bytes is only used with streaming: true"},
          {[spool_dir: "/tmp"], ":spool_dir is only used with streaming: true"},
          {[format: :text, plugin: :pg_etf_decoding], "with plugin: :auto or :pgoutput"},
          {[max_transaction_changes: 1], "only used with unit: :transaction"},
          {[failover: true], ":failover is only used with create_slot: true or :once"},
          {[create_publication: true, publications: ["p"]], "only used with create_slot"},
          {[create_publication: true, create_slot: true], "of :publications, and there is none"},
          {[store_position: & &1], "only used with :start_position"},
          {[plugin_options: %{"rows" => "map"}], "\"rows\" is decided by the library"},
          {[plugin_options: %{"uuid" => "binary"}], "\"uuid\" is decided by the library"},
          {[plugin_options: %{"include_tables" => "a.b"}], "use option :tables"}
        ] do
      assert_raise ArgumentError, ~r/#{Regex.escape(message)}/, fn ->
        Options.validate!(@minimal ++ opts)
      end
    end

    # Their defaults say nothing, and used options are used.
    assert Options.validate!(@minimal ++ [max_attempts: 10, format: :auto])
    assert Options.validate!(@minimal ++ [streaming: true, spool_bytes: 1])[:spool_bytes] == 1

    assert_raise ArgumentError, ~r/:create_slots/, fn ->
      PgEtf.resume(self(), create_slots: true)
    end
  end

  test "earlier names are names" do
    opts = Options.validate!(@minimal ++ [heartbeat: 7])
    assert {opts[:stats_interval], opts[:heartbeat]} == {7, nil}
    assert Options.validate!(@minimal ++ [keys: :atoms])[:keys] == :atoms!
    assert Options.validate!(@minimal ++ [keys: {:atoms, [X]}])[:keys] == {:atoms!, [X]}
    both = @minimal ++ [heartbeat: 7, stats_interval: 8]

    assert_raise ArgumentError, ~r/:heartbeat is the earlier name of :stats_interval/, fn ->
      Options.validate!(both)
    end
  end

  test "text may be a charlist or an atom, as it is in Erlang" do
    opts = Options.validate!(connection: [], slot: ~c"orders", tables: [~c"public.*", :"a.b"])
    assert {opts[:slot], opts[:tables]} == {"orders", ["public.*", "a.b"]}
    assert Options.validate!(connection: [], slot: :orders)[:slot] == "orders"

    for slot <- [nil, true, ~c"", [1]] do
      assert_raise ArgumentError, fn -> Options.validate!(connection: [], slot: slot) end
    end
  end

  test "a connection is checked where the stream is started, a function where it is called" do
    wrong = [hostname: "db", hostnam: "db"]
    assert_raise ArgumentError, fn -> Options.validate!(connection: wrong, slot: "s") end

    assert_raise ArgumentError, fn ->
      [connection: wrong, slot: "s"] |> Options.conceal() |> Options.validate!()
    end

    opts = Options.validate!(connection: fn -> wrong end, slot: "s")
    assert_raise ArgumentError, fn -> Settings.start(opts) end
  end

  test "what takes no options, or only some, says so" do
    for {module, n} <- Enum.with_index([PgEtf.Pipeline, PgEtf.Functions]) do
      code = "defmodule PgEtf.OptionsTest.Used#{n} do use #{inspect(module)}, unit: 1 end"
      assert_raise ArgumentError, ~r/takes no options/, fn -> Code.eval_string(code) end
    end

    assert_raise ArgumentError, ~r/:key/, fn -> PgEtf.Frame.decoder(key: :atoms!) end
  end

  test "the documentation names every public option" do
    docs = Options.docs()

    for key <- [:connection, :slot, :on_failure, :window_bytes],
        do: assert(docs =~ "`#{inspect(key)}`")

    refute docs =~ "broadway"
  end
end
