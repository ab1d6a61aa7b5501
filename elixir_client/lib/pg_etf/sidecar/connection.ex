defmodule PgEtf.Sidecar.Connection do
  @moduledoc false
  # One backend's connection: reads packets, starts a process for each request, and
  # kills it when the backend goes away.
  #
  # Two states, two receives. The socket is active while a request runs, or the end of
  # the backend would not be seen.

  alias PgEtf.Sidecar.{Atoms, Config, Failure, Request}

  require Logger

  @version 1
  @greeting_ms 5_000
  # Packets that the socket may deliver before it asks: one is usual, so this only
  # spares most calls the asking.
  @packets 16

  @spec serve(:gen_tcp.socket(), PgEtf.Sidecar.Config.t()) :: :ok
  def serve(socket, config) do
    Process.flag(:trap_exit, true)
    Atoms.ensure()
    :ok = :inet.setopts(socket, active: @packets)

    case greet(socket, config) do
      {:ok, caller, heap} ->
        idle(%{
          config: config,
          socket: socket,
          connection: self(),
          caller: caller,
          heap: heap
        })

      :close ->
        :ok
    end
  after
    :gen_tcp.close(socket)
  end

  defp greet(socket, config) do
    receive do
      {:tcp, ^socket, packet} -> answer(decode(packet), socket, config)
      {:tcp_closed, ^socket} -> :close
      {:tcp_error, ^socket, _reason} -> :close
      {:EXIT, _parent, reason} -> exit(reason)
    after
      @greeting_ms -> :close
    end
  end

  defp answer({:hello, @version, %{} = who}, socket, config) do
    if full?(config), do: refuse(socket, config), else: welcome(who, socket, config)
  end

  defp answer({:hello, _other, _who}, socket, _config) do
    transmit(socket, {:hello, @version, %{}})
    :close
  end

  defp answer(_else, _socket, _config), do: :close

  defp welcome(who, socket, config) do
    hello = %{boot: config.boot, otp: otp(), max_bytes: config.max_message_bytes}
    transmit(socket, {:hello, @version, hello})
    {heap, caller} = Map.pop(who, :heap, config.heap_words)
    {:ok, caller, heap}
  end

  # This one is counted, too.
  defp full?(config) do
    DynamicSupervisor.count_children(config.connections).active > config.max_connections
  end

  defp refuse(socket, config) do
    failure = Failure.full(config.max_connections, Config.max_files())
    transmit(socket, Failure.to_answer(failure, 0))
    :close
  end

  defp idle(%{socket: socket} = context) do
    receive do
      {:tcp, ^socket, packet} ->
        pid = spawn_link(Request, :run, [packet, context])
        busy(pid, packet, context)

      {:tcp_passive, ^socket} ->
        :inet.setopts(socket, active: @packets)
        idle(context)

      {:tcp_closed, ^socket} ->
        :ok

      {:tcp_error, ^socket, _reason} ->
        :ok

      {:EXIT, _parent, reason} ->
        exit(reason)

      _what_a_function_sent ->
        idle(context)
    end
  end

  defp busy(pid, packet, %{socket: socket} = context) do
    receive do
      {:done, ^pid} ->
        idle(context)

      {:tcp, ^socket, more} ->
        send(pid, {PgEtf.Sidecar, more})
        busy(pid, packet, context)

      {:tcp_passive, ^socket} ->
        :inet.setopts(socket, active: @packets)
        busy(pid, packet, context)

      {:tcp_closed, ^socket} ->
        Process.exit(pid, :kill)
        :ok

      {:tcp_error, ^socket, _reason} ->
        Process.exit(pid, :kill)
        :ok

      {:EXIT, ^pid, reason} ->
        ended(reason, packet, context)

      {:EXIT, _parent, reason} ->
        Process.exit(pid, :kill)
        exit(reason)
    end
  end

  # The process of a request ended without an answer.
  defp ended(reason, packet, context) do
    case title(packet) do
      {:ok, {id, title}} ->
        failure = Failure.ended(title, reason)
        transmit(context.socket, Failure.to_answer(failure, id))
        idle(context)

      :error ->
        Logger.warning("a backend sent a packet that is no request; its connection is closed")
        transmit(context.socket, Failure.to_answer(Failure.unreadable(), Request.id(packet)))
    end
  end

  defp title(packet) do
    {:ok, Request.title(packet)}
  rescue
    _ -> :error
  end

  defp decode(packet) do
    :erlang.binary_to_term(packet, [:safe])
  rescue
    ArgumentError -> :malformed
  end

  defp transmit(socket, term), do: :gen_tcp.send(socket, :erlang.term_to_binary(term))

  defp otp, do: List.to_string(:erlang.system_info(:otp_release))
end
