defmodule PgEtf.Producer.Message do
  @moduledoc false
  # What the producer hands out: data with metadata, and the way back.

  alias PgEtf.{Change, Prepared, Transaction}
  alias PgEtf.Decode.Deferred
  alias PgEtf.Producer.Acknowledger

  @doc "Under GenStage alone a message is a map with the fields of Broadway's."
  @spec template() :: map
  def template do
    if Code.ensure_loaded?(Broadway.Message) do
      struct(Broadway.Message)
    else
      %{data: nil, metadata: nil, acknowledger: nil}
    end
  end

  @doc "Messages of items, which an incarnation of the caller's stream has handed out."
  @spec build([PgEtf.Stream.Inbox.item()], reference, map, atom) :: [map]
  def build(items, incarnation, template, on_failure) do
    producer = self()
    requeue? = on_failure == :requeue

    for {data, seq} <- items do
      ack_data = {producer, seq, on_failure, requeue?}
      acknowledger = {Acknowledger, incarnation, ack_data}

      case data do
        # Its metadata follow from the change, as soon as there is one.
        %Deferred{} ->
          %{template | data: data, metadata: %{}, acknowledger: acknowledger}

        _ ->
          data = Deferred.pack(data)
          %{template | data: data, metadata: metadata(data), acknowledger: acknowledger}
      end
    end
  end

  @doc "The messages with finished rows; they may have been sent by `build/4`, or by a test."
  @spec finish([map]) :: [map]
  def finish(messages), do: finish(messages, nil)

  defp finish([%{data: %Deferred{} = row} = message | messages], heads) do
    {change, heads} = Deferred.finish(row, heads)
    [%{message | data: change, metadata: metadata(change)} | finish(messages, heads)]
  end

  defp finish([%{data: data} = message | messages], heads) do
    {data, heads} = Deferred.finish(data, heads)
    [%{message | data: data} | finish(messages, heads)]
  end

  defp finish([], _heads), do: []

  @doc "The metadata of what is handed out."
  @spec metadata(Change.t() | Transaction.t() | Prepared.t()) :: map
  # Of so many fields one pattern finds all in one pass.
  def metadata(%Change{
        schema: schema,
        table: table,
        op: op,
        commit_lsn: commit_lsn,
        index: index,
        xid: xid,
        commit_time: commit_time,
        headers: headers
      }) do
    %{
      schema: schema,
      table: table,
      op: op,
      commit_lsn: commit_lsn,
      index: index,
      xid: xid,
      commit_time: commit_time,
      headers: headers
    }
  end

  def metadata(%Transaction{} = transaction) do
    %{
      part: transaction.part,
      commit_lsn: transaction.commit_lsn,
      index: transaction.first_index,
      xid: transaction.xid,
      commit_time: transaction.commit_time,
      headers: transaction.headers
    }
  end

  def metadata(%Prepared{} = decision) do
    %{op: decision.op, commit_lsn: decision.lsn, xid: decision.xid, commit_time: decision.time}
  end
end
