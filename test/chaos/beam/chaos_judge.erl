%% Checks histories while they grow: one chaos_check for each consumer, fed
%% with what the orchestrator tells and what the consumers have written.  Lines
%% of input, each answered by lines that end with a full stop alone:
%%
%%   consumer NAME commit|writer strict|loose DIR
%%   event NAME MICROSECONDS restarted | confirmed LSN | life same | life new LSN
%%   effects NAME FILE   what the readers of a slot did, in a sink they share
%%   cut             read the histories up to here
%%   oracle FILE     what was committed: covers what was cut
%%   check           judge what was cut; answers with what was found
%%   finish          nothing more comes
%%   mutants         plant a bug of each kind into what was kept
%%
%% With -extra keep all events are kept, for mutants; without, memory is
%% bounded by what the consumers are behind, and files are deleted once read.
-module(chaos_judge).

-export([main/0]).

-record(reader, {dir, opts, check, batch = [], offsets = #{}, kept = []}).

main() ->
    Keep = init:get_plain_arguments() =:= ["keep"],
    loop(#{readers => #{}, last => 0, keep => Keep, transactions => 0}).

loop(State) ->
    case io:get_line("") of
        Line when is_list(Line) ->
            State2 = command(string:lexemes(string:trim(Line), " "), State),
            io:format(".~n"),
            loop(State2);
        _ ->
            halt(0)
    end.

command(["consumer", Name, Order, Strict, Dir], #{readers := Readers} = State) ->
    Opts = #{order => list_to_atom(Order), strict => Strict =:= "strict"},
    Reader = #reader{dir = Dir, opts = Opts, check = chaos_check:new(Opts)},
    State#{readers => Readers#{Name => Reader}};
command(["event", Name, Time | Event], State) ->
    update(Name, fun(#reader{batch = Batch} = R) ->
        R#reader{batch = [{list_to_integer(Time), event(Event)} | Batch]}
    end, State);
command(["effects", Name, File], State) ->
    {ok, Text} = file:read_file(File),
    Events = [effect(Line) || Line <- binary:split(Text, <<"\n">>, [global, trim_all])],
    update(Name, fun(#reader{batch = Batch} = R) ->
        R#reader{batch = lists:reverse(Events, Batch)}
    end, State);
command(["cut"], State) ->
    each(fun(_, Reader) -> cut(Reader, maps:get(keep, State)) end, State);
command(["oracle", File], #{last := Last, transactions := N} = State) ->
    case chaos_oracle:read(File, Last) of
        [] ->
            State;
        Txs ->
            State2 = each(fun(_, R) -> feed([{oracle, Tx} || Tx <- Txs], R, State) end, State),
            State2#{last => element(1, lists:last(Txs)), transactions => N + length(Txs)}
    end;
command(["check"], State) ->
    State2 = each(fun(_, Reader) -> check(Reader, State) end, State),
    report(State2);
command(["finish"], State) ->
    State2 = each(fun(_, #reader{check = Check} = R) ->
        R#reader{check = chaos_check:finish(Check)}
    end, State),
    report(State2);
command(["mutants"], #{readers := Readers} = State) ->
    [mutants(Name, Reader) || {Name, Reader} <- lists:sort(maps:to_list(Readers))],
    State.

event(["restarted"]) -> restarted;
event(["confirmed", Lsn]) -> {confirmed, lsn(Lsn)};
event(["life", "same"]) -> {life, same};
event(["life", "new", Lsn]) -> {life, {new, lsn(Lsn)}}.

%% Microseconds, and the event in hexadecimal.
effect(Line) ->
    [Time, Hex] = binary:split(Line, <<"|">>),
    {binary_to_integer(Time), binary_to_term(binary:decode_hex(Hex))}.

lsn(Text) ->
    [High, Low] = string:lexemes(Text, "/"),
    list_to_integer(High, 16) bsl 32 + list_to_integer(Low, 16).

update(Name, Fun, #{readers := Readers} = State) ->
    State#{readers => maps:update_with(Name, Fun, Readers)}.

each(Fun, #{readers := Readers} = State) ->
    State#{readers => maps:map(Fun, Readers)}.

%% A file that another one follows grows no more.
cut(#reader{dir = Dir} = Reader, Keep) ->
    Files = lists:sort(filelib:wildcard(filename:join(Dir, "*.log"))),
    Reader2 = lists:foldl(fun cut_file/2, Reader, Files),
    Keep orelse [file:delete(File) || File <- lists:sublist(Files, max(0, length(Files) - 2))],
    Reader2.

cut_file(File, #reader{offsets = Offsets, batch = Batch} = Reader) ->
    Offset = maps:get(File, Offsets, 0),
    case chaos_log:read(File, Offset) of
        {[], _} ->
            Reader;
        {Events, Next} ->
            cut_file(File, Reader#reader{offsets = Offsets#{File => Next},
                                         batch = lists:reverse(Events, Batch)})
    end.

check(#reader{batch = Batch} = Reader, State) ->
    Events = [Event || {_, Event} <- lists:keysort(1, lists:reverse(Batch))],
    feed([Event || Event <- Events, known(Event)], Reader#reader{batch = []}, State).

known({position, _}) -> false;
known(_) -> true.

feed(Events, #reader{check = Check, kept = Kept} = Reader, #{keep := Keep}) ->
    Reader#reader{
        check = lists:foldl(fun chaos_check:event/2, Check, Events),
        kept = case Keep of true -> lists:reverse(Events, Kept); false -> [] end}.

report(#{readers := Readers, transactions := N} = State) ->
    [report(Name, Check, N) || {Name, #reader{check = Check}}
                                  <- lists:sort(maps:to_list(Readers))],
    State.

report(Name, Check, N) ->
    Counts = chaos_check:counts(Check),
    io:format("~s: ~b committed, ~b open~s~n",
              [Name, N, chaos_check:behind(Check),
               [io_lib:format(", ~0p ~b", [What, Count])
                || {What, Count} <- lists:sort(maps:to_list(Counts))]]),
    [io:format("~s FOUND ~0P~n", [Name, Finding, 60]) || Finding <- chaos_check:findings(Check)].

mutants(Name, #reader{opts = Opts, kept = Kept}) ->
    History = lists:reverse(Kept),
    [io:format("~s ~s: ~s~n", [Name, Title, verdict(Kind, Mutate(History), Opts)])
     || {Title, Kind, Mutate} <- chaos_mutant:all()].

verdict(_, none, _) ->
    "not applicable";
verdict(Kind, History, Opts) ->
    Check = lists:foldl(fun chaos_check:event/2, chaos_check:new(Opts), History),
    Found = lists:usort([K || {K, _} <- chaos_check:findings(chaos_check:finish(Check))]),
    case lists:member(Kind, Found) of
        true -> "caught";
        false -> io_lib:format("NOT CAUGHT, but ~0p", [Found])
    end.
