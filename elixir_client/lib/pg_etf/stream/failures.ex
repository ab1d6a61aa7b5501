defmodule PgEtf.Stream.Failures do
  @moduledoc false
  # What becomes of messages that failed, and of their stream.

  alias PgEtf.Decode.Deferred
  alias PgEtf.{Error, Telemetry}
  alias PgEtf.Stream.{AckTracker, Backoff, Callback, Failure, Log, Requeue, State}

  @doc """
  Decides about messages that failed: which are done all the same, and whether the stream
  has to end here. Those that are handed out again stay open.
  """
  @spec settle(State.t(), [Failure.t()]) ::
          {nil | {:halt | :retry, Error.t()}, [AckTracker.seq()], State.t()}
  def settle(session, failures) do
    {again, others} = Enum.split_with(failures, &(&1.action == :requeue))
    {given_up, session} = requeue(session, again)
    emit(session, others)
    {done, failed} = Enum.split_with(given_up ++ others, &(&1.action == :ack))
    {verdict(failed), Enum.map(done, & &1.seq), session}
  end

  defp verdict([]), do: nil

  defp verdict(failed) do
    worst = Enum.find(failed, hd(failed), &(&1.action == :halt))
    {worst.action, Failure.error(worst, length(failed) - 1)}
  end

  ## Handing out again

  defp requeue(session, []), do: {[], session}

  defp requeue(session, failures) do
    {tried, requeue} =
      Enum.map_reduce(failures, session.requeue, fn failure, requeue ->
        {tries, requeue} = Requeue.fail(requeue, failure.seq)
        {%{failure | tries: tries}, requeue}
      end)

    session = %{session | requeue: requeue}
    {last, more} = Enum.split_with(tried, &(&1.tries >= session.opts[:max_attempts]))
    {again, given_up} = last |> give_up(session) |> Enum.split_with(&(&1.action == :requeue))
    emit(session, more ++ last)
    session = log_given_up(session, given_up)
    {given_up, schedule_retry(session, again ++ more)}
  end

  defp give_up(failures, %State{opts: opts} = session) do
    for failure <- failures do
      case opts[:after_attempts] do
        action when action in [:halt, :ack] -> %{failure | action: action}
        fun -> dead_letter(failure, fun, session)
      end
    end
  end

  # One that cannot be put aside is tried again with the message.
  defp dead_letter(failure, fun, session) do
    data = session.requeue |> Requeue.data(failure.seq) |> Deferred.finish()

    case Callback.run(session.opts, fn -> fun.(data, failure.reason) end) do
      {:ok, :ok} -> %{failure | action: :ack}
      {:ok, {:ok, _}} -> %{failure | action: :ack}
      {:ok, other} -> Failure.not_put_aside(failure, {:returned, other})
      exception -> Failure.not_put_aside(failure, exception)
    end
  end

  defp schedule_retry(session, []), do: session

  defp schedule_retry(session, failures) do
    seqs = failures |> Enum.map(& &1.seq) |> Enum.sort()
    tries = failures |> Enum.map(& &1.tries) |> Enum.max()
    delay = Backoff.pause(tries - 1, session.opts)
    State.schedule(session, {:again, seqs}, delay)
    error = Failure.error(hd(failures), length(failures) - 1)
    log(session, {:message, :warning, error, "attempt #{tries + 1} in #{delay} ms"})
  end

  defp log_given_up(session, []), do: session
  defp log_given_up(session, [%Failure{action: :halt} | _]), do: session

  defp log_given_up(session, [failure | others]) do
    error = Failure.error(failure, length(others))
    log(session, {:given_up, error, "given up after #{failure.tries} attempts"})
  end

  defp log(session, event), do: %{session | log: Log.report(session.log, session.opts, event)}

  defp emit(session, failures) do
    for {action, [first | _] = failures} <- Enum.group_by(failures, & &1.action) do
      metadata = first |> Failure.details() |> Map.put(:action, action)
      Telemetry.execute(session.source, [:failure], %{count: length(failures)}, metadata)
    end
  end
end
