defmodule PgEtf.Sidecar.Config do
  @moduledoc false
  # What a sidecar was started with, and the names of its processes.

  @defaults [
    name: PgEtf.Sidecar,
    socket: nil,
    mode: 0o600,
    allowed_uids: [],
    max_connections: 2_048,
    max_message_bytes: 16_777_216,
    call_memory_mb: 128,
    result_ttl: 600,
    max_results: 10_000,
    max_result_bytes: 67_108_864,
    allow_load_code: false,
    code_path: "",
    modules: [],
    apps: nil,
    control: nil
  ]

  # Descriptors that are not for connections: of the BEAM itself, of code that is loaded,
  # of what functions open.
  @other_files 96

  @words_per_mb div(1_048_576, :erlang.system_info(:wordsize))

  defstruct [:boot, :started, :requests, :listener, :connections, :results, :heap_words] ++
              @defaults

  @type t :: %__MODULE__{}

  @spec new(keyword) :: t
  def new(opts) do
    opts = Keyword.validate!(opts, @defaults)

    unless is_binary(opts[:socket]),
      do: raise(ArgumentError, "option :socket is required: a path")

    name = opts[:name]

    struct!(__MODULE__, opts)
    |> struct!(
      boot: Base.encode16(:rand.bytes(8), case: :lower),
      started: System.monotonic_time(:millisecond),
      requests: :counters.new(1, []),
      listener: Module.concat(name, Listener),
      connections: Module.concat(name, Connections),
      results: Module.concat(name, Results),
      max_connections: opts[:max_connections] |> min(max_files() - @other_files) |> max(1),
      heap_words: opts[:call_memory_mb] * @words_per_mb
    )
  end

  @doc "How many descriptors this BEAM may have."
  @spec max_files :: pos_integer
  def max_files do
    [pollset | _] = :erlang.system_info(:check_io)
    pollset[:max_fds]
  end
end
