defmodule PgEtf.StreamCase do
  @moduledoc false
  # Tests of a stream that reads from a fake slot.

  use ExUnit.CaseTemplate

  alias PgEtf.{FakeSlot, Producer, Stage}

  using do
    quote do
      import PgEtf.Eventually
      import PgEtf.StreamCase

      @moduletag :capture_log
    end
  end

  @doc "Options of a stream with short pauses."
  def opts(slot, more \\ []) do
    defaults = [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2]
    Keyword.merge(defaults, more)
  end

  @doc "Starts a producer, which a stage drives."
  def produce(slot, more \\ []) do
    Process.flag(:trap_exit, true)
    {:ok, stage} = Stage.start_link(Producer, opts(slot, more))
    stage
  end

  @doc "The rows of messages."
  def ids(messages), do: Enum.map(messages, & &1.data.record["id"])

  @doc "Whether a slot is confirmed up to the end of a transaction."
  def done?(slot, transaction), do: FakeSlot.confirmed(slot) == FakeSlot.end_lsn(transaction)
end
