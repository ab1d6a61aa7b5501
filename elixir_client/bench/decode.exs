# Where the finishing of rows belongs: what each step between the pipe and a
# processor costs. Run with `mix run bench/decode.exs`.
#
# A row has nine columns, one timestamptz and one numeric among them; a frame has
# 300 rows. Medians of 15 rounds, in nanoseconds for a row.

defmodule Bench do
  @rows 300

  def run do
    bytes = :erlang.term_to_binary(frame())
    {:ok, frame, decoder} = PgEtf.Frame.decode(PgEtf.Frame.decoder(), bytes)
    term = :erlang.binary_to_term(bytes)
    {:tx, _, _, _, _, _, [relation | events]} = term
    pid = spawn(&sink/0)

    for {title, fun} <- [
          {"binary_to_term", fn -> :erlang.binary_to_term(bytes, [:safe]) end},
          {"... and finish to changes", fn -> PgEtf.Frame.decode(decoder, bytes) end},
          {"finish alone", fn -> PgEtf.Frame.decode(decoder, term) end},
          {"send changes, finished", fn -> send_each(pid, frame.changes) end},
          {"send rows, not finished", fn -> send_each(pid, events) end},
          {"send rows with their relation",
           fn -> send_each(pid, Enum.map(events, &{relation, &1})) end}
        ] do
      IO.puts("#{String.pad_trailing(title, 32)} #{measure(fun)}")
    end
  end

  defp frame do
    columns =
      for {name, oid, type} <- [
            {"id", 20, "int8"},
            {"customer", 25, "text"},
            {"email", 25, "text"},
            {"placed", 1184, "timestamptz"},
            {"total", 1700, "numeric"},
            {"paid", 16, "bool"},
            {"weight", 701, "float8"},
            {"lines", 23, "int4"},
            {"note", 25, "text"}
          ],
          do: {name, oid, type, -1, if(name == "id", do: [:key], else: [])}

    rows =
      for id <- 1..@rows do
        {:insert, 1,
         {id, "customer #{id}", "c#{id}@example.com", 1_700_000_000_000_000 + id, {id * 7, -2},
          true, 1.5, 3, "a note of some length, as people write"}}
      end

    relation = {:relation, 1, "public", "orders", :default, columns}
    {:tx, :whole, {700, 1, 2, 1_700_000_000_000_000}, 0, @rows, %{}, [relation | rows]}
  end

  # Batches of ten, as a processor asks for.
  defp send_each(pid, list) do
    for batch <- Enum.chunk_every(list, 10), do: send(pid, batch)
    send(pid, {:done, self()})

    receive do
      :done -> :ok
    end
  end

  defp sink do
    receive do
      {:done, pid} -> send(pid, :done)
      _ -> :ok
    end

    sink()
  end

  defp measure(fun) do
    rounds =
      for _ <- 1..15 do
        {us, _} = :timer.tc(fn -> for _ <- 1..50, do: fun.() end)
        us * 1000 / (50 * @rows)
      end

    rounds |> Enum.sort() |> Enum.at(7) |> round()
  end
end

Bench.run()
