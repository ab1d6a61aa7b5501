%% PgEtf.Producer without Broadway: the library's test harness plays GenStage.
-module(chaos_stage).

-export([start/1, stop/1, kill/1]).

-define(DEMAND, 20).

start(Where) ->
    Options = [{unit, transaction} | chaos_reader:connection(Where)],
    {ok, spawn_link(fun() -> run(Options) end)}.

run(Options) ->
    process_flag(trap_exit, true),
    {ok, Stage} = 'Elixir.PgEtf.Stage':start_link('Elixir.PgEtf.Producer', Options),
    'Elixir.PgEtf.Stage':ask(Stage, ?DEMAND),
    loop(Stage).

loop(Stage) ->
    receive
        {'Elixir.PgEtf.Stage', Stage, Messages} ->
            {Done, Failed} = lists:partition(fun handle/1, Messages),
            'Elixir.PgEtf':ack(Done, Failed),
            'Elixir.PgEtf.Stage':ask(Stage, length(Messages)),
            loop(Stage);
        {'EXIT', Stage, Reason} ->
            exit(Reason);
        kill ->
            exit(Stage, kill),
            loop(Stage);
        {stop, From} ->
            gen_server:stop(Stage, normal, 15000),
            From ! {self(), stopped}
    end.

handle(#{data := #{xid := nil}}) ->
    true;
handle(#{data := #{changes := Changes} = Transaction}) ->
    Rows = [chaos_reader:change(Change) || Change <- Changes],
    ok =:= chaos_sink:handle(0, chaos_reader:part(Transaction), Rows).

kill(Pid) -> Pid ! kill.

stop(Pid) ->
    Pid ! {stop, self()},
    receive {Pid, stopped} -> ok after 20000 -> error end.
