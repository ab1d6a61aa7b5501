defmodule PgEtf.Producer.Setup do
  @moduledoc false
  # What a producer is started with: options that fit together.

  alias PgEtf.{Options, Producer}

  # What a supervisor prints of its child has no password.
  @spec child_spec(keyword) :: Supervisor.child_spec()
  def child_spec(opts) do
    args = [Producer, Options.conceal(opts), Keyword.take(opts, [:name])]

    %{
      id: opts[:name] || Producer,
      start: {GenStage, :start_link, args},
      shutdown: 2 * Keyword.get(opts, :shutdown_timeout, 5_000)
    }
  end

  @doc "The options with defaults filled in; raises ArgumentError naming what is wrong."
  @spec validate!(keyword) :: keyword
  def validate!(opts) do
    opts = Options.validate!(opts)

    if opts[:two_phase] do
      raise ArgumentError,
            "option :two_phase is for PgEtf.Consumer: processors cannot wait for what becomes " <>
              "of a prepared transaction"
    end

    if opts[:create_slot] == :once and !(opts[:start_position] && opts[:store_position]) do
      raise ArgumentError,
            "create_slot: :once needs a stored position: :start_position and :store_position"
    end

    opts
  end
end
