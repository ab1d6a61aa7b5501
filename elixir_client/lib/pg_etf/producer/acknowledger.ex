defmodule PgEtf.Producer.Acknowledger do
  @moduledoc false
  # From the processes that handle messages back to the one that reads.
  #
  # ack/3 runs wherever Broadway finishes a batch, and must not fail: Broadway
  # logs an exception there and continues, and the messages would stay open. All it
  # does is to send. The reference is the incarnation of the stream, so an
  # acknowledgement that arrives too late cannot be mistaken for a new one. It has
  # nothing else in it, since Broadway hashes it several times for each message. The data
  # are copied with each message, and read with each acknowledgement: hence a tuple.
  #
  # Broadway's struct is not named, and its behaviour only where it is.

  alias PgEtf.Stream.{AckTracker, Failure}

  if Code.ensure_loaded?(Broadway.Acknowledger), do: @behaviour(Broadway.Acknowledger)

  @type ack_ref :: reference
  @type ack_data ::
          {producer :: pid, AckTracker.seq(), on_failure :: Failure.action(), requeue? :: boolean}

  @actions [:ack, :retry, :halt]

  @spec ack(ack_ref, [map], [map]) :: :ok
  def ack(incarnation, successful, failed) do
    producer = producer(successful) || producer(failed)
    seqs = for %{acknowledger: {_, _, {_, seq, _, _}}} <- successful, do: seq

    send(producer, {__MODULE__, incarnation, seqs, Enum.map(failed, &failure/1)})
    :ok
  end

  defp producer([%{acknowledger: {_, _, {producer, _, _, _}}} | _]), do: producer
  defp producer([]), do: nil

  # A message of GenStage alone has a status only if its consumer gives it one.
  defp failure(%{acknowledger: {_, _, {_, seq, action, _}}} = message) do
    Failure.new(seq, action, Map.get(message, :metadata, %{}), Map.get(message, :status))
  end

  @spec configure(ack_ref, ack_data, keyword) :: {:ok, ack_data}
  def configure(_ack_ref, ack_data, options) do
    {:ok, Enum.reduce(options, ack_data, &put_option/2)}
  end

  defp put_option({:on_failure, action}, {producer, seq, _, requeue?})
       when action in @actions or (action == :requeue and requeue?) do
    {producer, seq, action, requeue?}
  end

  # What is handed out again has to be kept, from the beginning.
  defp put_option({:on_failure, :requeue}, _ack_data) do
    raise ArgumentError,
          "a message can have on_failure: :requeue where it is the producer's option, too"
  end

  defp put_option({:on_failure, action}, _ack_data) do
    raise ArgumentError,
          "expected :on_failure to be one of :ack, :retry, :requeue, :halt, got: #{inspect(action)}"
  end

  defp put_option({name, _value}, _ack_data) do
    raise ArgumentError, "unknown option #{inspect(name)}, the only option is :on_failure"
  end
end
