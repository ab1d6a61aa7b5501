defmodule PgEtf.Integration.SqlToBeamTest do
  # What docs/sql-to-beam.md emits reaches the consumer that it shows.
  use ExUnit.Case, async: true

  alias PgEtf.Sandbox

  @moduletag :integration
  @moduletag :capture_log
  @moduletag timeout: 180_000

  defp documented(name) do
    page = File.read!("../docs/sql-to-beam.md")
    [_, block] = Regex.run(~r/^<!-- run: #{name} -->\n```\w+\n(.*?)^```/ms, page)
    block
  end

  # The server may run as somebody else, who cannot read this checkout.
  defp start_server(dir) do
    for name <- ~w(pg_etf_beam.so pg_etf_decoding.so) do
      File.cp!(Path.join("..", name), Path.join(dir, name))
      File.chmod!(Path.join(dir, name), 0o755)
    end

    File.chmod!(dir, 0o755)
    {Sandbox, database: "shop", settings: [dynamic_library_path: "#{dir}:$libdir"]}
  end

  # CREATE EXTENSION, on a server in which it is not installed.  An extension has to own
  # the type etf: another one, which is there, takes the name.
  @as_extension """
  SET allow_system_table_mods = on;
  UPDATE pg_extension SET extname = 'pg_etf_beam' WHERE extname = 'plpgsql';
  ALTER EXTENSION pg_etf_beam ADD TYPE etf;
  """

  defp extension do
    "../sql/pg_etf_beam--1.0.sql"
    |> File.read!()
    |> String.replace(~r/^\\echo.*$/m, "")
    |> String.replace("MODULE_PATHNAME", "pg_etf_beam")
    |> Kernel.<>(@as_extension)
  end

  defmodule Elsewhere do
    # Of a sink that remembers positions.
    def deliver_once(position, item), do: send(:sql_to_beam, {position, item})
  end

  test "etf_emit to a consumer" do
    dir = Path.join(System.tmp_dir!(), "pg_etf_sql_to_beam_#{System.pid()}")
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    sandbox = start_supervised!(start_server(dir))
    Sandbox.psql!(sandbox, extension(), username: "postgres")

    Sandbox.psql!(sandbox, "CREATE TABLE stock AS SELECT 'tea' AS item, 9 AS quantity",
      username: "postgres"
    )

    Process.register(self(), :sql_to_beam)

    {_, [children: [{PgEtf.Consumer, {module, arg, opts}}]]} =
      "consumer"
      |> documented()
      |> String.replace("Mail.Outbox", inspect(Elsewhere))
      |> Code.eval_string()

    opts = Keyword.put(opts, :connection, Sandbox.connection(sandbox))
    consumer = start_supervised!({PgEtf.Consumer, {module, arg, opts}})
    PgEtf.Eventually.eventually(fn -> PgEtf.info(consumer).status == :connected end)

    # Rolled back first: nothing comes of it.
    emit = documented("emit")
    Sandbox.psql!(sandbox, String.replace(emit, "COMMIT", "ROLLBACK"), username: "postgres")
    Sandbox.psql!(sandbox, emit, username: "postgres")
    assert_receive {{lsn, 0}, "tea"} when is_integer(lsn), 30_000
    refute_received _
  end
end
