defmodule PgEtf.Error do
  @moduledoc """
  Why a stream ended.

  `class` is one of the classes below; `hint` says what to do, and `sqlstate` is the
  server's code, if any. `details` has `:reason` and `:stacktrace` of an exception, and for
  a failed message `:reason`, `:commit_lsn`, `:index`, `:schema` and `:table`. A reason
  larger than 10,000 bytes is truncated, as text.

  | class | meaning | retried |
  |---|---|---|
  | `:config` | an invalid connection setting, plugin option or server setting | no |
  | `:auth` | the server rejects this role | no |
  | `:slot_missing` | the slot does not exist | no |
  | `:slot_active` | another process reads from the slot | yes |
  | `:slot_lost` | the server has removed WAL that the slot needed | no |
  | `:wrong_plugin` | the slot belongs to another output plugin, or another database | no |
  | `:plugin_not_allowed` | `output_plugin_libraries` does not list the plugin | no |
  | `:gap` | the slot is ahead of `start_position`, or a failover lost that position | no |
  | `:wrong_server` | the position belongs to another database cluster, or to a newer timeline | no |
  | `:slot_moved` | another reader has the slot, or has advanced it | yes |
  | `:protocol` | client, plugin and library versions are incompatible, or a packet was malformed | no; yes if their credit accounts differ |
  | `:internal`, `:usage`, `:output` | the C program failed | no |
  | `:network` | the server cannot be reached, or the connection broke | yes |
  | `:server_shutdown` | the server was stopped, or terminated the connection | yes |
  | `:server_error` | any other error of the server | yes |
  | `:port` | the C program exited, or did not answer | yes |
  | `:exception` | one of your functions (`:connection`, `:start_position`, ...) raised | yes |
  | `:failure` | a message failed | depends on `:on_failure` |
  | `:schema_change` | the stream has halted behind a change of a table (`:on_schema_change`) | no: `PgEtf.resume/1` continues |

  Where it says "no", `:on_error` decides: by default the stream halts, and retries after
  `:retry_after`. After a `:gap` a stream that stores no position waits for
  `PgEtf.resume/1`, since a retry would continue behind the gap.
  """

  @type t :: %__MODULE__{
          class: atom,
          message: String.t(),
          hint: String.t() | nil,
          sqlstate: String.t() | nil,
          details: map
        }

  defexception [:class, :message, :hint, :sqlstate, details: %{}]

  @transient [
    :slot_active,
    :slot_moved,
    :network,
    :server_shutdown,
    :server_error,
    :port,
    :exception
  ]

  # How the C program exits when it could not say why in a packet.
  @exit_statuses %{
    1 => :internal,
    2 => :usage,
    3 => :config,
    4 => :auth,
    5 => :slot_missing,
    6 => :slot_active,
    7 => :slot_lost,
    8 => :wrong_plugin,
    9 => :plugin_not_allowed,
    10 => :protocol,
    11 => :gap,
    12 => :wrong_server,
    13 => :network,
    14 => :server_shutdown,
    15 => :server_error,
    16 => :output,
    17 => :slot_moved
  }

  @doc false
  # The classes that the C program reports.
  @spec classes() :: [atom]
  def classes, do: Map.values(@exit_statuses)

  @impl true
  def message(%__MODULE__{class: class, message: message, hint: hint}) do
    text = "#{class}: #{message}"
    if hint in [nil, ""], do: text, else: "#{text} (#{hint})"
  end

  @doc "Whether the library retries by itself."
  @spec transient?(t) :: boolean
  def transient?(%__MODULE__{class: class}), do: class in @transient

  @doc false
  # As the C program reports it.
  def new(class, details) do
    %__MODULE__{
      class: class,
      message: details[:message],
      hint: details[:hint],
      sqlstate: if(details[:sqlstate] != "", do: details[:sqlstate])
    }
  end

  @doc false
  def exception_in(name, {kind, reason, stacktrace}) do
    %__MODULE__{
      class: :exception,
      message: "#{name} failed: #{Exception.format_banner(kind, reason, stacktrace)}",
      details: %{reason: bounded({kind, reason}), stacktrace: stacktrace}
    }
  end

  # Bytes of a reason that is kept as it is. What is larger may quote rows, is kept as
  # long as the error, and copied whenever somebody asks for it.
  @largest 10_000

  @doc false
  @spec bounded(term) :: term
  def bounded({kind, reason}) when kind in [:error, :exit, :throw], do: {kind, bounded(reason)}

  def bounded(reason) do
    if :erlang.external_size(reason) <= @largest do
      reason
    else
      inspect(reason, limit: 20, printable_limit: 500)
    end
  end

  @doc false
  def no_position(name, value) do
    text = inspect(value, limit: 20, printable_limit: 500)

    %__MODULE__{
      class: :exception,
      message: "#{name} returned #{text}, which is not a position",
      hint: "A position is an integer (see PgEtf.Lsn), or nil if none is stored.",
      details: %{reason: {:no_position, name}}
    }
  end

  @doc false
  def protocol(message) do
    %__MODULE__{
      class: :protocol,
      message: message,
      hint: "Use the same version of pg_etf_client, the plugin and this library."
    }
  end

  # The loader's, and the shell's: the program has not run.
  @doc false
  def from_exit_status(status) when status in [126, 127] do
    %__MODULE__{
      class: :config,
      message: "pg_etf_client cannot run: exit status #{status}",
      hint:
        "A library is missing, most likely libpq: install libpq5 (Debian), libpq (Alpine) or " <>
          "postgresql-libs where the release runs. Or the program was built for another kind " <>
          "of machine."
    }
  end

  # As a shell and the BEAM report a signal.
  def from_exit_status(status) when status > 128 do
    %__MODULE__{
      class: :port,
      message: "pg_etf_client was killed by signal #{status - 128}",
      hint: hint_on_signal(status - 128)
    }
  end

  def from_exit_status(status) do
    class = Map.get(@exit_statuses, status, :port)
    %__MODULE__{class: class, message: "pg_etf_client exited with status #{status}"}
  end

  defp hint_on_signal(9),
    do: "Somebody killed it, or the kernel did, out of memory: see the kernel's log."

  defp hint_on_signal(_signal), do: nil
end
