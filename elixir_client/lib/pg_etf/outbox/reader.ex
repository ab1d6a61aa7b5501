defmodule PgEtf.Outbox.Reader do
  @moduledoc false
  # The consumer behind `use PgEtf.Outbox`: one event at a time, and nothing else.

  alias PgEtf.Outbox

  # It reads messages, one at a time.
  @decided [:messages, :batch_size, :max_changes, :batch_timeout]
  @about_rows [:tables, :exclude_tables, :include_columns, :exclude_columns, :mask_columns] ++
                [:actions, :updates, :skip_unchanged, :split_key_changes, :keys, :into] ++
                [:types, :ddl, :snapshot]

  @doc "Options of a consumer, from those of an outbox, of which some are given to `use`."
  @spec options(keyword, keyword) :: keyword
  def options(opts, defaults) do
    all = Keyword.merge(defaults, opts)

    for option <- @decided ++ @about_rows, Keyword.has_key?(all, option) do
      raise ArgumentError, "option #{inspect(option)} is not for an outbox: it reads its :topics"
    end

    messages = for topic <- topics!(all[:topics] || ["*"]), do: Outbox.prefix() <> topic
    # No table is one of these.
    own = [messages: messages, exclude_tables: ["*.*"], batch_size: 1]
    Keyword.merge(own, Keyword.delete(opts, :topics))
  end

  defp topics!([_ | _] = topics) do
    if Enum.all?(topics, &is_binary/1), do: topics, else: topics!(:wrong)
  end

  defp topics!(_other), do: raise(ArgumentError, "expected option :topics to be a list of texts")

  @spec handle(module, [PgEtf.Change.t()], term) :: PgEtf.Consumer.result()
  def handle(module, [change], state) do
    case Outbox.event(change) do
      {:ok, event} -> module.handle_event(event, state)
      {:error, reason} -> {:error, reason, state}
      :error -> {:ok, state}
    end
  end
end
