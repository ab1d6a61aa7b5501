defmodule PgEtf.Session.Tables do
  @moduledoc false
  # What the log says of tables when they are met: what a handler may trip over, once
  # for each.

  alias PgEtf.{Inbox, Log, Relation, Session}

  require Logger

  @doc "Tells of the tables that were described since the last time."
  @spec tell(Session.t()) :: Session.t()
  def tell(%Session{inbox: %Inbox{met: []}} = session), do: session

  def tell(%Session{inbox: inbox, opts: opts} = session) do
    warnings = for relation <- inbox.met, warning <- warnings(relation, opts), do: warning
    news = Enum.uniq(warnings) -- MapSet.to_list(session.told)
    for text <- news, do: Logger.warning("#{Log.label(opts)}: table #{text}")
    %{session | inbox: %{inbox | met: []}, told: Enum.into(news, session.told)}
  end

  defp warnings(%Relation{} = relation, opts) do
    table = "#{show(relation.schema)}.#{show(relation.table)}"
    identity(table, relation, opts[:actions]) ++ names(table, relation.without_atom)
  end

  # Under REPLICA IDENTITY FULL the old row is there.
  defp identity(table, %Relation{key_names: [], identity: identity}, actions)
       when identity != :full do
    if :update in actions or :delete in actions do
      [
        "#{table} has no replica identity: its updates and deletes do not tell which row it " <>
          "was; give it a primary key, or REPLICA IDENTITY FULL"
      ]
    else
      []
    end
  end

  defp identity(_table, _relation, _actions), do: []

  defp names(_table, []), do: []

  defp names(table, columns) do
    columns = Enum.map_join(columns, ", ", &inspect/1)
    ["#{table} has strings for names, since there are no atoms #{columns} (see option :keys)"]
  end

  defp show(name) when is_binary(name), do: name
  defp show(name), do: inspect(name)
end
