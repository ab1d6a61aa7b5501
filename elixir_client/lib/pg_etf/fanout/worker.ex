defmodule PgEtf.Fanout.Worker do
  @moduledoc false
  # Handles changes that a reader sends, which may be on another node, in their order.
  #
  # It works for one reader and epoch: the last one that has said so. That is true for what
  # has arrived before, too, so what belongs to an earlier one is dropped.

  use GenServer

  alias PgEtf.Fanout.{Reader, Rows, Wire}
  alias PgEtf.Stream.{Callback, Health, Summary}
  alias PgEtf.Telemetry
  alias __MODULE__

  # Milliseconds in which acknowledgements are summed up, in one message of changes at most.
  @often 5

  # reader    {pid, reference of the epoch, monitor}, nil without one
  # done      changes that it has not been told of, and when it was last told of some
  # tables    that it has described
  # in_order? whether its stream starts again when something fails
  defstruct [
    :module,
    :state,
    :opts,
    :own,
    :index,
    :reader,
    :told_at,
    done: 0,
    tables: %{},
    in_order?: true
  ]

  @wrong "neither {:ok, state} nor {:error, reason, state}"

  @spec start_link({module, term, keyword, map, non_neg_integer}) :: GenServer.on_start()
  def start_link(args) do
    GenServer.start_link(Worker, args, spawn_opt: [message_queue_data: :off_heap])
  end

  @impl GenServer
  def init({module, arg, opts, own, index}) do
    Process.flag(:trap_exit, true)
    {:ok, state} = if function_exported?(module, :init, 1), do: module.init(arg), else: {:ok, arg}
    :ok = :pg.join(own.scope, Worker, self())
    worker = %Worker{module: module, state: state, opts: opts, own: own, index: index}
    {:ok, %{worker | told_at: Health.now()}}
  end

  @impl GenServer
  def handle_info({Worker, :welcome, pid, ref, in_order?}, worker) do
    {:noreply, attach(%{worker | in_order?: in_order?}, pid, ref)}
  end

  def handle_info({Worker, :rows, ref, rows}, %Worker{reader: {_, ref, _}} = worker) do
    {changes, tables} = Rows.unpack(rows, worker.tables)
    {:noreply, handle(changes, %{worker | tables: tables})}
  end

  # Of a reader with an earlier version of this library.
  def handle_info({Worker, :packed, ref, packed}, %Worker{reader: {_, ref, _}} = worker) do
    {:noreply, packed |> Wire.unpack() |> handle(worker)}
  end

  def handle_info({:DOWN, monitor, :process, _, _}, %Worker{reader: {_, _, monitor}} = worker) do
    {:noreply, detach(worker)}
  end

  def handle_info(_message, worker), do: {:noreply, worker}

  @impl GenServer
  def terminate(reason, %Worker{module: module, state: state}) do
    if function_exported?(module, :handle_stop, 2), do: module.handle_stop(reason, state)
  end

  if {:format_status, 1} in GenServer.behaviour_info(:callbacks), do: @impl(GenServer)
  @doc false
  def format_status(status), do: Summary.status(status, &summary/1)

  @impl GenServer
  def format_status(:normal, [_dictionary, worker]), do: [data: [{~c"State", summary(worker)}]]
  def format_status(:terminate, [_dictionary, worker]), do: summary(worker)

  defp summary(%Worker{module: module, index: index}), do: %{module: module, index: index}

  ## The reader

  defp attach(worker, pid, ref) do
    with {other, of_other, _monitor} when other != pid <- worker.reader do
      send(other, {Reader, :left, of_other})
    end

    worker = detach(worker)
    about = %{node: node(), index: worker.index, window: worker.own.window, wire: Rows.version()}
    send(pid, {Reader, :ready, ref, about})
    %{worker | reader: {pid, ref, Process.monitor(pid)}, tables: %{}}
  end

  defp detach(%Worker{reader: nil} = worker), do: worker

  defp detach(%Worker{reader: {_pid, _ref, monitor}} = worker) do
    Process.demonitor(monitor, [:flush])
    %{worker | reader: nil, done: 0}
  end

  ## Handling

  defp handle([], worker), do: tell(worker)

  defp handle(changes, %Worker{reader: {_, ref, _}} = worker) do
    {some, rest} = Enum.split(changes, worker.own.batch_size)
    worker = some |> call(worker) |> answer(length(some), worker) |> look()
    if match?({_, ^ref, _}, worker.reader), do: handle(rest, worker), else: worker
  end

  # It may be over meanwhile, for this reader or this epoch.
  defp look(%Worker{reader: nil} = worker), do: worker

  defp look(%Worker{reader: {_pid, _ref, monitor}} = worker) do
    receive do
      {Worker, :welcome, pid, ref, in_order?} ->
        attach(%{worker | in_order?: in_order?}, pid, ref)

      {:DOWN, ^monitor, :process, _, _} ->
        detach(worker)
    after
      0 -> worker
    end
  end

  defp call(changes, %Worker{module: module, state: state, opts: opts}) do
    run = fn -> module.handle_changes(changes, state) end

    Callback.run(opts, fn ->
      if Telemetry.attached?([:callback]), do: span(opts, length(changes), run), else: run.()
    end)
  end

  defp span(opts, count, run) do
    Telemetry.span(opts, [:callback], %{callback: :handle_changes, changes: count}, fn ->
      result = run.()
      {result, %{result: if(is_tuple(result), do: elem(result, 0))}}
    end)
  end

  defp answer({:ok, {:ok, state}}, count, worker) do
    worker = %{worker | state: state, done: worker.done + count}
    if Health.now() - worker.told_at < @often, do: worker, else: tell(worker)
  end

  defp answer({:ok, {:error, reason, state}}, count, worker) do
    failed({:failed, reason}, count, %{worker | state: state})
  end

  defp answer({:ok, _other}, count, worker), do: failed({:failed, @wrong}, count, worker)
  defp answer(exception, count, worker), do: failed(exception, count, worker)

  defp tell(%Worker{done: 0} = worker), do: worker

  defp tell(%Worker{reader: {pid, ref, _}, done: count} = worker) do
    send(pid, {Reader, :done, ref, count})
    %{worker | done: 0, told_at: Health.now()}
  end

  # Where the stream starts again, what comes behind the failed one is not for now.
  defp failed(status, count, worker) do
    %Worker{reader: {pid, ref, _}} = worker = tell(worker)
    send(pid, {Reader, :failed, ref, count, status})
    if worker.in_order?, do: detach(worker), else: worker
  end
end
