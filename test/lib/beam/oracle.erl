%% A BEAM that judges what the plugin wrote, for EtfOracle.pm.
%%
%% Reads one command per line, an Erlang term such as
%% {show, "frames.bin", #{}, "answer"}.  The answer goes into the file named
%% last; "ok" or "error TEXT" comes back as one line.
-module(oracle).
-export([main/0]).

main() ->
    _ = frames:atoms(),
    loop().

loop() ->
    case io:get_line("") of
        Line when is_list(Line) ->
            {ok, Tokens, _} = erl_scan:string(Line),
            {ok, Command} = erl_parse:parse_term(Tokens),
            io:format("~ts~n", [answer(Command)]),
            loop();
        _ ->
            halt(0)
    end.

answer(Command) ->
    File = element(tuple_size(Command), Command),
    try
        ok = file:write_file(File, run(Command)),
        "ok"
    catch
        error:{broken, Promise, Detail} ->
            one_line("error broken promise: ~ts: ~0tp", [Promise, Detail]);
        Class:Reason:Stack ->
            one_line("error ~p ~0tp ~0tp", [Class, Reason, Stack])
    end.

one_line(Format, Args) ->
    Text = unicode:characters_to_list(io_lib:format(Format, Args)),
    [case C of $\n -> $\s; _ -> C end || C <- lists:sublist(Text, 2000)].

%% {show, File, CheckOpts, Out}: one line per frame and event
run({show, File, Opts, _}) ->
    Frames = frames:read(File),
    frames:check(Frames, Opts),
    [[Line, $\n] || Line <- show:lines(Frames)];
%% {count, File, CheckOpts, Out}: frames, counted events, bytes of the largest
run({count, File, Opts, _}) ->
    Frames = frames:read(File),
    frames:check(Frames, Opts),
    Events = lists:sum([element(5, F) || F <- Frames, element(1, F) =:= tx]),
    io_lib:format("~b ~b", [length(Frames), Events]);
%% {mirror, File, Out}: SQL that repeats the changes in schema mirror
run({mirror, File, _}) ->
    Frames = frames:read(File),
    frames:check(Frames, #{}),
    mirror:sql(Frames);
%% {schemas, File, CheckOpts, Out}: the tables that schema events add up to
run({schemas, File, Opts, _}) ->
    Frames = frames:read(File),
    frames:check(Frames, Opts),
    schemas:lines(Frames);
%% {truth, File, CheckOpts, Out}: what pgoutput, too, has to tell
run({truth, File, Opts, _}) ->
    Frames = frames:read(File),
    frames:check(Frames, Opts),
    [[Line, $\n] || Line <- truth:lines(spool:spooled(Frames, Opts))];
%% {alike_whole, File, File, CheckOpts, Out}: both have the same transactions,
%% however they were sent; how many
run({alike_whole, File, Other, Opts, _}) ->
    [A, B] = [whole(F, Opts) || F <- [File, Other]],
    same(A, B),
    integer_to_list(length(A));
%% {compare, File, TextFile, Form, Out}: frames beside test_decoding's text
run({compare, File, TextFile, Form, _}) ->
    agree:compare(File, TextFile, Form);
%% {stream, Socket, Db, User, Slot, Options, EndLsn, Out}: a walsender's
%% messages, a line each: LSN of the message, LSN it should have, part
run({stream, Socket, Db, User, Slot, Options, EndLsn, _}) ->
    walsender:lines(Socket, Db, User, Slot, Options, EndLsn);
%% {sessions, ..., [Options], ...}: likewise several times, a line each
run({sessions, Socket, Db, User, Slot, List, EndLsn, _}) ->
    walsender:sessions(Socket, Db, User, Slot, List, EndLsn);
%% {same, FrameFile, TextFile, Out}: the frame is the term that the text says
run({same, FrameFile, TextFile, _}) ->
    {ok, Frame} = file:read_file(FrameFile),
    {ok, Text} = file:read_file(TextFile),
    Term = binary_to_term(Frame, [safe]),
    case parse(Text) of
        Term -> "same";
        Other -> error({broken, "text and frame agree", {Term, Other}})
    end;

%% {tags, Out}: the atoms that the documentation has to name
run({tags, _}) ->
    [[atom_to_list(Tag), $\n] || Tag <- frames:tags()];
%% {alike, File, TextFile, Out}: a file begins with the term that a person is
%% shown, but for what differs from run to run
run({alike, File, TextFile, _}) ->
    {ok, Bytes} = file:read_file(File),
    {ok, Text} = file:read_file(TextFile),
    Term = mask(binary_to_term(Bytes, [safe])),
    case mask(parse(Text)) of
        Term -> "alike";
        Other -> error({broken, "text and file agree", {Term, Other}})
    end.

whole(File, Opts) ->
    Frames = frames:read(File),
    frames:check(Frames, Opts),
    spool:whole(spool:spooled(Frames, Opts)).

%% Terms that are equal may differ in bytes, as 0.0 and -0.0 do.
same([A | As], [B | Bs]) ->
    case {term_to_binary(A), term_to_binary(B)} of
        {Bytes, Bytes} -> same(As, Bs);
        _ -> error({broken, "a transaction is the same", difference(A, B)})
    end;
same([], []) ->
    ok;
same(As, Bs) ->
    error({broken, "transactions are as many", {As, Bs}}).

%% The first of the elements that differ, as deep as that can be said.
difference(A, B) when is_tuple(A), is_tuple(B), tuple_size(A) =:= tuple_size(B) ->
    difference(tuple_to_list(A), tuple_to_list(B));
difference([A | As], [A | Bs]) -> difference(As, Bs);
difference([A | _], [B | _]) -> {difference(A, B), {A, B}};
difference(A, B) -> {A, B}.

mask(Number) when is_integer(Number), Number >= 100 -> number;
mask(List) when is_list(List) -> [mask(T) || T <- List];
mask(Tuple) when is_tuple(Tuple) ->
    list_to_tuple(mask(tuple_to_list(Tuple)));
mask(Other) -> Other.

parse(Text) ->
    {ok, Tokens, _} =
        erl_scan:string(unicode:characters_to_list(Text) ++ " ."),
    {ok, Term} = erl_parse:parse_term(Tokens),
    Term.
