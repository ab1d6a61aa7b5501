%% A consumer under test, in a BEAM of its own:
%%
%%   erl ... -s chaos_reader main -extra KIND DIR BEGIN SLOT HOST PORT DBNAME
%%
%% BEGIN is the position at which a new slot begins, or same.  KIND:
%%
%%   otp       PgEtf.Consumer, which stores its position with its data
%%   changes   PgEtf.Consumer, lists of changes and no position of its own
%%   producer  PgEtf.Producer of transactions, under Broadway where that is on
%%             the code path
%%   batch     PgEtf.Producer of single changes, the same way, into batches
%%   fenced    PgEtf.Consumer, one of several of a slot, with PgEtf.Position
%%   port      pg_etf_client behind a bare port
%%
%% Its history is written to DIR.  Lines of input: full on|off, raise on|off,
%% sleep MS, kill (one process that holds messages), stop.  It ends with status 3
%% when the stream cannot go on, which its history says, and why.  What ends
%% although nobody killed it is in the history, too: that is what must not be.
%% (fenced ends with status 4 then: its history is elsewhere.)
-module(chaos_reader).

-export([main/0, told/1, connection/1, streaming/0, publications/0, change/1, part/1, outside/1]).

%% Milliseconds between two looks at the state of the stream.
-define(LOOK, 300).

main() ->
    [Kind, Dir, Begin | Where] = init:get_plain_arguments(),
    process_flag(trap_exit, true),
    Reader = module(Kind),
    Owner = self(),
    {ok, _} = application:ensure_all_started(elixir),
    _ = application:ensure_all_started(logger),
    chaos_sink:start(Dir, position(Begin)),
    spawn_link(fun() -> read_lines(Owner) end),
    supervise(Reader, Where, start(Reader, Where)).

position("same") ->
    none;
position(Lsn) ->
    [High, Low] = string:lexemes(Lsn, "/"),
    list_to_integer(High, 16) bsl 32 + list_to_integer(Low, 16).

module("otp") -> chaos_otp;
module("changes") -> chaos_changes;
module("fenced") -> chaos_fenced;
module("port") -> chaos_port;
module("producer") -> broadway_or(chaos_broadway, transaction);
module("batch") -> broadway_or(chaos_batch, change).

broadway_or(Module, Unit) ->
    case code:ensure_loaded('Elixir.Broadway') of
        {module, _} -> Module;
        _ -> {chaos_stage, Unit}
    end.

start({Module, Unit}, Where) -> Module:start(Unit, Where);
start(Module, Where) -> Module:start(Where).

callbacks({Module, _Unit}) -> Module;
callbacks(Module) -> Module.

read_lines(Owner) ->
    case io:get_line("") of
        eof ->
            Owner ! {line, ["stop"]};
        Line ->
            % A binary, once Elixir has started.
            Words = string:lexemes(unicode:characters_to_list(Line), " \n"),
            Owner ! {line, Words},
            read_lines(Owner)
    end.

%% What was killed is started again, as a supervisor would.
supervise(Reader, Where, {ok, Pid}) ->
    Callbacks = callbacks(Reader),
    receive
        {line, ["full", State]} ->
            ok = chaos_sink:full(State =:= "on"),
            supervise(Reader, Where, {ok, Pid});
        {line, ["raise", State]} ->
            chaos_sink:raise(State =:= "on"),
            supervise(Reader, Where, {ok, Pid});
        {line, ["sleep", Milliseconds]} ->
            chaos_sink:nap(list_to_integer(Milliseconds)),
            supervise(Reader, Where, {ok, Pid});
        {line, ["kill"]} ->
            catch Callbacks:kill(Pid),
            supervise(Reader, Where, {ok, Pid});
        {line, ["stop"]} ->
            catch Callbacks:stop(Pid),
            halt(0);
        {line, Words} ->
            io:format("not a command: ~0p~n", [Words]),
            halt(1);
        {'EXIT', Pid, Reason} when Reader =:= chaos_port ->
            % A new client process is a new life.
            io:format("the client ended: ~0p~n", [Reason]),
            halt(1);
        {'EXIT', Pid, Reason} ->
            io:format("~p ended: ~0p~n", [Reader, Reason]),
            Reason =:= killed orelse died(Callbacks),
            timer:sleep(200),
            supervise(Reader, Where, start(Reader, Where));
        _ ->
            supervise(Reader, Where, {ok, Pid})
    after ?LOOK ->
        look(catch Callbacks:info(Pid)),
        supervise(Reader, Where, {ok, Pid})
    end.

died(chaos_fenced) -> halt(4);
died(Callbacks) -> chaos_sink:note({died, Callbacks}).

%% A stream that cannot go on halts, and its application goes on.
look(#{status := halted, error := #{class := Class}}) -> told(Class);
look(_) -> ok.

%% The stream cannot go on.
told(Class) ->
    chaos_sink:note({told, Class}),
    halt(3).

%% Options of the library that all of its readers share.
connection([Slot, Host, Port, Database]) ->
    [{connection, [{hostname, list_to_binary(Host)}, {port, list_to_integer(Port)},
                   {database, list_to_binary(Database)},
                   {application_name, list_to_binary(os:getenv("ETF_READER"))}]},
     {slot, list_to_binary(Slot)}, {messages, true}, {tables, [<<"chaos.*">>]},
     {heartbeat, 4000}, {status_interval, 500}, {max_stall, 3000},
     {liveness_timeout, 5000},
     {backoff_min, 50}, {backoff_max, 2000}, {streaming, streaming()},
     {publications, publications()}].

%% What readers of pgoutput need.
publications() -> [<<"readers">> || os:getenv("PG_ETF_PLUGIN", "") =/= ""].

%% Whether large transactions come before they end.
streaming() ->
    os:getenv("PG_ETF_STREAMING", "") =/= "" andalso
        streams(os:getenv("PG_ETF_PLUGIN", ""), os:getenv("ETF_READER")).

%% Of pgoutput the readers of every other slot ask for protocol 1, in which none do.
streams("", _) -> true;
streams(_, [$c, Number | _]) -> Number rem 2 =:= 1.

%% A message outside of transactions has a place and an end of its own.
outside(#{commit_lsn := Commit, end_lsn := End, index := Index}) when is_integer(End) ->
    chaos_sink:note({outside, {Commit, Index}}).

%% A PgEtf.Transaction as chaos_sink has it.
part(#{commit_lsn := Commit, end_lsn := End, part := Part, first_index := First,
       changes := Changes}) ->
    #{commit => Commit, 'end' => End, first => First, count => length(Changes),
      last => Part =:= whole orelse Part =:= last}.

%% A PgEtf.Change as chaos_row has it.
change(#{op := delete, table := Table, key := Key}) -> {delete, Table, Key};
change(#{op := truncate, truncated := Tables}) -> {truncate, [Name || {_, Name} <- Tables]};
change(#{op := message, prefix := Prefix, content := Content}) -> {message, Prefix, Content};
change(#{op := Op, table := Table, record := Row, unchanged_toast := Unchanged}) ->
    {Op, Table, Row, Unchanged}.
