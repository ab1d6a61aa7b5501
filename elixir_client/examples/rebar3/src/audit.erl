%% Handles each transaction in a process of its own, and acknowledges it when that is done.
-module(audit).
-behaviour(pg_etf_consumer).
-export([init/1, handle_transaction/2, handle_info/2]).

init([]) ->
    {ok, #{}}.

handle_transaction(Transaction, Workers) ->
    {Worker, Monitor} = spawn_monitor(fun() -> print(Transaction) end),
    {noack, Workers#{{Monitor, Worker} => Transaction}}.

handle_info({'DOWN', Monitor, process, Worker, Reason}, Workers) ->
    {Transaction, Others} = maps:take({Monitor, Worker}, Workers),
    done(Reason, Transaction),
    {noreply, Others}.

done(normal, Transaction) ->
    pg_etf:ack(self(), Transaction);
done(Reason, Transaction) ->
    pg_etf:fail(self(), Transaction, Reason).

print(#{changes := Changes}) ->
    [io:format("~s ~p ~s ~p~n", [pg_etf:message_id(Change), Op, Table, Row])
     || #{op := Op, table := Table, record := Row} = Change <- Changes].
