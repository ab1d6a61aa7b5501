defmodule PgEtf.SecretsTest do
  # A password is in no log event and in no status, even where a formatter hides
  # nothing, however the connection was given.
  use ExUnit.Case, async: true

  alias PgEtf.{Consumer, FakeSlot, LogTo, Producer, Stage}

  @moduletag :capture_log

  @secret "open-sesame"
  @connections [
    keywords: [hostname: "db", password: @secret],
    conninfo: "host=db password=#{@secret}",
    function: {__MODULE__, :from_function}
  ]

  def from_function, do: [password: @secret]

  defmodule Raising do
    @behaviour Consumer

    @impl true
    def handle_changes(_changes, _state), do: raise("cannot handle this")
  end

  defp connection({module, function}), do: Function.capture(module, function, 0)
  defp connection(connection), do: connection

  setup do
    Process.flag(:trap_exit, true)
    LogTo.start()
  end

  for {title, connection} <- @connections do
    @connection connection

    defp opts(unquote(title), slot) do
      [connection: connection(@connection), slot: slot, client: FakeSlot]
    end

    test "of a consumer under a supervisor, #{title}" do
      slot = FakeSlot.start([])

      child =
        {Consumer,
         {Raising, nil, [name: :"c_#{slot}", on_exception: :crash] ++ opts(unquote(title), slot)}}

      {:ok, supervisor} =
        Supervisor.start_link([child], strategy: :one_for_one, max_restarts: 1_000)

      [{_, consumer, _, _}] = Supervisor.which_children(supervisor)
      refute LogTo.show(:sys.get_status(consumer)) =~ @secret
      refute LogTo.show(:sys.get_status(supervisor)) =~ @secret
      FakeSlot.append(slot, [1])
      logged = LogTo.wait_for(~r/^(?=.*:gen_server\.format_log).*cannot handle this/s)
      assert logged =~ slot
      refute logged =~ @secret
      Supervisor.stop(supervisor)
      assert inspect(FakeSlot.settings(slot)) =~ @secret
    end

    test "of a producer, #{title}" do
      slot = FakeSlot.start([])
      {:ok, stage} = Stage.start_link(Producer, [on_error: :stop] ++ opts(unquote(title), slot))
      refute LogTo.show(:sys.get_status(stage)) =~ @secret
      FakeSlot.inject(slot, {:fatal, :slot_lost, %{message: slot, hint: "h", sqlstate: ""}})
      logged = LogTo.wait_for(~r/^(?=.*:gen_server\.format_log).*#{slot}/s)
      refute logged =~ @secret
    end
  end

  test "a function that returns no connection does not tell what it returned" do
    opts = PgEtf.Options.validate!(connection: fn -> [@secret] end, slot: "s")
    error = assert_raise(ArgumentError, fn -> PgEtf.Client.Settings.start(opts) end)
    refute Exception.message(error) =~ @secret
  end
end
