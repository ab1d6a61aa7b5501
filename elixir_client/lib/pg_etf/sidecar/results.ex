defmodule PgEtf.Sidecar.Results do
  @moduledoc false
  # Asynchronous calls and what they returned, for whoever asked, for a while.
  #
  # One process, and each call in one of its own, monitored. Results are kept encoded:
  # their size is known, and asking for one copies a reference. What does not fit is
  # refused at the start of a call; what was taken is never dropped before its time.

  use GenServer

  alias PgEtf.Sidecar.{Call, Config, Failure, Request}

  @default_timeout_ms 300_000

  defstruct [:config, calls: %{}, pids: %{}, bytes: 0]

  @spec start_link(Config.t()) :: GenServer.on_start()
  def start_link(config), do: GenServer.start_link(__MODULE__, config, name: config.results)

  @doc "Runs it; under `nil` nobody will ask."
  @spec start(Config.t(), binary | nil, {String.t(), [term]}, map, list) :: Call.result()
  def start(config, uuid, call, caller, meta) do
    GenServer.call(config.results, {:start, uuid, call, caller, meta})
  end

  @doc "What became of it: a document for SQL."
  @spec get(Config.t(), binary, String.t() | :superuser, non_neg_integer) :: map
  def get(config, uuid, user, wait) do
    GenServer.call(config.results, {:get, uuid, user, wait}, wait + 5_000)
  end

  @spec counts(Config.t()) :: map
  def counts(config), do: GenServer.call(config.results, :counts)

  @impl GenServer
  def init(config), do: {:ok, %__MODULE__{config: config}}

  @impl GenServer
  def handle_call({:start, uuid, call, caller, meta}, _from, state) do
    cond do
      is_map_key(state.calls, uuid) ->
        {:reply, {:error, Failure.new("42710", "an asynchronous call of this id exists")}, state}

      full?(state) ->
        {:reply, {:error, full(state)}, state}

      true ->
        {:reply, {:ok, true}, spawn_call(state, uuid || make_ref(), call, caller, meta)}
    end
  end

  def handle_call({:get, uuid, user, wait}, from, state) do
    case state.calls do
      %{^uuid => %{user: owner} = call} when user in [owner, :superuser] ->
        answer(call, uuid, from, wait, state)

      _ ->
        {:reply, lost(state), state}
    end
  end

  def handle_call(:counts, _from, state) do
    {:reply,
     %{
       "pending" => map_size(state.pids),
       "results" => map_size(state.calls) - map_size(state.pids)
     }, state}
  end

  @impl GenServer
  def handle_info({:result, pid, encoded}, state), do: {:noreply, finish(state, pid, encoded)}

  def handle_info({:DOWN, _ref, :process, pid, reason}, state) do
    {:noreply, finish(state, pid, ended(state, pid, reason))}
  end

  def handle_info({:deadline, pid}, state) do
    Process.exit(pid, :kill)
    failure = Failure.new("57014", "the asynchronous call took longer than its time limit")
    {:noreply, finish(state, pid, encode({:error, failure}))}
  end

  def handle_info({:expire, uuid}, state) do
    {call, calls} = Map.pop(state.calls, uuid)
    {:noreply, %{state | calls: calls, bytes: state.bytes - byte_size(call.result)}}
  end

  def handle_info({:enough, uuid, from}, state) do
    case state.calls do
      %{^uuid => %{result: nil} = call} ->
        GenServer.reply(from, %{"status" => "pending"})
        waiting = List.delete(call.waiting, from)
        {:noreply, put_in(state.calls[uuid], %{call | waiting: waiting})}

      _ ->
        {:noreply, state}
    end
  end

  defp full?(state) do
    map_size(state.calls) >= state.config.max_results or
      state.bytes >= state.config.max_result_bytes
  end

  defp full(state) do
    Failure.new("53400", "too many asynchronous calls",
      detail: "#{map_size(state.calls)} calls and results take #{state.bytes} bytes.",
      hint: "Results are kept for #{state.config.result_ttl} s, whether they were read or not."
    )
  end

  defp spawn_call(state, uuid, {name, args}, caller, meta) do
    owner = self()
    heap = meta[:heap] || state.config.heap_words

    {pid, _ref} =
      spawn_monitor(fn ->
        Request.set_heap(heap)
        Process.put({PgEtf.Sidecar, :caller}, caller)
        send(owner, {:result, self(), encode(Call.run(name, args))})
        exit(:shutdown)
      end)

    Process.send_after(self(), {:deadline, pid}, meta[:timeout] || @default_timeout_ms)
    call = %{user: caller.user, name: "#{name}/#{length(args)}", result: nil, waiting: []}
    %{state | calls: Map.put(state.calls, uuid, call), pids: Map.put(state.pids, pid, uuid)}
  end

  # Of a call that ended before, which is one that sent its result, nothing is left to do.
  defp finish(state, pid, encoded) do
    case Map.pop(state.pids, pid) do
      {nil, _} -> state
      {uuid, pids} -> keep(%{state | pids: pids}, uuid, state.calls[uuid], encoded)
    end
  end

  defp keep(state, uuid, _call, _encoded) when is_reference(uuid) do
    %{state | calls: Map.delete(state.calls, uuid)}
  end

  defp keep(state, uuid, call, encoded) do
    result = fit(state, encoded)
    for from <- call.waiting, do: GenServer.reply(from, document(result))
    Process.send_after(self(), {:expire, uuid}, state.config.result_ttl * 1_000)
    call = %{call | result: result, waiting: []}

    %{
      state
      | calls: Map.put(state.calls, uuid, call),
        bytes: state.bytes + byte_size(result)
    }
  end

  defp fit(%{config: config} = state, encoded) do
    if state.bytes + byte_size(encoded) <= config.max_result_bytes do
      encoded
    else
      encode({:error, Failure.new("53400", "there was no room to keep the result")})
    end
  end

  defp answer(%{result: nil}, _uuid, _from, 0, state) do
    {:reply, %{"status" => "pending"}, state}
  end

  defp answer(%{result: nil} = call, uuid, from, wait, state) do
    Process.send_after(self(), {:enough, uuid, from}, wait)
    {:noreply, put_in(state.calls[uuid], %{call | waiting: [from | call.waiting]})}
  end

  defp answer(call, _uuid, _from, _wait, state), do: {:reply, document(call.result), state}

  defp document(encoded) do
    case :erlang.binary_to_term(encoded) do
      {:ok, value} -> %{"status" => "done", "result" => value}
      {:error, failure} -> %{"status" => "failed", "error" => Failure.to_map(failure)}
    end
  end

  defp lost(state) do
    ago = System.monotonic_time(:millisecond) - state.config.started
    since = DateTime.utc_now() |> DateTime.add(-ago, :millisecond) |> DateTime.truncate(:second)
    %{"status" => "lost", "since" => DateTime.to_iso8601(since)}
  end

  defp ended(state, pid, reason) do
    name = get_in(state.calls, [state.pids[pid], :name]) || ""
    encode({:error, Failure.ended(name, reason)})
  end

  defp encode(result), do: :erlang.term_to_binary(result)
end
