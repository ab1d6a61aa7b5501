defmodule PgEtf.Stream.KnownSlots do
  @moduledoc false
  # The slots that this node has read, and how far. When a slot disappears, changes that
  # were not read are lost; a recreated one looks healthy. So it is remembered for longer
  # than a stream lives, which its supervisor starts again knowing nothing.
  #
  # A slot is known by its name, and by where the connection leads, as far as that says.

  alias PgEtf.Lsn

  @table __MODULE__
  @place ~w(host hostaddr port dbname service)

  @type key :: {slot :: String.t(), place :: non_neg_integer}

  @doc "Called once, by the process that owns the table."
  @spec create_table() :: :ok
  def create_table do
    :ets.new(@table, [:named_table, :public, read_concurrency: true])
    :ok
  end

  @doc "What the settings of the C program say of the slot."
  @spec key(map) :: key
  def key(%{slot: slot} = settings) do
    place = settings |> Map.get(:connection, %{}) |> Map.take(@place)
    {slot, :erlang.phash2({without_secrets(settings[:conninfo] || ""), place, settings[:node]})}
  end

  # A password may change, and is nobody's business.
  defp without_secrets(conninfo) do
    Regex.replace(~r{(?<=//)[^/@]*@|password\s*=\s*('[^']*'|[^\s&]*)}, conninfo, "")
  end

  @doc "How far a slot has been read."
  @spec put(key, Lsn.t()) :: :ok
  def put(key, lsn) do
    :ets.insert(@table, {key, lsn})
    :ok
  rescue
    # The application was stopped: no reason to end a stream that runs.
    ArgumentError -> :ok
  end

  @doc "How far a slot was read last, `nil` if it was never read here."
  @spec get(key) :: Lsn.t() | nil
  def get(key) do
    case :ets.lookup(@table, key) do
      [{^key, lsn}] -> lsn
      [] -> nil
    end
  rescue
    ArgumentError -> nil
  end
end
