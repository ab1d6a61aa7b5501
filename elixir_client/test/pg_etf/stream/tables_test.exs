defmodule PgEtf.TablesTest do
  # What the log says of tables.
  use ExUnit.Case, async: true

  import ExUnit.CaptureLog

  alias PgEtf.Options
  alias PgEtf.Stream.{Inbox, State, Tables}

  defp session(opts \\ []) do
    opts = Options.validate!([connection: [], slot: "s"] ++ opts)
    %State{opts: opts, inbox: Inbox.new(opts)}
  end

  defp relation(table, identity, flags \\ [], name \\ "id") do
    {:relation, :erlang.phash2(table), "public", table, identity, [{name, 20, "int8", -1, flags}]}
  end

  # What is logged when these tables are met, each in a frame of its own.
  defp meet(session, relations) do
    frames =
      for {r, n} <- Enum.with_index(relations, 1),
          do: {:tx, :whole, {n, n * 16, n * 16 + 8, 0}, 0, 0, %{}, [r]}

    {:ok, inbox, 0} = Inbox.put(session.inbox, frames, 100)
    with_log(fn -> Tables.log_new(%{session | inbox: inbox}) end)
  end

  test "a table without an identity is told of, once" do
    bare = relation("log", :default)

    {session, logged} =
      meet(session(), [bare, relation("keyed", :default, [:key]), relation("full", :full), bare])

    assert logged =~ "(slot s): table public.log has no replica identity"
    refute logged =~ "keyed" or logged =~ "full"
    assert length(String.split(logged, "identity:")) == 2
    # Nor when it is described again, in another run of the program.
    session = %{session | inbox: session().inbox}
    assert {_, ""} = meet(session, [bare, relation("keyed", :default, [:key])])
    assert {_, logged} = meet(session, [relation("other", :nothing)])
    assert logged =~ "public.other has no"
  end

  test "where only inserts are read no identity is missed" do
    assert {_, ""} = meet(session(actions: [:insert, :truncate]), [relation("log", :default)])
    assert {_, logged} = meet(session(actions: [:insert, :delete]), [relation("log", :default)])
    assert logged =~ "replica identity"
  end

  test "columns without an atom are named" do
    column = "column_#{System.unique_integer([:positive])}_#{System.os_time()}"
    odd = relation("odd", :default, [:key], column)

    assert {session, logged} =
             meet(session(keys: :atoms!), [odd, relation("t", :default, [:key])])

    assert logged =~ "table public.odd uses strings as names"
    assert logged =~ inspect(column)
    refute logged =~ "public.t "
    assert {_, ""} = meet(session, [odd])
    assert {_, ""} = meet(session(keys: :strings), [odd])
  end
end
