defmodule PgEtf.Stream.Tables do
  @moduledoc false
  # Warnings about tables when they are first seen: what a handler may trip over, once for
  # each.

  alias PgEtf.Relation
  alias PgEtf.Stream.{Inbox, Log, State}

  require Logger

  @doc "Logs warnings about the tables described since the last time."
  @spec log_new(State.t()) :: State.t()
  def log_new(%State{inbox: %Inbox{met: []}} = session), do: session

  def log_new(%State{inbox: inbox, opts: opts} = session) do
    warnings = for relation <- inbox.met, warning <- warnings(relation, opts), do: warning
    news = Enum.uniq(warnings) -- MapSet.to_list(session.warned)
    for text <- news, do: Logger.warning("#{Log.label(opts)}: table #{text}")
    %{session | inbox: %{inbox | met: []}, warned: Enum.into(news, session.warned)}
  end

  defp warnings(text, _opts) when is_binary(text), do: [text]

  defp warnings(%Relation{} = relation, opts) do
    table = "#{show(relation.schema)}.#{show(relation.table)}"
    identity(table, relation, opts[:actions]) ++ names(table, relation.without_atom)
  end

  # Under REPLICA IDENTITY FULL the old row is complete.
  defp identity(table, %Relation{key_names: [], identity: identity}, actions)
       when identity != :full do
    if :update in actions or :delete in actions do
      [
        "#{table} has no replica identity: its updates and deletes do not identify the row; add " <>
          "a primary key, or set REPLICA IDENTITY FULL"
      ]
    else
      []
    end
  end

  defp identity(_table, _relation, _actions), do: []

  defp names(_table, []), do: []

  defp names(table, columns) do
    columns = Enum.map_join(columns, ", ", &inspect/1)

    [
      "#{table} uses strings as names, since these atoms do not exist: #{columns} (see option " <>
        ":keys)"
    ]
  end

  defp show(name) when is_binary(name), do: name
  defp show(name), do: inspect(name)
end
