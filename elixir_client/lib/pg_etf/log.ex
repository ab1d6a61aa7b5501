defmodule PgEtf.Log do
  @moduledoc false
  # What the log says of a stream, and when.
  #
  # It tells changes, not attempts: a failure when it is first met and when its
  # reason is a new one, then once a minute as long as it lasts; that the stream
  # has ended, at once and then once an hour; that it is connected, when it was
  # not so before as far as the log tells.
  #
  # decide/3 is pure: it is told the time.

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
  defstruct said: %{}, down?: true, first?: true, waits?: false

  @type t :: %Log{}
  @type event ::
          {:failure, Error.t(), delay :: non_neg_integer}
          | {:open_circuit, Error.t(), delay :: non_neg_integer}
          | {:ended, Error.t(), what_next :: String.t()}
          | {:message, Logger.level(), Error.t(), what_next :: String.t()}
          | {:standby, details :: map}
          | {:connected, details :: map}

  @doc "Tells an event, if it is one to tell."
  @spec tell(t, keyword, event) :: t
  def tell(log, opts, event) do
    case decide(log, event, System.monotonic_time(:millisecond)) do
      {nil, log} ->
        log

      {{level, text}, log} ->
        Logger.log(level, "#{label(opts)}: #{text}")
        log
    end
  end

  @doc "What to tell of an event at a time in milliseconds."
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
    text = "standing by, #{reader(details[:holder_pid])} reads the slot"
    {{:info, text}, %{log | down?: true, waits?: true}}
  end

  # The connection was not lost: that it is there again would pass for good news.
  def decide(log, {:failure, %Error{class: :failure} = error, delay}, now) do
    decide(log, {:message, :warning, error, "trying again in #{delay} ms"}, now)
  end

  def decide(log, {:open_circuit, %Error{class: :failure} = error, delay}, now) do
    decide(log, {:message, :error, error, "still failing, trying again in #{delay} ms"}, now)
  end

  def decide(log, {:failure, error, delay}, now) do
    what_next = "trying again in #{delay} ms"
    once(log, {:warning, says(error)}, @minute, now, {error, what_next})
  end

  def decide(log, {:open_circuit, error, delay}, now) do
    what_next = "still failing, trying again in #{delay} ms"
    once(log, {:error, says(error)}, @minute, now, {error, what_next})
  end

  # The server has several ways to say that a slot is not there.
  def decide(log, {:ended, error, what_next}, now) do
    once(log, {:error, error.class}, @hour, now, {error, what_next})
  end

  # A message failed.
  def decide(log, {:message, level, error, what_next}, now) do
    {told, decided} = once(log, {level, says(error)}, @minute, now, {error, what_next})
    {told, %{decided | down?: log.down?}}
  end

  # Errors are one if they say the same, whatever message it was that failed.
  defp says(error), do: {error.class, error.details[:reason] || error.message}

  defp once(log, {level, says}, period, now, told) do
    reason = {level, period, :erlang.phash2(says)}
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

  @doc "Somebody tries again: the same reason is news."
  @spec forget(t) :: t
  def forget(%Log{} = log), do: %{log | said: %{}}

  defp reader(pid) when pid in [nil, 0], do: "another process"
  defp reader(pid), do: "process #{pid} of the server"

  defp muted({_at, _period, muted}) when muted > 0, do: " (#{muted} more times since last told)"
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
    created = if details[:created], do: ", slot created: changes before that are not in it"
    "#{place}#{start}#{created}"
  end

  @doc "What the log calls the stream."
  @spec label(keyword) :: String.t()
  def label(opts) do
    name = Telemetry.name(opts)

    if name,
      do: "PgEtf #{inspect(name)} (slot #{opts[:slot]})",
      else: "PgEtf (slot #{opts[:slot]})"
  end
end
