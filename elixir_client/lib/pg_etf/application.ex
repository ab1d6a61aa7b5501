defmodule PgEtf.Application do
  @moduledoc false

  use Application

  @impl Application
  def start(_type, _args) do
    PgEtf.Streams.create_table()
    PgEtf.Slots.create_table()
    Supervisor.start_link([PgEtf.Streams], strategy: :one_for_one, name: PgEtf.Supervisor)
  end
end
