defmodule PgEtf.Integration.FileTest do
  # What pg_recvlogical writes can be read without a stream.
  use PgEtf.Integration, async: true

  alias PgEtf.Frame

  @moduletag :tmp_dir

  # In the default dialect values are finished in the server, in the compact one here.
  @options [[], ["-o", "dialect=compact", "-o", "rows=tuple"]]

  test "a file of pg_recvlogical, in either dialect", %{sandbox: sandbox, tmp_dir: dir} do
    slots = for _ <- @options, do: name("s")
    Enum.each(slots, &create_slot(sandbox, &1))
    table = name("t")

    Sandbox.psql!(sandbox, """
    CREATE TABLE #{table} (id int PRIMARY KEY, total numeric(10,2), at timestamptz, lines text);
    INSERT INTO #{table} SELECT i, i / 4.0, '2024-01-02 03:04:05+00', E'a\\nb'
      FROM generate_series(1, 2000) i;
    UPDATE #{table} SET id = 0 WHERE id = 1;
    DELETE FROM #{table} WHERE id = 2;
    TRUNCATE #{table};
    """)

    [one, other] =
      for {slot, options} <- Enum.zip(slots, @options) do
        path = Path.join(dir, slot)
        receive_file(sandbox, slot, path, options)
        path |> Frame.stream_file!(chunk_bytes: 1000) |> Enum.to_list()
      end

    assert one == other
    assert Enum.map(one, & &1.index) == Enum.to_list(0..1999) ++ [0, 0, 0]
    assert Enum.map(Enum.take(one, -3), & &1.op) == [:update, :delete, :truncate]
    record = hd(one).record
    assert record["id"] == 1
    assert record["total"] == %{__struct__: Decimal, sign: 1, coef: 25, exp: -2}
    assert record["at"] == ~U[2024-01-02 03:04:05.000000Z]
    assert record["lines"] == "a\nb"
  end

  defp receive_file(sandbox, slot, path, options) do
    %{bindir: bindir, dir: dir, username: username, database: database} = Sandbox.info(sandbox)
    until = sandbox |> current() |> PgEtf.Lsn.to_string()
    args = ["-h", dir, "-U", username, "-d", database, "-S", slot, "-f", path, "-E", until]

    assert {_, 0} =
             System.cmd(
               Path.join(bindir, "pg_recvlogical"),
               args ++ ["--start", "--no-loop"] ++ options,
               stderr_to_stdout: true
             )
  end
end
