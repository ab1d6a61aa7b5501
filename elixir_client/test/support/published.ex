defmodule PgEtf.Published do
  @moduledoc false
  # The guide "To a message broker", with a broker: its code, what goes wrong meanwhile,
  # and what has to have arrived in the end.

  import ExUnit.Assertions
  import PgEtf.Eventually
  import PgEtf.Integration

  alias PgEtf.{Broker, Sandbox}

  @guide "guides/to-a-broker.md"
  @slot "publisher"
  @keys 10

  # Where the library is not.
  @jason """
  defmodule Jason do
    def encode!(term), do: term |> PgEtf.Json.encode_to_iodata!() |> IO.iodata_to_binary()
  end
  """

  @doc "The blocks of code below a heading."
  def blocks(heading, language) do
    [_, section] = @guide |> File.read!() |> String.split("# #{heading}\n", parts: 2)

    ~r/^```#{language}\n(.*?)^```/ms
    |> Regex.scan(section |> String.split("\n## ") |> hd(), capture: :all_but_first)
    |> List.flatten()
  end

  @doc "Defines the modules of a section, and returns the code of its children."
  def define(heading) do
    unless Code.ensure_loaded?(Jason), do: Code.eval_string(@jason)
    [event, publisher | _] = blocks("To a message broker", "elixir")
    [broker, children] = blocks(heading, "elixir")

    common =
      if Code.ensure_loaded?(Module.concat(["Shop.Event"])), do: [], else: [event, publisher]

    for code <- common ++ [broker], do: Code.eval_string(code, [], file: @guide)
    children
  end

  @doc "The children of a section, with words replaced."
  def children(heading, sandbox, {from, to}) do
    children = define(heading)
    assert children =~ from
    binding = [connection: Sandbox.connection(sandbox)]
    {children, _} = children |> String.replace(from, to) |> Code.eval_string(binding)
    children
  end

  def create(sandbox) do
    create_slot(sandbox, @slot)
    Sandbox.psql!(sandbox, "CREATE TABLE orders (id int PRIMARY KEY, n int)")
    Sandbox.psql!(sandbox, "INSERT INTO orders SELECT g, 0 FROM generate_series(1, #{@keys}) g")
  end

  @doc "Counts up rows, in transactions of three changes."
  def update(sandbox, count) do
    Sandbox.psql!(sandbox, """
    DO $$ BEGIN
      FOR i IN 1..#{count} LOOP
        UPDATE orders SET n = n + 1 WHERE id = 1 + floor(random() * #{@keys});
        IF i % 3 = 0 THEN COMMIT; END IF;
      END LOOP;
    END $$;
    """)
  end

  @doc "What the broker refuses is not lost, and does not end anything."
  def refused(sandbox, publisher) do
    written = current(sandbox)
    eventually(fn -> PgEtf.info(publisher).error != nil end)
    assert confirmed(sandbox, @slot) < written
  end

  @doc "The broker and the processes, killed in the middle of batches and under load."
  def under_faults(sandbox, broker, {publisher, process}) do
    for victim <- [publisher, process, :broker] do
      frozen(sandbox, publisher, &signal(broker, &1), fn -> fail(victim, broker) end)
    end

    for victim <- [process, publisher, :broker] do
      update(sandbox, 3_000)
      if victim == :broker, do: Broker.kill(broker), else: kill(victim)
      update(sandbox, 60)
      if victim == :broker, do: assert(confirmed(sandbox, @slot) < current(sandbox))
      if victim == :broker, do: Broker.run(broker)
    end

    wait(sandbox)
  end

  @doc "A failure while the broker has not answered what was sent to it."
  def frozen(sandbox, publisher, signal, fail) do
    wait(sandbox)
    signal.("STOP")
    update(sandbox, 600)
    eventually(fn -> in_flight(publisher) > 0 end)
    fail.()
    signal.("CONT")
  end

  defp signal(broker, "STOP"), do: Broker.freeze(broker)
  defp signal(broker, "CONT"), do: Broker.thaw(broker)

  defp fail(:broker, broker), do: with(:ok <- Broker.kill(broker), do: Broker.run(broker))
  defp fail(process, _broker), do: kill(process)

  def kill(name), do: name |> Process.whereis() |> Process.exit(:kill)

  defp in_flight(publisher) do
    PgEtf.info(publisher).in_flight
  rescue
    ArgumentError -> 0
  end

  @doc "All that was written is published."
  def wait(sandbox) do
    written = current(sandbox)
    eventually(fn -> confirmed(sandbox, @slot) >= written end, 90_000)
  end

  @doc """
  Messages, `{id, body}`, are all changes, those of each row in order. With `:once` none
  is there twice.
  """
  def check(sandbox, messages, how) do
    ids = Enum.map(messages, &elem(&1, 0))
    if how == :once, do: assert(ids == Enum.uniq(ids))
    assert length(Enum.uniq(messages)) == length(Enum.uniq(ids))

    numbers =
      for {_id, body} <- Enum.uniq(messages) do
        %{"op" => op, "record" => %{"id" => id, "n" => n}} = PgEtf.Json.decode!(body)
        assert op == if(n == 0, do: "insert", else: "update")
        {id, n}
      end

    last = for [id, n] <- rows(sandbox), do: {id, Enum.to_list(0..n)}
    assert Enum.group_by(numbers, &elem(&1, 0), &elem(&1, 1)) == Map.new(last)
  end

  defp rows(sandbox) do
    for line <- sandbox |> Sandbox.psql!("SELECT id, n FROM orders") |> String.split() do
      line |> String.split("|") |> Enum.map(&String.to_integer/1)
    end
  end
end
