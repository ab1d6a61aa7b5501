defmodule PgEtf.Sandbox.Janitor do
  @moduledoc false
  # Removes a sandbox whose virtual machine was killed.

  # It outlives the virtual machine: the end of its stdin tells that
  # nobody will clean up. An initdb or a server on its way may still make files,
  # so it continues until the directory has been absent for a while.
  @script """
  echo ready
  cat > /dev/null
  quiet=0
  while test "$quiet" -lt 20
  do
    pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
    for i in $(seq 100)
    do
      kill -QUIT "$pid" 2> /dev/null || break
      sleep 0.1
    done
    if test -e "$1"
    then
      rm -rf "$1" 2> /dev/null
      quiet=0
    fi
    quiet=$((quiet + 1))
    sleep 0.1
  done
  """

  @doc """
  Watches over a directory as long as the calling process lives. Waits for the janitor:
  anything created before it runs would not be removed.
  """
  @spec start(Path.t()) :: port
  def start(dir) do
    port =
      Port.open({:spawn_executable, "/bin/sh"}, [:hide, args: ["-c", @script, "janitor", dir]])

    receive do
      {^port, {:data, _}} -> port
    end
  end
end
