defmodule PgEtf.Stream.Start do
  @moduledoc false
  # The settings with which the client program starts.

  alias PgEtf.Client.Settings
  alias PgEtf.Error
  alias PgEtf.Stream.{Backfills, Callback, Slot, State}

  import PgEtf.Lsn, only: [is_lsn: 1]

  @doc "The settings of the `start` command, or an error."
  @spec settings(State.t()) :: {:ok, map} | {:error, Error.t()}
  def settings(%State{opts: opts} = session) do
    with {:ok, lsn} <- position(session),
         at = Keyword.replace(opts, :start_position, opts[:start_position] && fn -> lsn end),
         {:ok, settings} <- call(session, "connection", fn -> Settings.start(at) end) do
      {:ok,
       settings |> Map.merge(session.origin || %{}) |> Slot.settings(session) |> snapshot(session)}
    end
  end

  # The program waits for the request before it makes a slot.
  defp snapshot(settings, session) do
    if Backfills.first?(session), do: Map.put(settings, :snapshot, :on), else: settings
  end

  @doc "The position to start at, read again."
  @spec position(State.t()) :: {:ok, PgEtf.Lsn.t() | nil} | {:error, Error.t()}
  def position(%State{anew?: true}), do: {:ok, nil}

  def position(%State{opts: opts} = session) do
    case call(session, "start_position", opts[:start_position]) do
      {:ok, lsn} when lsn != nil and not is_lsn(lsn) ->
        {:error, Error.no_position("start_position", lsn)}

      result ->
        result
    end
  end

  defp call(session, name, fun) when is_function(fun, 0) do
    with {_kind, _reason, _stacktrace} = exception <- Callback.run(session.opts, fun) do
      {:error, Error.exception_in(name, exception)}
    end
  end

  defp call(_session, _name, value), do: {:ok, value}
end
