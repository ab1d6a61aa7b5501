defmodule PgEtf.Sidecar.Request do
  @moduledoc false
  # One request, from its packet to its answer, in a process of its own. So what a
  # request costs, its decoding included, counts into the limit of its own process, and
  # a call that is canceled is a process that is killed.

  alias PgEtf.Functions.Listing
  alias PgEtf.Sidecar.{Call, Failure, Loader, Reply, Results, Stats}

  @type context :: %{
          config: PgEtf.Sidecar.Config.t(),
          socket: :gen_tcp.socket(),
          connection: pid,
          caller: PgEtf.Functions.caller(),
          heap: non_neg_integer
        }

  @spec run(binary, context) :: no_return
  def run(packet, context) do
    set_heap(context.heap)
    request = decode!(packet)
    reply = reply(context, elem(request, 1))
    Reply.remember(reply)
    {title, result} = handle(request, reply, context)
    Reply.finish(reply, title, result)
    # Ends what the function linked to itself and left behind.
    exit(:shutdown)
  end

  @doc "The number and the name of a request, for an error that it could not send itself."
  @spec title(binary) :: {integer, String.t()}
  def title(packet) do
    case decode(packet) do
      {_, id, name, args, _meta} when is_list(args) -> {id, "#{name}/#{length(args)}"}
      {:async, id, _uuid, name, args, _meta} -> {id, "#{name}/#{length(args)}"}
      request -> {elem(request, 1), to_string(elem(request, 0))}
    end
  end

  @doc "The number of a request that cannot be decoded, as far as it can be seen; else 0."
  @spec id(binary) :: integer
  def id(<<131, ?h, _arity, ?w, size, _kind::binary-size(size), number::binary>>) do
    case number do
      <<97, id, _::binary>> -> id
      <<98, id::signed-32, _::binary>> -> id
      _ -> 0
    end
  end

  def id(_packet), do: 0

  defp handle({:call, _id, name, args, meta}, _reply, context) do
    Stats.count(context.config)
    enter(meta, context)
    {name, Call.run(name, args)}
  end

  defp handle({:stream, _id, name, args, meta}, reply, context) do
    Stats.count(context.config)
    enter(meta, context)
    {name, Call.stream(reply, name, args)}
  end

  defp handle({:async, _id, uuid, name, args, meta}, _reply, context) do
    {name, start({uuid, name, args, meta}, context)}
  end

  # What a transaction started, at its commit: all of them, and the first error.
  defp handle({:batch, _id, calls}, _reply, context) do
    results = for call <- calls, do: start(call, context)
    {"elixir_call_async", Enum.find(results, {:ok, true}, &(elem(&1, 0) == :error))}
  end

  defp handle({:result, _id, uuid, wait, meta}, _reply, context) do
    user = if meta[:superuser], do: :superuser, else: caller(meta, context).user
    {"elixir_get_result", {:ok, Results.get(context.config, uuid, user, wait)}}
  end

  defp handle({:check, _id, name, arity}, _reply, _context), do: {name, Call.check(name, arity)}

  defp handle({:functions, _id, module}, _reply, _context) do
    {"elixir_functions", Call.protect("elixir_functions", fn -> Listing.rows(module) end)}
  end

  defp handle({:health, _id}, _reply, context),
    do: {"elixir_health", {:ok, Stats.all(context.config)}}

  defp handle({:load, _id, module, source}, _reply, context) do
    {"elixir_load_code", Loader.load(context.config, module, source)}
  end

  defp handle({:eval, _id, source, meta}, _reply, context) do
    enter(meta, context)
    {"DO", Loader.eval(context.config, source)}
  end

  defp handle(request, _reply, _context) do
    failure = Failure.new("08P01", "the sidecar does not know the request #{elem(request, 0)}")
    {"", {:error, failure}}
  end

  defp start({uuid, name, args, meta}, context) do
    Stats.count(context.config)

    with {:ok, true} <- Call.check(name, length(args)) do
      Results.start(context.config, uuid, {name, args}, caller(meta, context), meta)
    end
  end

  # An error would be logged with the packet, which holds a database's rows.
  defp decode!(packet) do
    decode(packet)
  rescue
    ArgumentError -> exit(:unreadable)
  end

  defp decode(packet), do: :erlang.binary_to_term(packet, [:safe])

  defp reply(context, id) do
    %Reply{
      socket: context.socket,
      connection: context.connection,
      id: id,
      max_bytes: context.config.max_message_bytes
    }
  end

  # For code that is called: who calls, and how much memory it may have.
  defp enter([], context), do: Process.put({PgEtf.Sidecar, :caller}, context.caller)

  defp enter(meta, context) do
    Process.put({PgEtf.Sidecar, :caller}, caller(meta, context))
    if heap = meta[:heap], do: set_heap(heap)
  end

  defp caller(meta, context) do
    case meta[:user] do
      nil -> context.caller
      user -> %{context.caller | user: user}
    end
  end

  @doc "Limits the memory of the calling process, shared binaries included where OTP can."
  @spec set_heap(non_neg_integer) :: term
  def set_heap(words) do
    Process.flag(:max_heap_size, %{
      size: words,
      kill: true,
      error_logger: true,
      include_shared_binaries: true
    })
  end
end
