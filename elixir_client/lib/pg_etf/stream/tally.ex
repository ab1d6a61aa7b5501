defmodule PgEtf.Stream.Tally do
  @moduledoc false
  # What is counted for metrics of packets of frames: their events by kind, and, of one
  # transaction in each, when it was committed, until that is acknowledged.
  #
  # Pure data: no process, no clock.

  @ops [:insert, :update, :delete, :truncate, :message]

  @type commits :: :queue.queue({PgEtf.Lsn.t(), microseconds :: integer})

  @doc "The events that frames have, by kind; of rows that are read, those that count."
  @spec ops([tuple], non_neg_integer) :: [{op :: atom, pos_integer}]
  def ops([{:read, _, _, _} | _], 0), do: []
  def ops([{:read, _, _, _} | _], rows), do: [read: rows]
  def ops(frames, _events), do: frames |> Enum.reduce(%{}, &frame/2) |> Map.to_list()

  defp frame({tag, _, _, _, _, _, events}, counts) when tag in [:tx, :prepare] do
    count(events, counts)
  end

  defp frame(decision, counts), do: add(counts, elem(decision, 0), 1)

  # Runs of one kind are the rule.
  defp count([event | events], counts) when elem(event, 0) in @ops do
    op = elem(event, 0)
    {events, number} = run(events, op, 1)
    count(events, add(counts, op, number))
  end

  defp count([_about_a_table | events], counts), do: count(events, counts)
  defp count([], counts), do: counts

  defp run([event | events], op, number) when elem(event, 0) == op do
    run(events, op, number + 1)
  end

  defp run(events, _op, number), do: {events, number}

  defp add(counts, op, number), do: Map.update(counts, op, number, &(&1 + number))

  @doc "No transaction waits for its acknowledgement."
  @spec commits() :: commits
  def commits, do: :queue.new()

  @doc "Keeps the last frame's transaction, if it ends there."
  @spec keep(commits, [tuple]) :: commits
  def keep(commits, frames) do
    case List.last(frames) do
      {:tx, part, {_xid, _lsn, end_lsn, committed}, _, _, _, _} when part in [:whole, :last] ->
        :queue.in({end_lsn, committed}, commits)

      _ ->
        commits
    end
  end

  @doc """
  Forgets the transactions up to a position, and returns when the first of them was
  committed: nil if there is none.
  """
  @spec take(commits, PgEtf.Lsn.t()) :: {microseconds :: integer | nil, commits}
  def take(commits, lsn), do: take(commits, lsn, nil)

  defp take(commits, lsn, first) do
    case :queue.peek(commits) do
      {:value, {end_lsn, committed}} when end_lsn <= lsn ->
        take(:queue.drop(commits), lsn, first || committed)

      _ ->
        {first, commits}
    end
  end
end
