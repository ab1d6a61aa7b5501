defmodule Mix.PgEtf.Connection do
  @moduledoc false
  # Where the database is, as the tasks are told.

  @switches [repo: :string, url: :string, hostname: :string, port: :integer] ++
              [username: :string, database: :string]

  @doc "For OptionParser."
  @spec switches() :: keyword
  def switches, do: @switches

  @doc "Splits what was given into the option `connection` of a stream, and the rest."
  @spec split(keyword) :: {keyword, keyword}
  def split(opts) do
    {connection, rest} = Keyword.split(opts, Keyword.keys(@switches))
    {repo, connection} = Keyword.pop(connection, :repo)
    {Keyword.merge(if(repo, do: Module.concat([repo]).config(), else: []), connection), rest}
  end
end
