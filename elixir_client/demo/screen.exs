# What the picture of README.md shows: statements in psql, and what arrives.  Recorded
# by docs/images/record; `mix run demo/screen.exs` shows it.
alias PgEtf.Sandbox

Logger.configure(level: :error)

defmodule Audit do
  use PgEtf.Consumer, slot: "audit", create_slot: true

  @impl true
  def handle_changes(changes, screen) do
    for change <- changes do
      terms =
        inspect({change.op, change.table, change.record || change.key}, pretty: true, width: 76)

      IO.puts(IO.ANSI.format([:green, terms]))
    end

    send(screen, {:handled, length(changes)})
    {:ok, screen}
  end
end

{:ok, sandbox} = Sandbox.start_link(database: "shop")

Sandbox.psql!(sandbox, """
CREATE TABLE orders (id int PRIMARY KEY, total numeric(8, 2), tags text[], at timestamptz, details jsonb)
""")

{:ok, _} = Audit.start_link(arg: self(), connection: Sandbox.connection(sandbox))

type = fn text ->
  for letter <- String.graphemes(text) do
    IO.write(letter)
    Process.sleep(18)
  end

  IO.puts("")
end

statements = [
  {"INSERT INTO orders VALUES (1, 12.50, '{new,gift}', now(), '{\"card\": \"Zoë\"}');", 1},
  {"UPDATE orders SET total = 11.25 WHERE id = 1;", 1},
  {"BEGIN; INSERT INTO orders VALUES (2); ROLLBACK;   -- never arrives", 0},
  {"DELETE FROM orders WHERE id = 1;", 1}
]

for {sql, count} <- statements do
  IO.write(IO.ANSI.format([:cyan, "shop=# "]))
  type.(sql)
  Sandbox.psql!(sandbox, sql)

  for _ <- Stream.repeatedly(fn -> 0 end) |> Enum.take(min(count, 1)) do
    receive do: ({:handled, _} -> :ok), after: (10_000 -> raise("nothing arrived"))
  end

  Process.sleep(1_300)
end

Process.sleep(2_000)
