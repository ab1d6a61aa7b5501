defmodule PgEtf.Consumer.Server do
  @moduledoc false
  # The process of a PgEtf.Consumer: takes from the stream, has the callbacks handle it,
  # and acknowledges.

  use GenServer

  alias PgEtf.{Error, Producer, Telemetry}
  alias PgEtf.Consumer.{Calls, Held}
  alias PgEtf.Stream.{Failure, Health, Log, Session, State, Summary}
  alias __MODULE__

  # Microseconds; the mailbox costs one, and a transaction of one row not much more.
  @turn 1_000

  # working?  a message to continue is in the mailbox
  # timer     of a batch that is not full; :over when it is waited for no longer
  # held      what is acknowledged later
  # informed? the module has handle_info/2
  # traced?   somebody listens to the spans of callbacks; asked once in a turn
  @derive {Inspect, only: [:module, :session, :unit]}
  defstruct [
    :module,
    :state,
    :session,
    :unit,
    :batch,
    :batch_timeout,
    :on_failure,
    :timer,
    held: %Held{},
    informed?: false,
    traced?: false,
    working?: false
  ]

  @type t :: %Server{}

  @impl GenServer
  def init({module, arg, opts, own}) do
    Process.flag(:trap_exit, true)
    {:ok, state} = if exports?(module, :init, 1), do: module.init(arg), else: {:ok, arg}

    consumer = %Server{
      module: module,
      state: state,
      session: Session.new(opts),
      unit: opts[:unit],
      batch: own[:batch_size],
      batch_timeout: own[:batch_timeout],
      on_failure: opts[:on_failure],
      informed?: exports?(module, :handle_info, 2)
    }

    Health.publish(consumer.session)
    {:ok, consumer, {:continue, :connect}}
  end

  @impl GenServer
  def handle_continue(:connect, %{session: %{status: :manual}} = consumer) do
    {:noreply, consumer}
  end

  def handle_continue(:connect, consumer), do: start(consumer, &Session.connect/1)

  def handle_continue(:work, consumer), do: work(trace(consumer), now() + @turn)

  @impl GenServer
  def handle_info({Server, :work}, consumer), do: {:noreply, consumer, {:continue, :work}}

  # Of an earlier batch it makes the next one smaller, and no harm.
  def handle_info({Server, :batch}, consumer) do
    {:noreply, %{consumer | timer: :over}, {:continue, :work}}
  end

  # The stream starts again: the data may be somewhere else by now.
  def handle_info({State, incarnation, :connect}, consumer)
      when incarnation == consumer.session.incarnation do
    start(consumer, &Session.connect/1)
  end

  # So it may be when the slot is free that was stood by for.
  def handle_info({State, incarnation, {:free, seen}}, consumer)
      when incarnation == consumer.session.incarnation do
    start(consumer, &Session.go(&1, seen))
  end

  def handle_info(message, consumer) do
    case Session.handle_info(consumer.session, message) do
      :unknown when consumer.informed? -> inform(message, trace(consumer))
      :unknown -> {:noreply, consumer}
      result -> continue(result, consumer)
    end
  end

  # It is about no message of the stream, so nothing is retried.
  defp inform(message, %Server{session: session} = consumer) do
    case Calls.handle_info(message, consumer) do
      {:noreply, state} ->
        {:noreply, %{consumer | state: state}}

      {:stop, reason, state} ->
        {:stop, reason, %{consumer | state: state}}

      {:error, error} ->
        event = {:message, :error, error, "the message is dropped"}
        session = %{session | log: Log.report(session.log, session.opts, event)}
        {:noreply, %{consumer | session: session}}
    end
  end

  @impl GenServer
  def handle_cast({Server, :ack, places}, %Server{session: session} = consumer) do
    {taken, held} = Held.take(consumer.held, session.incarnation, places)
    seqs = for {_place, seq} <- taken, do: seq
    session = Session.ack(session, session.incarnation, seqs, [])
    continue({:ok, session}, %{consumer | held: held})
  end

  def handle_cast({Server, :fail, places, reason}, %Server{session: session} = consumer) do
    {taken, held} = Held.take(consumer.held, session.incarnation, Map.keys(places))

    failures =
      for {place, seq} <- taken do
        Failure.new(seq, consumer.on_failure, places[place], {:failed, reason})
      end

    session = Session.ack(session, session.incarnation, [], failures)
    continue({:ok, session}, %{consumer | held: held})
  end

  @impl GenServer
  def handle_call({PgEtf, {:resume, opts}}, from, consumer) do
    GenServer.reply(from, :ok)

    cond do
      # It has its place, and does not ask for it again.
      Session.held?(consumer.session) ->
        consumer.session |> Session.resume(opts) |> continue(consumer)

      consumer.session.status == :halted ->
        start(consumer, &Session.resume(&1, opts))

      true ->
        {:noreply, consumer}
    end
  end

  # What PgEtf.Testing.deliver/2 brings: outside of a stream, so nothing is acknowledged.
  def handle_call({PgEtf, {:deliver, data}}, _from, %{session: %{status: :manual}} = consumer) do
    case Calls.handle(data, trace(consumer)) do
      {:error, reason, state} -> {:reply, {:error, reason}, %{consumer | state: state}}
      {handled, state} -> {:reply, handled, %{consumer | state: state}}
    end
  end

  def handle_call({PgEtf, :manual}, _from, %{session: session} = consumer) do
    unit = if session.status == :manual, do: consumer.unit
    {:reply, {unit, session.opts[:into]}, consumer}
  end

  def handle_call({PgEtf, {request, what}}, from, consumer)
      when request in [:backfill, :update] do
    {answer, session} = apply(Session, request, [consumer.session, what])
    GenServer.reply(from, answer)
    continue({:ok, session}, consumer)
  end

  @impl GenServer
  def terminate(reason, consumer) do
    Session.close(consumer.session)

    if exports?(consumer.module, :handle_stop, 2) do
      consumer.module.handle_stop(reason(reason), consumer.state)
    end
  end

  # OTP 25 and newer ask for the one with a map, which also hides the last message;
  # Elixir has known it later.
  if {:format_status, 1} in GenServer.behaviour_info(:callbacks), do: @impl(GenServer)
  @doc false
  def format_status(status), do: Summary.status(status, &summary/1)

  @impl GenServer
  def format_status(:normal, [_dictionary, state]), do: [data: [{~c"State", summary(state)}]]
  def format_status(:terminate, [_dictionary, state]), do: summary(state)

  defp summary(%Server{module: module, session: session}) do
    session |> Summary.of() |> Map.put(:module, module)
  end

  defp reason({%Error{} = error, _stacktrace}), do: error
  defp reason(:normal), do: :shutdown
  defp reason({:shutdown, _}), do: :shutdown
  defp reason(other), do: other

  defp continue({:ok, session}, %{working?: true} = consumer) do
    {:noreply, %{consumer | session: session}}
  end

  defp continue({:ok, session}, consumer) do
    {:noreply, %{consumer | session: session}, {:continue, :work}}
  end

  defp continue({:stop, error, session}, consumer) do
    {:stop, {error, []}, %{consumer | session: session}}
  end

  defp start(%Server{session: session} = consumer, connect) do
    case Calls.checkpoint(consumer) do
      :none ->
        session |> connect.() |> continue(consumer)

      {:ok, lsn, state} ->
        session |> Session.start_at(lsn) |> connect.() |> continue(%{consumer | state: state})

      {:error, error} ->
        session |> Session.fail(error) |> continue(consumer)
    end
  end

  ## Handling

  # A turn handles batches for a while, then looks at the mailbox: the program's
  # words and a request to stop are not kept waiting by a long queue. How it is doing
  # is told before the first batch, which may take long, and after the last.
  defp work(consumer, until, published? \\ false) do
    if wait?(consumer), do: wait(consumer), else: work_on(consumer, until, published?)
  end

  defp work_on(consumer, until, published?) do
    case Session.take_in_order(consumer.session, consumer.batch) do
      {[], session} ->
        Health.publish(session)
        {:noreply, %{consumer | session: session, working?: false}}

      {items, session} ->
        unless published?, do: Health.publish(session)
        consumer = handle(items, %{consumer | session: session, working?: true, timer: nil})
        if now() < until, do: work(consumer, until, true), else: yield(consumer)
    end
  end

  # A batch is waited for once a part of it has arrived. What failed waits on its own.
  defp wait?(%Server{timer: :over}), do: false
  defp wait?(%Server{batch_timeout: 0}), do: false
  defp wait?(consumer), do: Session.filling?(consumer.session, consumer.batch)

  defp wait(%Server{timer: nil} = consumer) do
    timer = Process.send_after(self(), {Server, :batch}, consumer.batch_timeout)
    wait(%{consumer | timer: timer})
  end

  defp wait(consumer) do
    Health.publish(consumer.session)
    {:noreply, %{consumer | working?: false}}
  end

  defp yield(consumer) do
    send(self(), {Server, :work})
    {:noreply, consumer}
  end

  defp handle(items, %Server{session: session} = consumer) do
    {data, seqs} = Enum.unzip(items)

    case Calls.handle(data, consumer) do
      {:ok, state} ->
        session = Session.ack(session, session.incarnation, seqs, [])
        %{consumer | state: state, session: session}

      {:noack, state} ->
        held = Held.keep(consumer.held, session.incarnation, items)
        %{consumer | state: state, held: held}

      {:error, status, state} ->
        failed(items, status, %{consumer | state: state})
    end
  end

  defp failed(items, status, %Server{session: session} = consumer) do
    failures = for item <- items, do: failure(item, status, consumer)
    %{consumer | session: Session.ack(session, session.incarnation, [], failures)}
  end

  # A position that is not stored must not be confirmed.
  defp failure({{:position, lsn}, seq}, status, %{on_failure: action}) do
    action = if action == :halt, do: :halt, else: :retry
    Failure.new(seq, action, %{commit_lsn: lsn}, status)
  end

  defp failure({data, seq}, status, %{on_failure: action}) do
    Failure.new(seq, action, Producer.Message.metadata(data), status)
  end

  defp trace(consumer), do: %{consumer | traced?: Telemetry.attached?([:callback])}

  defp exports?(module, name, arity), do: function_exported?(module, name, arity)
  defp now, do: System.monotonic_time(:microsecond)
end
