defmodule PgEtf.ErlangTest do
  # The library from Erlang: module pg_etf, behaviour pg_etf_consumer.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, Options}

  @source """
  -module(erlang_later).
  -behaviour(pg_etf_consumer).
  -export([init/1, handle_changes/2, handle_info/2]).
  init(Pid) -> {ok, Pid}.
  handle_changes(Changes, Pid) -> Pid ! {got, self(), Changes}, {noack, Pid}.
  handle_info(Message, Pid) -> Pid ! {info, Message}, {noreply, Pid}.
  """

  setup_all do
    forms =
      for form <- String.split(@source, ".\n", trim: true) do
        {:ok, tokens, _} = :erl_scan.string(to_charlist(form <> "."))
        {:ok, form} = :erl_parse.parse_form(tokens)
        form
      end

    # A callback that the behaviour has not, or not so, would be a warning.
    assert {:ok, module, beam, []} = :compile.forms(forms, [:return])
    {:module, _} = :code.load_binary(module, ~c"erlang_later", beam)
    on_exit(fn -> :code.delete(module) && :code.purge(module) end)
    %{handler: module}
  end

  test "a consumer with a name, characters and a property list", %{handler: module} do
    slot = FakeSlot.start([2, 1])
    more = [:streaming, {:name, {:local, :erlang_later_1}}, {:spool_dir, ['/tmp', "/x"]}]

    opts = [
      {:connection, [{:host, ['a', ?b]}]},
      {:slot, to_charlist(slot)},
      {:client, FakeSlot} | more
    ]

    {:ok, pid} = :pg_etf.start_link(module, self(), opts)
    assert Process.whereis(:erlang_later_1) == pid
    [a, b, c] = got(3)
    :ok = :pg_etf.ack(pid, [b, a])
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    :ok = :pg_etf.fail(:erlang_later_1, c, :not_yet)
    assert [^c] = got(1)

    assert %{streaming: true, spool_dir: "/tmp/x", connection: %{"host" => "ab"}} =
             FakeSlot.settings(slot)

    assert %{slot: ^slot, status: :connected} = :pg_etf.info(pid)
    assert :pg_etf.resume(pid) == :ok
    assert :pg_etf.update(pid, tables: ['public.t']) == :ok
    assert {:badarg, _} = catch_error(:pg_etf.update(pid, slot: 'other'))
    send(pid, :hello)
    assert_receive {:info, :hello}
  end

  defp got(count) when count <= 0, do: []

  defp got(count) do
    assert_receive {:got, _pid, changes}
    changes ++ got(count - length(changes))
  end

  test "a child, with a map of options", %{handler: module} do
    opts = %{connection: 'dbname=shop', slot: ["or", 'ders'], client: FakeSlot}
    spec = :pg_etf.child_spec({module, :arg, opts})
    assert %{id: ^module, start: {PgEtf.Consumer, :start_link, [^module, :arg, _]}} = spec
    assert :supervisor.check_childspecs([spec]) == :ok
  end

  test "wrong options are a badarg with a text", %{handler: module} do
    assert {:badarg, "unknown option :slots" <> _} =
             catch_error(:pg_etf.start_link(module, [], slots: 1))

    assert {:badarg, "required option :connection" <> _} =
             catch_error(:pg_etf.start_link(module, [], %{}))
  end

  test "places and positions" do
    change = PgEtf.Testing.insert("t", %{"id" => 1})
    assert :pg_etf.message_id(change) == PgEtf.message_id(change)
    assert :pg_etf.partition_by(change) == PgEtf.partition_by(change)
    assert :pg_etf.format_lsn(0x16B3748) == "0/16B3748"
    assert :pg_etf.parse_lsn(['0/', "16B3748"]) == {:ok, 0x16B3748}
    assert :pg_etf.parse_lsn('x') == :error
  end

  test "text in options is characters or iodata, also in lists, maps and unions" do
    opts = [connection: [], slot: 's', tables: [["pub", 'lic.*']], messages: ['a', "b"]]
    opts = Options.validate!(opts ++ [plugin_options: %{'json' => 'text'}])
    assert {"s", ["public.*"], ["a", "b"]} = {opts[:slot], opts[:tables], opts[:messages]}
    assert opts[:plugin_options] == %{"json" => "text"}
    assert Options.validate!(connection: [], slot: 's', messages: false)[:messages] == false
    assert Options.validate!(connection: [], slot: [0xE9])[:slot] == "é"
  end

  test "it has all that the behaviour of Elixir has" do
    callbacks = &Enum.sort(&1.behaviour_info(:callbacks))
    assert callbacks.(:pg_etf_consumer) == callbacks.(PgEtf.Consumer)
    optional = &Enum.sort(&1.behaviour_info(:optional_callbacks))
    assert optional.(:pg_etf_consumer) == optional.(PgEtf.Consumer)
  end
end
