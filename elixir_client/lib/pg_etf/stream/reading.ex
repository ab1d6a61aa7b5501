defmodule PgEtf.Stream.Reading do
  @moduledoc false
  # Rows that are read from tables, on their way into the inbox of a stream.
  #
  # Pure data: no process, no clock.

  alias PgEtf.Transaction
  alias PgEtf.Stream.{Inbox, MovedKeys, Reads, Structs}

  @doc "Adds the frames of a packet of a given size; returns the number of rows that count."
  @spec put(Inbox.t(), [term, ...], non_neg_integer) ::
          {:ok, Inbox.t(), non_neg_integer} | {:error, String.t()}
  def put(%Inbox{} = inbox, frames, bytes) do
    counted? = Reads.counted?(inbox.reads, hd(frames))

    with {:ok, inbox, rows} <- put_frames(frames, inbox, 0) do
      if counted?, do: {:ok, count(inbox, rows, bytes), rows}, else: {:ok, inbox, 0}
    end
  end

  defp put_frames([{:read, _, count, _} = frame | frames], inbox, rows) when is_integer(count) do
    with {:ok, ref, changes, before, reads} <- Reads.put(inbox.reads, frame, inbox.decoder) do
      %{inbox | reads: reads}
      |> push(changes, ref, before, :open)
      |> then(&put_frames(frames, &1, rows + count))
    end
  end

  defp put_frames([], inbox, rows), do: {:ok, inbox, rows}
  defp put_frames(_frames, _inbox, _rows), do: {:error, "a packet of rows that has others, too"}

  # The packet is held until its rows are acknowledged.
  defp count(%Inbox{received: {events, sum}} = inbox, rows, bytes) do
    inbox = %{inbox | received: {events + rows, sum + bytes}, held: inbox.held + bytes}
    Inbox.push_passed(inbox, bytes, nil)
  end

  @doc """
  The end of a chunk, at a position; what became of it, `nil` when it is not to be handed on.
  """
  @spec close(Inbox.t(), Reads.ref(), map) :: {map | nil, Inbox.t()}
  def close(%Inbox{} = inbox, ref, details) do
    if details[:state] != nil and MovedKeys.awaited?(inbox.keys, inbox.reads),
      do: {nil, %{inbox | reads: Reads.retry(inbox.reads, ref, :busy)}},
      else: close_chunk(inbox, ref, details)
  end

  # Keys are not kept while a chunk that comes with its state is with us, and this one
  # would wait behind changes that wait for them.
  defp close_chunk(inbox, {id, number} = ref, %{lsn: lsn} = details) do
    case Reads.close(inbox.reads, ref, lsn) do
      {:again, _facts, reads} ->
        {nil, %{inbox | reads: reads}}

      {rows, facts, reads} ->
        inbox = push(%{inbox | reads: reads}, rows, ref, facts.count, {:closed, details})
        {facts, Inbox.push(inbox, {:chunk, id, number})}
    end
  end

  ## From rows to messages

  defp push(%Inbox{opts: opts} = inbox, rows, ref, before, state) do
    {rows, misfits} = Structs.load_changes(rows, opts.into)
    push(opts.unit, %{inbox | met: misfits ++ inbox.met}, rows, ref, before, state)
  end

  defp push(:change, inbox, rows, _ref, _before, _state), do: Inbox.push_messages(inbox, rows, 1)

  defp push(:transaction, inbox, rows, ref, before, state) do
    rows
    |> parts(before, state, inbox.opts.max_transaction_changes)
    |> Enum.reduce(inbox, fn {part, first, rows}, inbox ->
      transaction = transaction(part, first, rows, ref, state)
      Inbox.push_messages(inbox, [transaction], length(rows))
    end)
  end

  # The last part is known when the chunk is closed, and may have no rows then.
  defp parts([], 0, {:closed, %{state: state}}, _most) when state != nil, do: [{:whole, 0, []}]
  defp parts([], before, state, _most) when before == 0 or state == :open, do: []
  defp parts([], before, {:closed, _}, _most), do: [{:last, before, []}]

  defp parts(rows, before, state, most) do
    rows
    |> Enum.chunk_every(most)
    |> Enum.scan({nil, before, []}, fn rows, {_, first, those} ->
      {:middle, first + length(those), rows}
    end)
    |> name_first()
    |> name_last(state)
  end

  defp name_first([{_, 0, rows} | parts]), do: [{:first, 0, rows} | parts]
  defp name_first(parts), do: parts

  defp name_last(parts, :open), do: parts

  defp name_last(parts, {:closed, _}) do
    List.update_at(parts, -1, fn
      {:first, first, rows} -> {:whole, first, rows}
      {:middle, first, rows} -> {:last, first, rows}
    end)
  end

  defp transaction(part, first, rows, {id, number}, state) do
    %Transaction{
      xid: nil,
      commit_lsn: lsn(rows, state),
      end_lsn: nil,
      commit_time: nil,
      part: part,
      first_index: first,
      backfill: backfill(part, %{id: id, chunk: number}, state),
      changes: rows
    }
  end

  defp backfill(part, backfill, {:closed, %{state: state}})
       when part in [:whole, :last] and state != nil,
       do: Map.put(backfill, :state, state)

  defp backfill(_part, backfill, _state), do: backfill

  defp lsn([%{commit_lsn: lsn} | _], _state), do: lsn
  defp lsn([], {:closed, %{lsn: lsn}}), do: lsn
end
