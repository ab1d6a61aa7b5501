defmodule PgEtf.Error do
  @moduledoc """
  Why a stream ended.

  `class` is one of the classes below; `hint` says what to do about it, and
  `sqlstate` is the server's code where it has one. `details` has `:reason` and
  `:stacktrace` of what raised, and of a failed message `:reason`, `:commit_lsn`,
  `:index`, `:schema` and `:table`.

  | class | meaning | tried again |
  |---|---|---|
  | `:config` | a wrong connection setting, plugin option or server setting | no |
  | `:auth` | the server does not let this role in | no |
  | `:slot_missing` | there is no such slot | no |
  | `:slot_active` | another process reads from the slot | yes |
  | `:slot_lost` | the server has removed log that the slot needed | no |
  | `:wrong_plugin` | the slot belongs to another output plugin, or another database | no |
  | `:plugin_not_allowed` | `output_plugin_libraries` does not name the plugin | no |
  | `:gap` | the slot is ahead of the position given as `start_position`, or a failover lost it | no |
  | `:wrong_server` | the position is of another database cluster, or of a newer timeline | no |
  | `:slot_moved` | another reader has the slot, or has read on | yes |
  | `:protocol` | the two sides do not understand each other | no; yes where they count differently |
  | `:internal`, `:usage`, `:output` | the C program failed | no |
  | `:network` | the server cannot be reached, or the connection broke | yes |
  | `:server_shutdown` | the server, or somebody there, ended the connection | yes |
  | `:server_error` | any other error of the server | yes |
  | `:port` | the C program died, or did not answer | yes |
  | `:exception` | a function of yours (`:connection`, `:start_position`, ...) raised | yes |
  | `:failure` | a message failed | as `:on_failure` says |

  "No" is what `:on_error` decides about: by default the stream halts, and looks again after
  `:retry_after`. After a `:gap` a stream that stores no position waits for
  `PgEtf.resume/1`: it would go on behind the gap.
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

  @impl true
  def message(%__MODULE__{class: class, message: message, hint: hint}) do
    text = "#{class}: #{message}"
    if hint in [nil, ""], do: text, else: "#{text} (#{hint})"
  end

  @doc "Whether the library tries again by itself."
  @spec transient?(t) :: boolean
  def transient?(%__MODULE__{class: class}), do: class in @transient

  @doc false
  # As the C program tells it.
  def new(class, details) do
    %__MODULE__{
      class: class,
      message: details[:message],
      hint: details[:hint],
      sqlstate: details[:sqlstate]
    }
  end

  @doc false
  def exception_in(name, {kind, reason, stacktrace}) do
    %__MODULE__{
      class: :exception,
      message: "#{name} failed: #{Exception.format_banner(kind, reason, stacktrace)}",
      details: %{reason: {kind, reason}, stacktrace: stacktrace}
    }
  end

  @doc false
  def no_position(name, value) do
    text = inspect(value, limit: 20, printable_limit: 500)

    %__MODULE__{
      class: :exception,
      message: "#{name} returned #{text}, which is no position",
      hint: "A position is an integer, see PgEtf.Lsn, or nil where none is stored.",
      details: %{reason: {:no_position, name}}
    }
  end

  @doc false
  def protocol(message) do
    %__MODULE__{
      class: :protocol,
      message: message,
      hint: "pg_etf_client, the plugin and this library must be of one version."
    }
  end

  # The loader's, and the shell's: the program has not run.
  @doc false
  def from_exit_status(status) when status in [126, 127] do
    %__MODULE__{
      class: :config,
      message: "pg_etf_client cannot run: exit status #{status}",
      hint:
        "A library that it needs is not there, most likely libpq: install libpq5 (Debian), " <>
          "libpq (Alpine) or postgresql-libs where the release runs. Or the program was built " <>
          "for another machine."
    }
  end

  # As a shell and the BEAM tell a signal.
  def from_exit_status(status) when status > 128 do
    %__MODULE__{
      class: :port,
      message: "pg_etf_client was ended by signal #{status - 128}",
      hint: hint_on_signal(status - 128)
    }
  end

  def from_exit_status(status) do
    class = Map.get(@exit_statuses, status, :port)
    %__MODULE__{class: class, message: "pg_etf_client exited with status #{status}"}
  end

  defp hint_on_signal(9),
    do: "Somebody killed it, or the kernel did for want of memory: see its log."

  defp hint_on_signal(_signal), do: nil
end
