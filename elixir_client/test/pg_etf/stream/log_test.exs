defmodule PgEtf.LogTest do
  # What is told of a stream, and when: the clock is an argument.
  use ExUnit.Case, async: true

  alias PgEtf.Error
  alias PgEtf.Stream.Log

  @minute 60_000
  @hour 60 * @minute

  @down %Error{class: :network, message: "refused"}
  @place %{dbname: "shop", host: "db", port: 5432, start_lsn: 0x1A2B, created: true}

  # What is told of events at their times, as {time, level, text}.
  defp told(events) do
    {told, _} =
      Enum.flat_map_reduce(events, %Log{}, fn {now, event}, log ->
        case Log.decide(log, event, now) do
          {nil, log} -> {[], log}
          {{level, text}, log} -> {[{now, level, text}], log}
        end
      end)

    told
  end

  defp failure(message), do: {:failure, %{@down | message: message}, 100}

  test "the first connection, and one after a failure that was told" do
    assert [{0, :info, first}, {2, :warning, _}, {3, :info, "connected again"}] =
             told([
               {0, {:connected, @place}},
               {1, {:connected, @place}},
               {2, failure("refused")},
               {3, {:connected, %{}}}
             ])

    assert first ==
             "connected to shop on db:5432, from 0/1A2B, slot created: it only contains changes made after its creation"
  end

  test "a failure at once, then once a minute, with how often it came" do
    attempts = for now <- 0..(3 * @minute)//1_000, do: {now, failure("refused")}

    assert [
             {0, :warning, "network: refused; retrying in 100 ms"},
             {@minute, :warning, second},
             {_, :warning, _},
             {_, :warning, _}
           ] = told(attempts)

    assert second =~ "(59 more times since the last report)"
  end

  test "how often stands before the stacktrace" do
    error = %{@down | details: %{stacktrace: [{LogTest, :f, 0, []}]}}
    attempts = for now <- [0, 1, @minute], do: {now, {:failure, error, 100}}
    assert [{0, :warning, _}, {@minute, :warning, text}] = told(attempts)
    assert text =~ ~r/ ms \(1 more times since the last report\)\n.*LogTest/s
  end

  test "each new reason, and no flood of reasons" do
    assert [_, _] = told(for n <- 1..10, do: {n, failure("reason #{rem(n, 2)}")})
    flood = for n <- 1..1_000, do: {n, failure("reason #{n}")}
    assert length(told(flood)) == 20
  end

  test "a flood hides neither an end, nor what is given up" do
    error = %Error{class: :failure, message: "odd"}
    flood = for n <- 1..100, do: {n, failure("reason #{n}")}

    assert [{101, :error, _}, {102, :error, _}, {103, :error, _}] =
             told(
               flood ++
                 [
                   {101, {:message, :error, error, "given up"}},
                   {102, {:open_circuit, @down, 100}},
                   {103, {:ended, error, "halted"}}
                 ]
             )
             |> Enum.drop(20)
  end

  test "a connection that comes and goes is told as often as its failure" do
    flapping =
      for now <- 0..(@minute - 1)//1_000,
          event <- [failure("reset"), {:connected, @place}],
          do: {now, event}

    assert [{0, :warning, _}, {0, :info, _}] = told(flapping)
  end

  test "standing by, until it is connected" do
    standby = {:standby, %{holder_pid: 17}}

    assert [
             {0, :info, "standing by: server process 17 reads the slot"},
             {2, :info, "connected"},
             {3, :info, "standing by" <> _}
           ] = told([{0, standby}, {1, standby}, {2, {:connected, %{}}}, {3, standby}])
  end

  test "an open circuit is an error, though its reason was told" do
    circuit = {:open_circuit, @down, 30_000}

    assert [{0, :warning, _}, {1, :error, text}, {@minute, :error, _}] =
             told([{0, {:failure, @down, 1}}, {1, circuit}, {2, circuit}, {@minute, circuit}]) ++
               [{@minute, :error, ""}]

    assert text =~ "still failing"
  end

  test "an end is told once, with its hint, and again after an hour or a connection" do
    error = %Error{class: :slot_lost, message: "gone", hint: "Copy the data again."}
    ended = {:ended, error, "halted"}
    attempts = for now <- 0..(@hour - 1)//5 * @minute, do: {now, ended}
    assert [{0, :error, text}] = told(attempts)
    assert text == "slot_lost: gone (Copy the data again.); halted"
    assert [_, _] = told(attempts ++ [{@hour, ended}])
    other = {:ended, %{error | message: "gone, in other words"}, "halted"}
    assert [{0, :error, _}] = told([{0, ended}, {1, other}])
    assert [_, _] = told([{0, ended}, {1, {:ended, %{error | class: :auth}, "halted"}}])
    assert [_, _, _] = told([{0, ended}, {1, {:connected, %{}}}, {2, ended}])
  end

  test "that a failure is over, where it was told and not given up" do
    error = %Error{class: :failure, message: "no", details: %{reason: :no, commit_lsn: 100}}
    failure = {:failure, error, 1}

    assert [
             {0, :warning, _},
             {2, :info, "the failed message has been handled, confirmed up to 0/96"}
           ] =
             told([{0, failure}, {1, {:flushed, 50}}, {2, {:flushed, 150}}, {3, {:flushed, 250}}])

    # A failure that was not told is over without a word.
    again = [{3, failure}, {4, {:flushed, 350}}]
    assert [_, _] = told([{0, failure}, {2, {:flushed, 150}} | again])

    given_up = {:given_up, error, "given up after 2 attempts"}

    assert [{0, :warning, _}, {1, :error, _}] =
             told([{0, failure}, {1, given_up}, {2, {:flushed, 150}}])
  end

  test "the reason of a failed message is the same wherever it failed" do
    failures =
      for index <- 0..9 do
        failure = PgEtf.Stream.Failure.new(index, :retry, %{index: index}, {:failed, :sink_away})
        {index, {:failure, PgEtf.Stream.Failure.error(failure), 1}}
      end

    # What is connected anew for the next attempt is no good news.
    connected = {:connected, %{}}
    [{0, {:failure, error, 1}} | _] = failures
    events = failures ++ [{10, {:open_circuit, error, 1}}]
    attempts = for {now, _} = event <- events, do: [event, {now, connected}]

    assert [{-1, :info, _}, {0, :warning, text}, {10, :error, _}] =
             told([{-1, connected} | List.flatten(attempts)])

    assert text =~ "index 0"
    assert text =~ ":sink_away"
  end
end
