%% PgEtf.Producer without Broadway: the library's test harness plays GenStage.
-module(chaos_stage).

-export([start/2, stop/1, kill/1, info/1]).

-define(DEMAND, 20).

start(Unit, Where) ->
    Options = [{unit, Unit} | chaos_reader:connection(Where)],
    {ok, spawn_link(fun() -> run(Options) end)}.

run(Options) ->
    process_flag(trap_exit, true),
    {ok, Stage} = 'Elixir.PgEtf.Stage':start_link('Elixir.PgEtf.Producer', Options),
    'Elixir.PgEtf.Stage':ask(Stage, ?DEMAND),
    loop(Stage).

loop(Stage) ->
    receive
        {'Elixir.PgEtf.Stage', Stage, Messages} ->
            {Done, Failed} = handle(Messages),
            'Elixir.PgEtf':ack(Done, Failed),
            'Elixir.PgEtf.Stage':ask(Stage, length(Messages)),
            loop(Stage);
        {'EXIT', Stage, Reason} ->
            exit(Reason);
        kill ->
            exit(Stage, kill),
            loop(Stage);
        {info, From} ->
            From ! {self(), 'Elixir.PgEtf':info(Stage)},
            loop(Stage);
        {stop, From} ->
            gen_server:stop(Stage, normal, 15000),
            From ! {self(), stopped}
    end.

%% What raises is a failure here, as under Broadway.
handle([#{data := #{op := _}} | _] = Messages) ->
    Done = try chaos_parts:handle(fun(_) -> 0 end, [Data || #{data := Data} <- Messages])
           catch error:sink_is_broken -> 0
           end,
    lists:split(Done, Messages);
handle(Messages) ->
    lists:partition(fun handle_one/1, Messages).

handle_one(#{data := #{xid := nil, changes := [Message]}}) ->
    ok =:= chaos_reader:outside(Message);
handle_one(#{data := #{changes := Changes} = Transaction}) ->
    Rows = [chaos_reader:change(Change) || Change <- Changes],
    try ok =:= chaos_sink:handle(0, chaos_reader:part(Transaction), Rows)
    catch error:sink_is_broken -> false
    end.

kill(Pid) -> Pid ! kill.

info(Pid) ->
    Pid ! {info, self()},
    receive {Pid, Info} -> Info after 10000 -> none end.

stop(Pid) ->
    Pid ! {stop, self()},
    receive {Pid, stopped} -> ok after 20000 -> error end.
