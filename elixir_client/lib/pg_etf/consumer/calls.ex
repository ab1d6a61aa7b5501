defmodule PgEtf.Consumer.Calls do
  @moduledoc false
  # Calls the callbacks of a consumer, and reads what they return.

  alias PgEtf.{Consumer, Error, Lsn, Prepared, Telemetry, Transaction}
  alias PgEtf.Consumer.Server
  alias PgEtf.Stream.Callback

  import Lsn, only: [is_lsn: 1]

  @no_reply "handle_info/2 returned neither {:noreply, state} nor {:stop, reason, state}"

  defguardp is_position(value) when value == nil or is_lsn(value)

  @doc "Handles what was taken. The status of a failure is as in PgEtf.Stream.Failure."
  @spec handle([term], Server.t()) ::
          {:ok | :noack, Consumer.state()} | {:error, status :: term, Consumer.state()}
  def handle(data, %Server{state: state} = consumer) do
    {name, arg} = callback(data)

    case call(consumer, name, [arg, state]) do
      {:ok, {:ok, state}} ->
        {:ok, state}

      {:ok, {:noack, state}} when name != :handle_position ->
        {:noack, state}

      {:ok, {:error, reason, state}} ->
        {:error, {:failed, reason}, state}

      {:ok, _other} ->
        {:error, {:failed, expected(name)}, state}

      exception ->
        {:error, exception, state}
    end
  end

  defp expected(:handle_position), do: "neither {:ok, state} nor {:error, reason, state}"

  defp expected(_name),
    do: "neither {:ok, state} nor {:noack, state} nor {:error, reason, state}"

  defp callback([{:position, lsn}]), do: {:handle_position, lsn}
  defp callback([%Transaction{prepared: nil} = part]), do: {:handle_transaction, part}
  defp callback([%Transaction{} = part]), do: {:handle_prepare, part}
  defp callback([%Prepared{op: :commit} = decision]), do: {:handle_commit_prepared, decision}
  defp callback([%Prepared{} = decision]), do: {:handle_rollback_prepared, decision}
  defp callback(changes), do: {:handle_changes, changes}

  @doc "Handles a message that is not for the stream."
  @spec handle_info(term, Server.t()) ::
          {:noreply, Consumer.state()}
          | {:stop, reason :: term, Consumer.state()}
          | {:error, Error.t()}
  def handle_info(message, %Server{state: state} = consumer) do
    case call(consumer, :handle_info, [message, state]) do
      {:ok, {:noreply, _state} = result} -> result
      {:ok, {:stop, _reason, _state} = result} -> result
      {:ok, _other} -> {:error, %Error{class: :exception, message: @no_reply}}
      exception -> {:error, Error.exception_in("handle_info/2", exception)}
    end
  end

  defp call(%Server{module: module, session: session} = consumer, name, args) do
    Callback.run(session.opts, fn ->
      if consumer.traced?, do: span(consumer, name, args), else: apply(module, name, args)
    end)
  end

  defp span(%Server{module: module, session: session}, name, [arg, _state] = args) do
    Telemetry.span(session.opts, [:callback], about(name, arg), fn ->
      result = apply(module, name, args)
      {result, %{result: if(is_tuple(result), do: elem(result, 0))}}
    end)
  end

  defp about(name, changes) when name == :handle_changes do
    %{callback: name, changes: length(changes)}
  end

  defp about(name, %Transaction{changes: changes}) do
    %{callback: name, changes: length(changes)}
  end

  defp about(name, _arg), do: %{callback: name, changes: 0}

  @doc "The stored position, where there is one to ask for."
  @spec checkpoint(Server.t()) ::
          :none | {:ok, Lsn.t() | nil, Consumer.state()} | {:error, Error.t()}
  def checkpoint(%Server{module: module, state: state, session: session}) do
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
