defmodule PgEtf.Application do
  @moduledoc false

  use Application

  @impl Application
  def start(_type, _args) do
    PgEtf.Decode.Shared.init()
    PgEtf.Stream.Directory.create_table()
    PgEtf.Stream.KnownSlots.create_table()
    PgEtf.Stream.Updates.create_table()
    PgEtf.Metrics.Counters.create_table()
    PgEtf.Metrics.History.create_table()
    children = [PgEtf.Stream.Directory, PgEtf.Metrics.History]
    Supervisor.start_link(children, strategy: :one_for_one, name: PgEtf.Supervisor)
  end
end
