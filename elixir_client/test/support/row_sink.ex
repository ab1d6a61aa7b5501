defmodule PgEtf.RowSink do
  @moduledoc false
  # A sink in a database: a table without a key, in which a row that is written twice
  # is there twice. With `recipe: :stored` it stores its position as one would who does
  # not know better; with `:compared` it uses PgEtf.Position.
  #
  # `hold: {id, place, dir}` makes it stop at that row, inside its transaction: before
  # the position is moved, or after. It tells so with a file `dir/held`, and goes on
  # when there is `dir/go`.

  @behaviour PgEtf.Consumer

  alias PgEtf.{Position, Repo}

  @ddl """
  CREATE TABLE sink (s bigserial, id bigint, key int, node text,
                     at timestamptz DEFAULT clock_timestamp());
  CREATE TABLE stored (slot text PRIMARY KEY, lsn bigint);
  """

  @doc "In the sink's database, before the start."
  def create(slot) do
    Repo.query!(@ddl)
    Position.create(position(slot))
  end

  @doc """
  Starts the sink under a supervisor, which stays when the caller ends. Unless told
  otherwise the first restart is one too many.
  """
  def start(sink, opts, state) do
    Repo.start(sink)
    slot = opts[:slot]
    defaults = %{recipe: :compared, hold: nil, position: position(slot), slot: slot}
    child = {PgEtf.Consumer, {__MODULE__, Map.merge(defaults, state), [name: __MODULE__] ++ opts}}
    caller = self()

    spawn(fn ->
      result = Supervisor.start_link([child], strategy: :one_for_one, max_restarts: 0)
      send(caller, {:started, result})
      Process.sleep(:infinity)
    end)

    receive do
      {:started, {:ok, supervisor}} -> supervisor
    end
  end

  @doc "The state of the stream, and the process that has it."
  def info, do: Map.put(PgEtf.info(__MODULE__), :pid, Process.whereis(__MODULE__))

  def stop(supervisor), do: Supervisor.stop(supervisor)

  defp position(slot), do: Position.new(slot: slot, query: &Repo.query/2)

  @impl true
  def checkpoint(%{recipe: :stored, slot: slot}) do
    case Repo.query!("SELECT lsn FROM stored WHERE slot = $1", [slot]).rows do
      [[lsn]] -> lsn
      [] -> nil
    end
  end

  def checkpoint(state) do
    {lsn, position} = Position.checkpoint(state.position)
    {lsn, %{state | position: position}}
  end

  @impl true
  def handle_transaction(transaction, state), do: store(transaction, state)

  @impl true
  def handle_position(lsn, state), do: store(lsn, state)

  defp store(to, state) do
    result =
      Repo.transaction(fn ->
        hold(to, :before, state)

        case advance(state, to) do
          {:ok, changes, position} ->
            hold(to, :inside, state)
            Enum.each(changes, &write(&1, state))
            %{state | position: position}

          {:error, reason} ->
            Repo.rollback(reason)
        end
      end)

    with {:error, reason} <- result, do: {:error, reason, state}
  end

  defp advance(%{recipe: :compared, position: position}, to), do: Position.advance(position, to)

  defp advance(%{recipe: :stored, position: position, slot: slot}, to) do
    {lsn, changes} = if is_map(to), do: {to.end_lsn, to.changes}, else: {to, []}

    Repo.query!(
      "INSERT INTO stored VALUES ($1, $2) ON CONFLICT (slot) DO UPDATE SET lsn = EXCLUDED.lsn",
      [slot, lsn]
    )

    {:ok, changes, position}
  end

  defp write(%{record: %{"id" => id} = row}, state) do
    sql = "INSERT INTO sink (id, key, node) VALUES ($1, $2, $3)"
    Repo.query!(sql, [id, row["key"], state[:node]])
  end

  defp hold(%{changes: changes}, place, %{hold: {id, place, dir}}) do
    if Enum.any?(changes, &(&1.record["id"] == id)) do
      File.write!(Path.join(dir, "held"), "")
      wait_for(Path.join(dir, "go"))
    end
  end

  defp hold(_to, _place, _state), do: :ok

  defp wait_for(path), do: File.exists?(path) || (Process.sleep(20) && wait_for(path))
end
