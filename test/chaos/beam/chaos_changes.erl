%% PgEtf.Consumer: lists of changes in commit order, no position stored.
-module(chaos_changes).

-behaviour('Elixir.PgEtf.Consumer').

-export([start/1, stop/1, kill/1, info/1]).
-export([handle_changes/2]).

start(Where) ->
    'Elixir.PgEtf.Consumer':start_link(?MODULE, none, chaos_reader:connection(Where)).

stop(Pid) -> gen_server:stop(Pid, normal, 15000).

kill(Pid) -> exit(Pid, kill).

info(Pid) -> 'Elixir.PgEtf':info(Pid).

handle_changes(Changes, State) ->
    case chaos_parts:handle(fun(_) -> 0 end, Changes) of
        Done when Done =:= length(Changes) -> {ok, State};
        Done -> {error, {handled, Done}, State}
    end.
