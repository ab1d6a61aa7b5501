defmodule PgEtf.Stream.Failure do
  @moduledoc false
  # A message that failed: which one it is, why, and what is to be done.

  alias PgEtf.{Error, Lsn}
  alias PgEtf.Stream.{AckTracker, Callback}
  alias __MODULE__

  @enforce_keys [:seq, :action]
  # dead_letter?  after_attempts failed, too: that is the reason then
  defstruct [:seq, :action, :reason, :stacktrace, place: %{}, tries: 1, dead_letter?: false]

  @type action :: :ack | :retry | :requeue | :halt
  @type t :: %Failure{
          seq: AckTracker.seq(),
          action: action,
          reason: term,
          stacktrace: Exception.stacktrace() | nil,
          place: map,
          tries: pos_integer,
          dead_letter?: boolean
        }

  # Bytes of a reason in a message.
  @longest 2_000

  @place [:commit_lsn, :index, :schema, :table]

  @doc """
  Of a message with such metadata. The status is Broadway's: `{:failed, reason}`, or
  what was raised.
  """
  @spec new(AckTracker.seq(), action, map, {:failed, term} | Callback.exception() | term) :: t
  def new(seq, action, metadata, status) do
    failed(%Failure{seq: seq, action: action, place: Map.take(metadata, @place)}, status)
  end

  @doc "Why it failed."
  @spec failed(t, {:failed, term} | Callback.exception() | term) :: t
  def failed(failure, status) do
    case status do
      {:failed, reason} -> %{failure | reason: reason}
      {kind, reason, trace} -> %{failure | reason: {kind, reason}, stacktrace: trace}
      _ -> failure
    end
  end

  @doc "It failed and cannot be set aside: after_attempts raised, or returned something else."
  @spec not_put_aside(t, {:returned, term} | Callback.exception()) :: t
  def not_put_aside(failure, result) do
    failure = %{failure | action: :requeue, dead_letter?: true}

    case result do
      {:returned, value} -> %{failure | reason: {:after_attempts, value}}
      exception -> failed(failure, exception)
    end
  end

  @doc "Its details, for telemetry."
  @spec details(t) :: map
  def details(%Failure{} = failure) do
    Map.merge(Map.new(@place, &{&1, nil}), Map.put(failure.place, :reason, failure.reason))
  end

  @doc "The error with which a stream stops; the others failed with it."
  @spec error(t, others :: non_neg_integer) :: Error.t()
  def error(%Failure{} = failure, others \\ 0) do
    more = if others > 0, do: " and #{others} more"
    often = if failure.tries > 1, do: " #{failure.tries} times"
    aside = if failure.dead_letter?, do: "; after_attempts failed, too"
    reason = because(failure.reason)
    details = details(%{failure | reason: Error.bounded(failure.reason)})

    %Error{
      class: :failure,
      message: "message #{place(failure.place)}#{more} failed#{often}#{aside}#{reason}",
      details: put_stacktrace(details, failure.stacktrace)
    }
  end

  defp put_stacktrace(details, nil), do: details
  defp put_stacktrace(details, stacktrace), do: Map.put(details, :stacktrace, stacktrace)

  defp place(place) do
    lsn = place[:commit_lsn] && Lsn.to_string(place[:commit_lsn])
    index = place[:index] && " index #{place[:index]}"
    table = place[:table] && " of #{place[:schema]}.#{place[:table]}"
    "#{lsn}#{index}#{table}"
  end

  defp because(nil), do: ""

  defp because({kind, reason}) when kind in [:error, :exit, :throw] do
    ": " <> shorten(Exception.format_banner(kind, reason))
  end

  defp because({:after_attempts, value}), do: ": it returned" <> told(value)
  defp because(reason) when is_binary(reason), do: ": " <> shorten(reason)
  defp because(reason), do: ":" <> told(reason)

  defp told(term), do: " " <> inspect(term, limit: 20, printable_limit: 500)

  # It may quote a whole row, of which a log wants no more than the beginning.
  defp shorten(text) when byte_size(text) <= @longest, do: text
  defp shorten(text), do: String.slice(binary_part(text, 0, @longest), 0..-2//1) <> "..."
end
