defmodule PgEtf.FakeBrod do
  @moduledoc false
  # What the guide "To a message broker" calls of brod, with topics of four partitions in
  # memory, and the contract that test/brokers/kafka_test.exs holds the real one to.

  import ExUnit.Assertions

  @partitions 4

  ## For tests

  @doc "Is brod from now on."
  def be_brod, do: Module.create(:brod, delegates(), Macro.Env.location(__ENV__))

  defp delegates do
    quote do
      defdelegate start_link_client(endpoints, client, config), to: PgEtf.FakeBrod
      defdelegate get_partitions_count(client, topic), to: PgEtf.FakeBrod
      defdelegate produce(client, topic, partition, key, batch), to: PgEtf.FakeBrod
      defdelegate sync_produce_request(request, timeout), to: PgEtf.FakeBrod
    end
  end

  @doc "What it answers next, a request after the other; then it stores again."
  def answer(client, answers), do: Agent.update(client, &%{&1 | answers: answers})

  @doc "Batches in the order in which they were stored: `{{topic, partition}, messages}`."
  def stored(client), do: client |> Agent.get(& &1.stored) |> Enum.reverse()

  def config(client), do: Agent.get(client, & &1.config)

  @doc "What the guide relies on. The function runs another one while the broker answers nobody."
  def check_contract(brod, client, topic, frozen) do
    message = %{key: "", value: "v", headers: [{"id", "1"}]}
    assert {:ok, partitions} = brod.get_partitions_count(client, topic)
    assert {:ok, request} = brod.produce(client, topic, partitions - 1, "", [message, message])
    assert brod.sync_produce_request(request, 30_000) == :ok
    assert {:error, _} = brod.produce(client, topic, partitions, "", [message])
    assert {:error, _} = brod.get_partitions_count(:nobody, topic)

    frozen.(fn ->
      assert {:ok, request} = brod.produce(client, topic, 0, "", [message])
      assert {:error, :timeout} = brod.sync_produce_request(request, 100)
    end)
  end

  ## As brod

  def start_link_client(_endpoints, client, config) do
    Agent.start_link(fn -> %{config: config, stored: [], answers: []} end, name: client)
  end

  def get_partitions_count(client, _topic) do
    if Process.whereis(client), do: {:ok, @partitions}, else: {:error, :client_down}
  end

  def produce(_client, topic, partition, _key, _batch)
      when partition not in 0..(@partitions - 1) do
    {:error, {:producer_not_found, topic, partition}}
  end

  def produce(client, topic, partition, "", batch), do: {:ok, {client, {topic, partition}, batch}}

  def sync_produce_request({client, place, batch}, _timeout) do
    Agent.get_and_update(client, fn state ->
      {answer, answers} = List.pop_at(state.answers, 0, :ok)
      {answer, store(%{state | answers: answers}, answer, {place, batch})}
    end)
  end

  # What is not answered in time is stored all the same.
  defp store(state, answer, batch) when answer in [:ok, {:error, :timeout}] do
    %{state | stored: [batch | state.stored]}
  end

  defp store(state, _refused, _batch), do: state
end
