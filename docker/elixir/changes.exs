# Prints the changes of the database that DATABASE_URL names, and serves the page.
defmodule Changes do
  use PgEtf.Consumer, slot: "elixir", create_slot: true

  @impl true
  def handle_changes(changes, state) do
    for change <- changes, do: IO.inspect({change.op, change.table, change.record || change.key})
    {:ok, state}
  end
end

# Within a container everybody is elsewhere; compose.yaml opens the port to this
# machine alone.
children = [
  {Changes, connection: System.fetch_env!("DATABASE_URL")},
  {PgEtf.Web, ip: {0, 0, 0, 0}}
]

{:ok, _} = Supervisor.start_link(children, strategy: :one_for_one)
Process.sleep(:infinity)
