defmodule PgEtf.Metrics.Counters do
  @moduledoc false
  # What the events of PgEtf.Telemetry add up to, whether or not :telemetry is there, and
  # the last errors of each stream.
  #
  # Streams are known by slot and name, so that one that is started again goes on. The
  # table is the application's; PgEtf.Metrics.History removes what is of no stream any
  # more.

  alias PgEtf.Error
  alias PgEtf.Metrics.Table

  # {{stream, name of a metric, value of its label}, number} and {{stream, :errors}, list}.
  # A histogram's label is the bucket that a value is in, or :sum.
  @table __MODULE__

  @kept_errors 10
  @longest_text 500

  @rows Table.all() |> Enum.filter(&(&1.from == :counted)) |> Enum.group_by(& &1.event)
  @plans Map.new(@rows, fn {event, rows} ->
           {event,
            Enum.map(rows, fn
              %{type: :histogram} = row -> {row.name, row.value, :histogram}
              row -> {row.name, row.value, row.label}
            end)}
         end)

  @type stream :: {slot :: String.t() | nil, name :: term}

  @doc "Called once, by the process that owns the table."
  @spec create_table() :: :ok
  def create_table do
    :ets.new(@table, [:named_table, :public, :ordered_set, write_concurrency: true])
    :ok
  end

  @doc "Takes an event, as telemetry does."
  @spec count(stream, [atom], map, map) :: :ok
  def count(stream, event, measurements, metadata) do
    case @plans do
      %{^event => rows} -> Enum.each(rows, &add(stream, &1, measurements, metadata))
      %{} -> :ok
    end

    remember(stream, event, metadata)
  rescue
    # Without the application there is nobody to ask.
    ArgumentError -> :ok
  end

  defp add(stream, {name, :now, nil}, _measurements, _metadata) do
    :ets.insert(@table, {{stream, name, nil}, System.system_time(:second)})
  end

  defp add(stream, {name, value, :histogram}, measurements, _metadata) do
    with %{^value => number} <- measurements do
      add(stream, name, Enum.find(Table.buckets(), :infinity, &(number <= &1)), 1)
      add(stream, name, :sum, number)
    end
  end

  defp add(stream, {name, value, nil}, measurements, _metadata) do
    add(stream, name, nil, if(value, do: measurements[value], else: 1))
  end

  defp add(stream, {name, value, label}, measurements, metadata) do
    with tag when tag != nil <- label(label, metadata) do
      add(stream, name, tag, if(value, do: measurements[value], else: 1))
    end
  end

  defp add(stream, name, tag, number) do
    key = {stream, name, tag}
    :ets.update_counter(@table, key, number, {key, 0})
  end

  @doc "What the metadata of an event says of a label, nil if nothing."
  @spec label(atom, map) :: term
  def label(label, metadata), do: metadata[label] || metadata[:details][label]

  ## The last errors

  defp remember(stream, [:status], %{details: %{class: class} = details}) do
    remember(stream, class, details[:message], details[:hint])
  end

  defp remember(stream, [:failure], %{action: action, reason: reason} = metadata) do
    table = Enum.map_join([metadata[:schema], metadata[:table]], ".", &to_string/1)
    what = inspect(Error.bounded(reason), limit: 20, printable_limit: @longest_text)
    remember(stream, :failure, "a message of table #{table} failed (#{action}): #{what}", nil)
  end

  defp remember(_stream, _event, _metadata), do: :ok

  defp remember(stream, class, message, hint) do
    said = %{class: class, message: cut(message), hint: cut(hint)}
    errors = again(errors(stream), Map.put(said, :at, System.system_time(:millisecond)))
    :ets.insert(@table, {{stream, :errors}, Enum.take(errors, @kept_errors)})
    :ok
  end

  # The same reason once, with the time of the last: several may take turns.
  defp again(errors, error) do
    case Enum.split_with(errors, &same?(&1, error)) do
      {[before], others} -> [Map.put(error, :times, before.times + 1) | others]
      {[], others} -> [Map.put(error, :times, 1) | others]
    end
  end

  defp same?(one, other), do: {one.class, one.message} == {other.class, other.message}

  defp cut(text) when text in [nil, ""], do: nil
  defp cut(text), do: text |> to_string() |> String.slice(0, @longest_text)

  ## For those who ask

  @doc "The last errors of a stream, the newest first."
  @spec errors(stream) :: [map]
  def errors(stream) do
    case :ets.lookup(@table, {stream, :errors}) do
      [{_, errors}] -> errors
      [] -> []
    end
  end

  @doc "What a metric of a stream adds up to: values with that of the label."
  @spec read(stream, String.t()) :: [{term, number}]
  def read(stream, metric) do
    @table
    |> :ets.select([{{{stream, metric, :"$1"}, :"$2"}, [], [{{:"$1", :"$2"}}]}])
    |> Enum.sort()
  end

  @doc "The streams of which there is something."
  @spec streams() :: [stream]
  def streams do
    @table |> :ets.tab2list() |> Enum.map(&elem(elem(&1, 0), 0)) |> Enum.uniq()
  end

  @doc "Forgets a stream."
  @spec forget(stream) :: :ok
  def forget(stream) do
    :ets.match_delete(@table, {{stream, :_, :_}, :_})
    :ets.delete(@table, {stream, :errors})
    :ok
  end
end
