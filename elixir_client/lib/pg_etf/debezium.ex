defmodule PgEtf.Debezium do
  @moduledoc """
  Changes in the envelope of Debezium's connector for PostgreSQL, for whatever reads its
  output: maps for any JSON library, as Kafka Connect's `JsonConverter` writes them with
  `schemas.enable=false`.

      children = [
        {PgEtf.Consumer, {Feed, nil, [connection: connection, slot: "audit"] ++ PgEtf.Debezium.options()}}
      ]

      def handle_changes(changes, state) do
        for change <- changes, envelope <- PgEtf.Debezium.envelopes(change, name: "audit", db: "shop") do
          produce(topic(change), Jason.encode!(envelope))
        end

        {:ok, state}
      end

  Values are those of `decimal.handling.mode=string`, with everything else as it is by default.
  `pg_etf_client --print=debezium` writes the same lines; `docs/print.md` has the differences
  from Debezium.
  """

  alias PgEtf.Change
  alias PgEtf.Debezium.Value

  @unavailable "__debezium_unavailable_value"
  @ops %{insert: "c", update: "u", delete: "d", truncate: "t", message: "m", read: "r"}

  @doc """
  What a stream needs for `envelope/2`: add these to its options.

  Changes carry the types of their columns, and documents of JSON come as their text, which
  is what Debezium sends.
  """
  @spec options() :: keyword
  def options, do: [types: true, plugin_options: %{"json" => "text", "float4" => "shortest"}]

  @doc """
  The envelopes of a change: one, but for each table of a truncate, and none for what
  Debezium does not have (changes of tables themselves).
  """
  @spec envelopes(Change.t(), keyword) :: [map]
  def envelopes(change, opts \\ [])

  def envelopes(%Change{op: :truncate, truncated: tables} = change, opts) do
    for {schema, table} <- tables do
      envelope(%{change | schema: schema, table: table}, opts)
    end
  end

  def envelopes(%Change{op: op} = change, opts) when is_map_key(@ops, op) do
    [envelope(change, opts)]
  end

  def envelopes(%Change{}, _opts), do: []

  @doc """
  The envelope of a change of a row, of a message, or of a truncate of one table.

  Options: `:name` and `:db` of its `source`, by default empty.
  """
  @spec envelope(Change.t(), keyword) :: map
  def envelope(%Change{} = change, opts \\ []) do
    us = System.os_time(:microsecond)

    %{"source" => source(change, opts, us), "op" => Map.fetch!(@ops, change.op)}
    |> Map.merge(rows(change))
    |> Map.merge(times(us))
    |> Map.put("transaction", nil)
  end

  defp rows(%Change{op: :message} = change) do
    %{
      "message" => %{"prefix" => Value.plain(change.prefix), "content" => content(change.content)}
    }
  end

  defp rows(%Change{op: :truncate}), do: %{"before" => nil, "after" => nil}

  defp rows(%Change{types: nil}) do
    raise ArgumentError,
          "PgEtf.Debezium needs the types of columns: add PgEtf.Debezium.options() to the " <>
            "options of the stream"
  end

  defp rows(%Change{} = change) do
    %{"before" => row(change.old_record, [], change), "after" => after_row(change)}
  end

  defp after_row(%Change{op: :delete}), do: nil
  defp after_row(change), do: row(change.record, change.unchanged_toast, change)

  defp row(nil, _missing, _change), do: nil

  defp row(row, missing, %Change{types: types}) do
    known = for {name, value} <- row, do: {name(name), Value.convert(value, types[name])}
    unknown = for name <- missing, do: {name(name), unavailable(types[name])}
    Map.new(known ++ unknown)
  end

  defp name({:unconverted, bytes}), do: bytes
  defp name(name), do: to_string(name)

  defp unavailable(type) do
    case Value.shape(type) do
      {:array, 17} -> [Base.encode64(@unavailable)]
      {:array, _} -> [@unavailable]
      17 -> Base.encode64(@unavailable)
      _ -> @unavailable
    end
  end

  defp content(content) when is_binary(content), do: Base.encode64(content)
  defp content(_oversized), do: nil

  defp source(change, opts, now) do
    opts = Keyword.validate!(opts, name: "", db: "")

    %{
      "version" => to_string(Application.spec(:pg_etf, :vsn)),
      "connector" => "postgresql",
      "name" => opts[:name],
      "db" => opts[:db],
      "snapshot" => if(change.op == :read, do: "true", else: "false"),
      "sequence" => sequence(change),
      "schema" => name(change.schema || ""),
      "table" => name(change.table || ""),
      "txId" => change.xid,
      "lsn" => change.commit_lsn,
      "xmin" => nil
    }
    |> Map.merge(times(commit_time(change.commit_time) || now))
  end

  # A row that was read has no place among changes.
  defp sequence(%Change{index: nil, commit_lsn: lsn}), do: ~s([null,"#{lsn}"])
  defp sequence(%Change{index: index, commit_lsn: lsn}), do: ~s(["#{lsn}","#{index}"])

  defp commit_time(nil), do: nil
  defp commit_time(time), do: Value.microseconds(time)

  defp times(us),
    do: %{"ts_ms" => Integer.floor_div(us, 1000), "ts_us" => us, "ts_ns" => us * 1000}
end
