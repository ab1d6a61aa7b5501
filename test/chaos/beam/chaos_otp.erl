%% PgEtf.Consumer: whole transactions in commit order, the position with them.
-module(chaos_otp).

-behaviour('Elixir.PgEtf.Consumer').

-export([start/1, stop/1, kill/1, info/1]).
-export([handle_transaction/2, handle_position/2, checkpoint/1]).

start(Where) ->
    'Elixir.PgEtf.Consumer':start_link(?MODULE, none, chaos_reader:connection(Where)).

stop(Pid) -> gen_server:stop(Pid, normal, 15000).

kill(Pid) -> exit(Pid, kill).

info(Pid) -> 'Elixir.PgEtf':info(Pid).

%% A message outside of transactions: its position is stored like any other.
handle_transaction(#{xid := nil, end_lsn := End, changes := [Message]}, State) ->
    ok = chaos_reader:outside(Message),
    handle_position(End, State);
handle_transaction(#{changes := Changes} = Transaction, State) ->
    Rows = [chaos_reader:change(Change) || Change <- Changes],
    case chaos_sink:handle(0, chaos_reader:part(Transaction), Rows) of
        ok -> {ok, State};
        {error, Reason} -> {error, Reason, State}
    end.

handle_position(Lsn, State) ->
    chaos_sink:note({position, Lsn}),
    {ok, State}.

checkpoint(_) ->
    case chaos_sink:last() of
        none -> nil;
        Lsn -> Lsn
    end.
