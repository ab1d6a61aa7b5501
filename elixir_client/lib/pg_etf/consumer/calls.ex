defmodule PgEtf.Consumer.Calls do
  @moduledoc false
  # Calls the callbacks of a consumer, and reads what they return.

  alias PgEtf.{Callback, Consumer, Error, Lsn, Transaction}

  import Lsn, only: [is_lsn: 1]

  defguardp is_position(value) when value == nil or is_lsn(value)

  @doc "Handles what was taken. The status of a failure is as in PgEtf.Failure."
  @spec handle([term], Consumer.t()) ::
          {:ok, Consumer.state()} | {:error, status :: term, Consumer.state()}
  def handle(data, %Consumer{state: state} = consumer) do
    case Callback.run(consumer.session.opts, fn -> call(data, consumer) end) do
      {:ok, {:ok, state}} ->
        {:ok, state}

      {:ok, {:error, reason, state}} ->
        {:error, {:failed, reason}, state}

      {:ok, _other} ->
        {:error, {:failed, "neither {:ok, state} nor {:error, reason, state}"}, state}

      exception ->
        {:error, exception, state}
    end
  end

  defp call([{:position, lsn}], %Consumer{module: module, state: state}) do
    module.handle_position(lsn, state)
  end

  defp call([%Transaction{} = transaction], %Consumer{unit: :transaction} = consumer) do
    consumer.module.handle_transaction(transaction, consumer.state)
  end

  defp call(changes, consumer), do: consumer.module.handle_changes(changes, consumer.state)

  @doc "The stored position, where there is one to ask for."
  @spec checkpoint(Consumer.t()) ::
          :none | {:ok, Lsn.t() | nil, Consumer.state()} | {:error, Error.t()}
  def checkpoint(%Consumer{module: module, state: state, session: session}) do
    if function_exported?(module, :checkpoint, 1) do
      case Callback.run(session.opts, fn -> module.checkpoint(state) end) do
        {:ok, {lsn, state}} when is_position(lsn) -> {:ok, lsn, state}
        {:ok, lsn} when is_position(lsn) -> {:ok, lsn, state}
        {:ok, other} -> {:error, Error.no_position("checkpoint/1", other)}
        exception -> {:error, Error.exception_in("checkpoint/1", exception)}
      end
    else
      :none
    end
  end
end
