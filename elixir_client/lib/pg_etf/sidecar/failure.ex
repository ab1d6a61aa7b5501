defmodule PgEtf.Sidecar.Failure do
  @moduledoc false
  # What an SQL error says of something that went wrong here.

  @max_bytes 8_000

  @enforce_keys [:state, :message]
  defstruct [:state, :message, detail: "", hint: "", context: ""]

  @type t :: %__MODULE__{
          state: String.t(),
          message: String.t(),
          detail: String.t(),
          hint: String.t(),
          context: String.t()
        }

  @doc "What a function raised, threw or exited with."
  @spec caught(String.t(), atom, term, Exception.stacktrace()) :: t
  def caught(function, kind, reason, stack) do
    stack = Enum.take_while(stack, &(elem(&1, 0) != PgEtf.Sidecar.Call))
    {blamed, stack} = blame(kind, reason, stack)
    context = Enum.map_join(stack, "\n", &Exception.format_stacktrace_entry/1)

    case blamed do
      %PgEtf.SQLError{} = error -> chosen(error, context)
      _ -> raised(function, kind, blamed, stack, context)
    end
  end

  defp blame(:error, reason, stack), do: Exception.blame(:error, reason, stack)
  defp blame(_kind, reason, stack), do: {reason, stack}

  defp chosen(error, context) do
    %__MODULE__{
      state: if(error.code =~ ~r/^(?!00)[0-9A-Z]{5}$/, do: error.code, else: "38000"),
      message: "#{error.message}",
      detail: "#{error.detail}",
      hint: "#{error.hint}",
      context: context
    }
  end

  defp raised(function, kind, reason, stack, context) do
    %__MODULE__{
      state: "38000",
      message: "#{function} #{verb(kind, reason)}",
      detail: Exception.format_banner(kind, reason, stack),
      context: context
    }
  end

  defp verb(:error, exception), do: "raised #{inspect(exception.__struct__)}: #{line(exception)}"
  defp verb(:throw, value), do: "threw #{short(value)}"
  defp verb(:exit, reason), do: "exited with #{short(reason)}"

  defp line(exception) do
    exception |> Exception.message() |> String.split("\n") |> hd() |> String.slice(0, 300)
  end

  defp short(term), do: term |> inspect(limit: 10, printable_limit: 100) |> String.slice(0, 300)

  @doc "The process of a call ended without a word."
  @spec ended(String.t(), term) :: t
  def ended(function, :killed) do
    %__MODULE__{
      state: "53200",
      message: "#{function} was killed",
      detail: "It needed more memory than a call may have, or something killed its process.",
      hint: "The limit is elixir.call_memory_mb."
    }
  end

  def ended(function, reason) do
    %__MODULE__{
      state: "38000",
      message: "#{function} was ended by a process linked to it",
      detail: Exception.format_exit(reason)
    }
  end

  @spec undefined(String.t(), arity, [arity]) :: t
  def undefined(name, _arity, []) do
    %__MODULE__{
      state: "42883",
      message: "Elixir function #{name} is not registered",
      hint:
        "Mark it with @sql in a module that uses PgEtf.Functions, and see that " <>
          "the sidecar has loaded it: elixir_functions() lists what there is."
    }
  end

  def undefined(name, arity, arities) do
    %__MODULE__{
      state: "42883",
      message: "Elixir function #{name} does not take #{arity} arguments",
      detail: "Registered: #{Enum.map_join(arities, ", ", &"#{name}/#{&1}")}."
    }
  end

  @spec too_large(String.t(), non_neg_integer, pos_integer) :: t
  def too_large(function, bytes, max) do
    %__MODULE__{
      state: "54000",
      message: "the result of #{function} is too large",
      detail: "It takes #{bytes} bytes; an answer may have #{max}.",
      hint: "Raise elixir.max_message_bytes, or return a set: its rows are sent in parts."
    }
  end

  @spec full(non_neg_integer, pos_integer) :: t
  def full(connections, files) do
    new("53300", "the sidecar takes no more connections",
      detail: "It has #{connections}, and may open #{files} files.",
      hint: "Raise elixir.max_files, or let sessions share connections through a pooler."
    )
  end

  @spec unreadable :: t
  def unreadable do
    new("08P01", "the sidecar cannot read the request",
      detail: "It is malformed, or a value of type etf has an atom that Elixir does not know."
    )
  end

  @spec new(String.t(), String.t(), keyword) :: t
  def new(state, message, more \\ []) do
    struct!(%__MODULE__{state: state, message: message}, more)
  end

  @doc "As the answer to a request."
  @spec to_answer(t, integer) :: tuple
  def to_answer(%__MODULE__{} = failure, id) do
    {id, :raise, failure.state, text(failure.message), text(failure.detail), text(failure.hint),
     text(failure.context)}
  end

  @doc "As a document, for who asks later."
  @spec to_map(t) :: map
  def to_map(%__MODULE__{} = failure) do
    %{
      "sqlstate" => failure.state,
      "message" => text(failure.message),
      "detail" => text(failure.detail),
      "context" => text(failure.context)
    }
  end

  @doc "Text as PostgreSQL takes it: UTF-8, no zero byte, not without end."
  @spec text(binary) :: String.t()
  def text(bytes) do
    bytes
    |> binary_part(0, min(byte_size(bytes), @max_bytes))
    |> valid([])
    |> IO.iodata_to_binary()
  end

  defp valid(bytes, done) do
    case :unicode.characters_to_binary(bytes) do
      good when is_binary(good) ->
        [done | String.replace(good, "\0", "\uFFFD")]

      {:incomplete, good, _cut} ->
        [done | String.replace(good, "\0", "\uFFFD")]

      {:error, good, <<_, rest::binary>>} ->
        valid(rest, [done, String.replace(good, "\0", "\uFFFD"), "\uFFFD"])
    end
  end
end
