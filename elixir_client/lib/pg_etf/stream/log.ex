defmodule PgEtf.Stream.Log do
  @moduledoc false
  # What the log says of a stream, and when.
  #
  # It reports changes of state, not attempts: a failure when it first occurs and when its
  # reason is a new one, then once a minute as long as it lasts; that the stream
  # has ended, at once and then once an hour; that it is connected, when it was
  # not so before as far as the log tells.
  #
  # decide/3 is pure: the time is an argument.

  alias PgEtf.{Error, Lsn, Telemetry}
  alias __MODULE__

  require Logger

  @minute 60_000
  @hour 60 * @minute
  # More reasons of one level than this within their time are a flood, whatever they say.
  @reasons 20

  # said   when each reason was told, how long that counts, and how often it came since
  # down?  the last that was told is not that it is connected
  # first? it was never told to be connected
  # waits? it was told to stand by, and not yet to be connected
  # failed the last transaction of which a message was told to have failed
  defstruct said: %{}, down?: true, first?: true, waits?: false, failed: nil

  @type t :: %Log{}
  @type event ::
          {:failure, Error.t(), delay :: non_neg_integer | nil}
          | {:open_circuit, Error.t(), delay :: non_neg_integer}
          | {:ended, Error.t(), what_next :: String.t()}
          | {:held, Error.t()}
          | {:message, Logger.level(), Error.t(), what_next :: String.t()}
          | {:given_up, Error.t(), what_next :: String.t()}
          | {:flushed, Lsn.t()}
          | {:standby, details :: map}
          | {:connected, details :: map}

  @doc "Logs an event, if it is worth reporting."
  @spec report(t, keyword, event) :: t
  def report(log, opts, event) do
    case decide(log, event, System.monotonic_time(:millisecond)) do
      {nil, log} ->
        log

      {{level, text}, log} ->
        Logger.log(level, "#{label(opts)}: #{text}")
        log
    end
  end

  @doc "What to report about an event at a time in milliseconds."
  @spec decide(t, event, integer) :: {{Logger.level(), String.t()} | nil, t}
  def decide(%Log{down?: false} = log, {:connected, _details}, _now), do: {nil, log}

  def decide(log, {:connected, details}, _now) do
    again = if log.first?, do: "", else: " again"
    said = for {_, {_, @minute, _}} = entry <- log.said, into: %{}, do: entry
    log = %{log | said: said, down?: false, first?: false, waits?: false}
    level = if details[:created] && details[:kept?], do: :warning, else: :info
    {{level, "connected#{again}#{where(details)}"}, log}
  end

  def decide(%Log{waits?: true} = log, {:standby, _details}, _now), do: {nil, log}

  def decide(log, {:standby, details}, _now) do
    text = "standing by: #{reader(details[:holder_pid])} reads the slot"
    {{:info, text}, %{log | down?: true, waits?: true}}
  end

  # The connection was not lost: reporting it again would look like good news.
  def decide(log, {:failure, %Error{class: :failure} = error, delay}, now) do
    decide(log, {:message, :warning, error, "retrying in #{delay} ms"}, now)
  end

  def decide(log, {:open_circuit, %Error{class: :failure} = error, delay}, now) do
    decide(log, {:message, :error, error, "still failing, retrying in #{delay} ms"}, now)
  end

  def decide(log, {:failure, error, delay}, now) do
    what_next = if delay, do: "retrying in #{delay} ms", else: "waiting"
    report_once(log, {:warning, reason_key(error)}, @minute, now, {error, what_next})
  end

  def decide(log, {:open_circuit, error, delay}, now) do
    what_next = "still failing, retrying in #{delay} ms"
    report_once(log, {:error, reason_key(error)}, @minute, now, {error, what_next})
  end

  # The server has several ways to say that a slot is not there.
  def decide(log, {:ended, error, what_next}, now) do
    report_once(log, {:error, error.class}, @hour, now, {error, what_next})
  end

  # The connection was not lost.
  def decide(log, {:held, error}, now) do
    told = {error, "halted until PgEtf.resume/1"}
    {text, decided} = report_once(log, {:warning, error.message}, @minute, now, told)
    {text, %{decided | down?: log.down?}}
  end

  # A message failed.
  def decide(log, {:message, level, error, what_next}, now) do
    {told, decided} =
      report_once(log, {level, reason_key(error)}, @minute, now, {error, what_next})

    failed = if told, do: later(log.failed, error.details[:commit_lsn]), else: log.failed
    {told, %{decided | down?: log.down?, failed: failed}}
  end

  # It counts as done, which is no success.
  def decide(log, {:given_up, error, what_next}, now) do
    {told, decided} = decide(log, {:message, :error, error, what_next}, now)
    {told, %{decided | failed: nil}}
  end

  # Ends of transactions are behind their commits.
  def decide(%Log{failed: failed} = log, {:flushed, lsn}, _now)
      when failed != nil and lsn > failed do
    text = "the failed message has been handled, confirmed up to #{Lsn.to_string(lsn)}"
    {{:info, text}, %{log | failed: nil}}
  end

  def decide(log, {:flushed, _lsn}, _now), do: {nil, log}

  defp later(nil, lsn), do: lsn
  defp later(lsn, nil), do: lsn
  defp later(lsn, other), do: max(lsn, other)

  # Errors are one if they say the same, whatever message it was that failed.
  defp reason_key(error), do: {error.class, error.details[:reason] || error.message}

  defp report_once(log, {level, key}, period, now, told) do
    reason = {level, period, :erlang.phash2(key)}
    said = for {_, {at, period, _}} = entry <- log.said, now - at < period, into: %{}, do: entry

    case said do
      %{^reason => {at, period, muted}} ->
        {nil, %{log | said: %{said | reason => {at, period, muted + 1}}}}

      _ ->
        unless_flood(log, said, reason, now, told)
    end
  end

  # A flood of messages that fail must not hide that the stream has ended.
  defp unless_flood(log, said, {level, period, _} = reason, now, {error, what_next}) do
    if Enum.count(said, &match?({{^level, ^period, _}, _}, &1)) >= @reasons do
      {nil, %{log | said: said}}
    else
      said = Map.put(said, reason, {now, period, 0})
      text = text(error, what_next <> muted(log.said[reason]))
      {{level, text}, %{log | said: said, down?: true}}
    end
  end

  @doc "After a manual retry the same reason is reported again."
  @spec reset(t) :: t
  def reset(%Log{} = log), do: %{log | said: %{}}

  defp reader(pid) when pid in [nil, 0], do: "another process"
  defp reader(pid), do: "server process #{pid}"

  defp muted({_at, _period, muted}) when muted > 0,
    do:
      " (#{muted} more times since the last " <>
        "report)"

  defp muted(_entry), do: ""

  defp text(error, what_next) do
    text = "#{Exception.message(error)}; #{what_next}"

    case error.details[:stacktrace] do
      nil -> text
      stacktrace -> text <> "\n" <> Exception.format_stacktrace(stacktrace)
    end
  end

  defp where(details) do
    place = details[:dbname] && " to #{details[:dbname]} on #{details[:host]}:#{details[:port]}"
    start = details[:start_lsn] && ", from #{Lsn.to_string(details[:start_lsn])}"

    created =
      if details[:created],
        do:
          ", slot created: it only contains changes made after its " <>
            "creation"

    "#{place}#{start}#{created}"
  end

  @doc "The name of the stream in the log."
  @spec label(keyword) :: String.t()
  def label(opts) do
    name = Telemetry.name(opts)

    if name,
      do: "PgEtf #{inspect(name)} (slot #{opts[:slot]})",
      else: "PgEtf (slot #{opts[:slot]})"
  end
end
