defmodule PgEtf.Outbox.Reader do
  @moduledoc false
  # The consumer behind `use PgEtf.Outbox`: one event at a time, and nothing else.

  alias PgEtf.Outbox

  @doc "Options of a consumer, from those of an outbox."
  @spec options(keyword) :: keyword
  def options(opts) do
    {topics, opts} = Keyword.pop(opts, :topics, ["*"])
    messages = for topic <- topics, do: Outbox.prefix() <> topic
    # No table is one of these.
    own = [messages: messages, exclude_tables: ["*.*"], batch_size: 1]
    Keyword.merge(own, opts)
  end

  @spec handle(module, [PgEtf.Change.t()], term) :: PgEtf.Consumer.result()
  def handle(module, [change], state) do
    case Outbox.event(change) do
      {:ok, event} -> module.handle_event(event, state)
      {:error, reason} -> {:error, reason, state}
      :error -> {:ok, state}
    end
  end
end
