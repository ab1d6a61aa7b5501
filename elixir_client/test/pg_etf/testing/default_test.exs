defmodule PgEtf.Testing.DefaultTest do
  # Not while others start streams.
  use ExUnit.Case, async: false

  alias PgEtf.Options

  test "the configuration of the application says how streams start" do
    minimal = [connection: [], slot: "s"]
    assert Options.validate!(minimal)[:testing] == :disabled
    Application.put_env(:pg_etf, :testing, :manual)
    assert Options.validate!(minimal)[:testing] == :manual
    assert Options.validate!(minimal ++ [testing: :disabled])[:testing] == :disabled
  after
    Application.delete_env(:pg_etf, :testing)
  end
end
