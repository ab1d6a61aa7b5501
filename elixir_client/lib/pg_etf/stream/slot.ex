defmodule PgEtf.Stream.Slot do
  @moduledoc false
  # Whether the slot of a stream may be made, and what is said when it was: a slot that
  # was there and is not any more has taken along what was not read, and a new one would
  # hide that.

  alias PgEtf.{Error, Lsn}
  alias PgEtf.Stream.{Inbox, KnownSlots, Log, State}

  require Logger

  @doc "The settings of the C program, with what it is to do where there is no slot."
  @spec settings(map, State.t()) :: map
  def settings(%{create: :temporary} = settings, _session), do: settings

  def settings(settings, %State{anew?: true}) do
    settings |> Map.delete(:startpos) |> Map.put(:create, :if_missing)
  end

  def settings(settings, session) do
    known? =
      session.connected? or KnownSlots.get(KnownSlots.key(settings)) != nil or
        (once?(session) and Map.has_key?(settings, :startpos))

    if known?, do: Map.put(settings, :create, :none), else: settings
  end

  defp once?(session), do: session.opts[:create_slot] == :once

  @doc "The session as it starts with these settings."
  @spec started(State.t(), map) :: State.t()
  def started(session, %{create: :temporary}), do: session

  def started(session, settings) do
    %{session | slot: KnownSlots.key(settings), stored: settings[:startpos]}
  end

  @doc "The stream has started: logs what is lost, and stores where a new slot starts."
  @spec connected(State.t(), map) :: State.t()
  def connected(%State{slot: nil} = session, _details), do: session

  def connected(session, details) do
    start = details[:start_lsn]
    last = KnownSlots.get(session.slot) || session.stored
    lost = lost(session, last, start)
    if lost, do: Logger.error("#{Log.label(session.opts)}: #{lost}")
    session = store_start(session, start)
    record(%{session | anew?: false}, start)
  end

  defp lost(%State{anew?: true}, last, start) do
    from = if last, do: "after #{Lsn.to_string(last)} and "
    upto = if start, do: Lsn.to_string(start), else: "its start"
    "the slot was recreated: changes #{from}before #{upto} are lost"
  end

  # Somebody has made it meanwhile, by hand. Or the way led to a server without it, and
  # now leads back: then it is where it was, if nobody else has read on.
  defp lost(%State{error: %Error{class: class}}, last, start)
       when class in [:slot_missing, :slot_lost] and is_integer(last) and is_integer(start) and
              start > last do
    "the slot was missing, and now starts at #{Lsn.to_string(start)}: changes after " <>
      "#{Lsn.to_string(last)} are lost, unless another reader has received them"
  end

  defp lost(_session, _last, _start), do: nil

  # Before anything is handed out, so that from now on something is stored.
  defp store_start(session, start) do
    first? = session.anew? or (once?(session) and session.stored == nil)

    if first? and start != nil and session.opts[:store_position] != nil do
      %{session | inbox: Inbox.put_position(session.inbox, start), stored: start}
    else
      session
    end
  end

  @doc "The slot was read up to here."
  @spec record(State.t(), Lsn.t() | nil) :: State.t()
  def record(%State{slot: slot} = session, lsn) do
    if slot != nil and lsn != nil, do: KnownSlots.put(slot, lsn)
    session
  end

  @doc "An error with what this node knows about a missing slot."
  @spec explain(Error.t(), State.t()) :: Error.t()
  def explain(%Error{class: :slot_missing} = error, %State{slot: slot} = session)
      when slot != nil do
    case KnownSlots.get(slot) || session.stored do
      nil -> error
      lsn -> %{error | hint: hint(lsn)}
    end
  end

  def explain(error, _session), do: error

  defp hint(lsn) do
    "It was read up to #{Lsn.to_string(lsn)}: changes after that are in no slot. " <>
      "PgEtf.resume(stream, create_slot: true) recreates the slot; copy the data afterwards."
  end
end
