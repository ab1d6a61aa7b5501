# A pipeline over a fake slot, for the tests that run where Broadway is on the code path.
defmodule PgEtf.TestPipeline do
  use Broadway
  use PgEtf.Pipeline

  import ExUnit.Assertions

  def start(test, slot, opts \\ []) do
    {producer, opts} = Keyword.pop(opts, :producer, [])
    {processors, opts} = Keyword.pop(opts, :processors, concurrency: 2)

    producer = PgEtf.StreamCase.opts(slot, producer)

    Broadway.start_link(
      __MODULE__,
      Keyword.merge(
        [
          name: :"pipeline_#{slot}",
          producer: [module: {PgEtf.Producer, producer}, concurrency: 1],
          processors: [default: processors],
          context: test
        ],
        opts
      )
    )
  end

  @impl true
  def handle_message(_, message, test) do
    case test do
      %{handle: fun} ->
        fun.(message)

      test ->
        send(test, {:row, message.data.record["id"]})
        message
    end
  end

  @impl true
  def handle_batch(_, messages, _, test) do
    if is_pid(test), do: send(test, {:batch, Enum.map(messages, & &1.data.record["id"])})
    messages
  end

  ## What tests ask of it

  def name(slot), do: :"pipeline_#{slot}"

  def rows(count) do
    for _ <- 1..count//1 do
      assert_receive {:row, id}, 5_000
      id
    end
  end

  def drained(rows \\ []) do
    receive do
      {:row, id} -> drained([id | rows])
    after
      0 -> Enum.reverse(rows)
    end
  end

  def processor(topology) do
    [%{name: name}] = topology[:processors]
    Process.whereis(:"#{name}_0")
  end
end
