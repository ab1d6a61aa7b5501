%% PgEtf.Producer under Broadway with its defaults: single changes, through
%% processors into batches of two lanes; the changes of one writer keep their
%% order.
-module(chaos_batch).

-export([start/1, stop/1, kill/1, info/1]).
-export([handle_message/3, handle_batch/4, process_name/2]).

-define(PROCESSORS, 2).

start(Where) ->
    {ok, _} = application:ensure_all_started(broadway),
    Options = chaos_reader:connection(Where),
    Lane = fun(#{data := Change}) -> chaos_parts:lane(Change) end,
    'Elixir.Broadway':start_link(?MODULE, [
        {name, ?MODULE},
        {producer, [{module, {'Elixir.PgEtf.Producer', Options}}, {concurrency, 1}]},
        {processors, [{default, [{concurrency, ?PROCESSORS}, {partition_by, Lane}]}]},
        {batchers, [{default, [{concurrency, 2}, {batch_size, 200}, {batch_timeout, 50},
                               {partition_by, Lane}]}]}]).

process_name(Name, Base) ->
    list_to_atom(lists:flatten(io_lib:format("~s.~s", [Name, Base]))).

handle_message(_, Message, _) -> Message.

%% What one writer wrote is handled up to the first change that is not.
handle_batch(_, Messages, _, _) ->
    Lanes = lists:usort([lane(Message) || Message <- Messages]),
    lists:append([handle_lane(Lane, [M || M <- Messages, lane(M) =:= Lane]) || Lane <- Lanes]).

lane(#{data := Change}) -> chaos_parts:lane(Change).

handle_lane(Lane, Messages) ->
    Done = chaos_parts:handle(fun(_) -> Lane end, [Data || #{data := Data} <- Messages]),
    {Handled, Failed} = lists:split(Done, Messages),
    Handled ++ ['Elixir.Broadway.Message':failed(Message, sink) || Message <- Failed].

kill(_) ->
    exit(whereis(process_name(?MODULE, "BatchProcessor_default_0")), kill).

info(_) -> 'Elixir.PgEtf':info(?MODULE).

stop(Pid) ->
    'Elixir.Broadway':stop(Pid, normal, 20000).
