defmodule PgEtf.Client do
  @moduledoc false
  # What the library needs of the program that reads from the server. The real
  # one is PgEtf.Client.Port; tests bring one that fails on purpose.
  #
  # The process that opens a client owns it, and gets its messages.

  @type conn :: term

  @doc "Starts the program with the settings of docs/port.md."
  @callback open(settings :: map, opts :: keyword) :: {:ok, conn} | {:error, PgEtf.Error.t()}

  @doc """
  Sends a command. `:busy` when the program does not read its commands, in which
  case nothing was sent.
  """
  @callback command(conn, command :: term) :: :ok | :busy

  @doc "What a message to the owner means for this client."
  @callback handle_message(conn, message :: term) ::
              {:packet, binary} | {:down, PgEtf.Error.t()} | :unknown

  @doc """
  Ends the program: it confirms the last position that it received and leaves
  within the timeout, or is killed. 0 kills at once.
  """
  @callback close(conn, timeout :: non_neg_integer) :: :ok
end
