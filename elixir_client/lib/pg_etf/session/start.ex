defmodule PgEtf.Session.Start do
  @moduledoc false
  # What the client program is told to begin with.

  alias PgEtf.{Callback, Error, Options, Session}
  alias PgEtf.Session.Slot

  import PgEtf.Lsn, only: [is_lsn: 1]

  @doc "The settings of the `start` command, or why there are none."
  @spec settings(Session.t()) :: {:ok, map} | {:error, Error.t()}
  def settings(%Session{opts: opts} = session) do
    with {:ok, lsn} <- position(session),
         at = Keyword.replace(opts, :start_position, opts[:start_position] && fn -> lsn end),
         {:ok, settings} <- call(session, "connection", fn -> Options.start_settings(at) end) do
      {:ok, settings |> Map.merge(session.origin || %{}) |> Slot.settings(session)}
    end
  end

  @doc "The position to start at, as it is by now."
  @spec position(Session.t()) :: {:ok, PgEtf.Lsn.t() | nil} | {:error, Error.t()}
  def position(%Session{anew?: true}), do: {:ok, nil}

  def position(%Session{opts: opts} = session) do
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
