%% PgEtf.Producer under Broadway: transactions of one writer stay in order.
-module(chaos_broadway).

-export([start/1, stop/1, kill/1, info/1]).
-export([handle_message/3, process_name/2]).

-define(PROCESSORS, 4).

start(Where) ->
    ets:info(?MODULE, name) =:= undefined andalso
        ets:new(?MODULE, [named_table, public]),
    {ok, _} = application:ensure_all_started(broadway),
    Options = [{unit, transaction} | chaos_reader:connection(Where)],
    'Elixir.Broadway':start_link(?MODULE, [
        {name, ?MODULE},
        {producer, [{module, {'Elixir.PgEtf.Producer', Options}}, {concurrency, 1}]},
        {processors, [{default, [{concurrency, ?PROCESSORS}, {max_demand, 10},
                                 {partition_by, fun lane/1}]}]}]).

process_name(Name, Base) ->
    list_to_atom(lists:flatten(io_lib:format("~s.~s", [Name, Base]))).

%% Called in order, so a part without changes goes where the first one went.
lane(#{data := #{commit_lsn := Commit, changes := Changes}}) ->
    case [W || W <- [chaos_row:writer(chaos_reader:change(C)) || C <- Changes], W > 0] of
        [W | _] -> ets:insert(?MODULE, {Commit, W}), W;
        [] -> find_lane(Commit)
    end.

find_lane(Commit) ->
    case ets:lookup(?MODULE, Commit) of
        [{_, W}] -> W;
        [] -> 0
    end.

handle_message(_, #{data := #{xid := nil, changes := [Outside]}} = Message, _) ->
    ok = chaos_reader:outside(Outside),
    Message;
handle_message(_, #{data := #{changes := Changes, commit_lsn := Commit} = Transaction} = Message, _) ->
    Rows = [chaos_reader:change(Change) || Change <- Changes],
    #{last := Last} = Part = chaos_reader:part(Transaction),
    case chaos_sink:handle(find_lane(Commit), Part, Rows) of
        ok ->
            Last andalso ets:delete(?MODULE, Commit),
            Message;
        {error, Reason} ->
            'Elixir.Broadway.Message':failed(Message, Reason)
    end.

kill(_) ->
    exit(whereis(process_name(?MODULE, "Processor_default_0")), kill).

info(_) -> 'Elixir.PgEtf':info(?MODULE).

stop(Pid) ->
    'Elixir.Broadway':stop(Pid, normal, 20000).
