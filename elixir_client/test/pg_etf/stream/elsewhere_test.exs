defmodule PgEtf.ElsewhereTest do
  # A processor may run on another node: its acknowledgements arrive all the same,
  # and those of an earlier life are known there, too.
  use ExUnit.Case, async: true

  alias PgEtf.{Elsewhere, Peers}

  test "acknowledgements from another node" do
    Process.flag(:trap_exit, true)
    {_peer, other, port} = Peers.first("processors")
    {reader, _} = Peers.start("reader", {127, 0, 0, 2}, port)
    {:ok, _} = :peer.call(reader, :application, :ensure_all_started, [:logger])

    assert :peer.call(reader, Elsewhere, :run, [other], 30_000) ==
             %{again: [2, 3], open: 2, breaches: []}
  end
end
