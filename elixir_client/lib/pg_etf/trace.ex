defmodule PgEtf.Trace do
  @moduledoc """
  The trace that a transaction belongs to, from the request that wrote it to what handles
  its changes.

  Whoever writes says so by a logical message in the same transaction, before the rows: its
  prefix is `traceparent`, its content the value of that header of W3C Trace Context.

      Repo.transaction(fn ->
        PgEtf.Outbox.put_trace(Repo, :otel_propagator_text_map.inject([]))
        Repo.insert!(order)
      end)

  A stream with `traceparent: true` has it as `headers` of what follows in the transaction:
  in `PgEtf.Change`, in `PgEtf.Transaction`, and in the metadata of Broadway's messages,
  where `OpentelemetryBroadway` finds it by itself. A consumer continues the trace in its
  callback:

      def handle_transaction(transaction, state) do
        :otel_propagator_text_map.extract(transaction.headers)

        Tracer.with_span "orders" do
          copy(transaction, state)
        end
      end

  The message itself is not delivered, whatever `:messages` is. What is not the value of
  such a header is ignored.
  """

  @typedoc "As `:otel_propagator_text_map` takes them."
  @type headers :: [{name :: String.t(), value :: String.t()}]

  @prefix "traceparent"
  @traceparent ~r/\A[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\z/

  @doc false
  def prefix, do: @prefix

  @doc "Headers of the content of such a message."
  @spec parse(term) :: headers
  def parse(value) when is_binary(value) do
    if Regex.match?(@traceparent, value), do: [{@prefix, value}], else: []
  end

  def parse(_value), do: []
end
