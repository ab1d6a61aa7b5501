%% Random terms in external format, most of them damaged, and what the BEAM
%% says of each.
%%
%%   erl -noinput -pa DIR -run random_term main FILE COUNT SEED
%%
%% Writes lines "\x83...<TAB>t<TAB>f", as COPY reads them: the bytes, whether the
%% BEAM takes them, whether they are damaged.
-module(random_term).
-export([main/1]).

main([File, Count, Seed]) ->
    rand:seed(exsss, list_to_integer(Seed)),
    {ok, Out} = file:open(File, [write, raw, delayed_write]),
    [ok = file:write(Out, line(bytes())) || _ <- lists:seq(1, list_to_integer(Count))],
    ok = file:close(Out),
    halt().

line(Whole) ->
    Bytes = damage(Whole),
    ["\\\\x", [io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= Bytes],
     $\t, readable(Bytes), $\t, case Bytes of Whole -> $f; _ -> $t end, $\n].

readable(Bytes) ->
    try binary_to_term(Bytes, [used]) of
        {_, Used} when Used =:= byte_size(Bytes) -> $t;
        _ -> $f
    catch
        error:badarg -> $f
    end.

bytes() ->
    Options = pick([[], [{minor_version, 1}], [{minor_version, 0}]]),
    try term_to_binary(term(rand:uniform(5) - 1), Options)
    catch error:badarg -> term_to_binary(term(2))
    end.

bytes(Count) -> list_to_binary([rand:uniform(256) - 1 || _ <- lists:seq(1, Count)]).

pick(List) -> lists:nth(rand:uniform(length(List)), List).

some(Fun) -> [Fun() || _ <- lists:seq(1, rand:uniform(5) - 1)].

term(0) ->
    case rand:uniform(14) of
        1 -> rand:uniform(256) - 1;
        2 -> -rand:uniform(1 bsl 31);
        3 -> rand:uniform(1 bsl 70);
        4 -> -(rand:uniform(1 bsl 62) bsl pick([1, 60, 2100]));
        5 -> (rand:uniform() - 0.5) * math:pow(10, rand:uniform(600) - 300);
        6 -> pick([nil, true, false, ok, '', 'größe', '日本', '__struct__', 'Elixir.Decimal']);
        7 -> bytes(rand:uniform(8) - 1);
        8 -> pick([<<"text">>, <<"ä€"/utf8>>, <<0>>, <<"">>]);
        9 -> <<(rand:uniform(1000)):11>>;
        10 -> pick(["abc", "", [1, 2, 300], [a | b]]);
        11 -> pid();
        12 -> reference();
        13 -> fun lists:seq/2; % what is in another fun only its BEAM can check
        14 -> port()
    end;
term(Depth) ->
    Sub = fun() -> term(rand:uniform(Depth) - 1) end,
    case rand:uniform(5) of
        1 -> list_to_tuple(some(Sub));
        2 -> some(Sub);
        3 -> maps:from_list([{Sub(), Sub()} || _ <- some(Sub)]);
        4 -> [Sub() | Sub()];
        5 -> #{'__struct__' => pick(['Elixir.Decimal', 'Elixir.Date', 'Elixir.Postgrex.Range']),
               pick([sign, year, lower]) => Sub(), pick([coef, month, upper]) => Sub(),
               pick([exp, day, lower_inclusive]) => Sub()}
    end.

%% Of another node: what this one's own may hold, only itself knows.
pid() -> binary_to_term(<<131, $X, 119, 3, "a@b", (rand:uniform(1000)):32, 0:32, 1:32>>).
reference() -> binary_to_term(<<131, $Z, 3:16, 119, 3, "a@b", 1:32, 2:32, 3:32, 4:32>>).
port() -> binary_to_term(<<131, $Y, 119, 3, "a@b", 7:32, 1:32>>).

damage(Bytes) when byte_size(Bytes) < 2 -> Bytes;
damage(Bytes) ->
    At = rand:uniform(max(byte_size(Bytes), 2)) - 1,
    <<Before:At/binary, Byte, Rest/binary>> = Bytes,
    case rand:uniform(12) of
        1 -> Bytes;
        2 -> <<Before/binary, (rand:uniform(256) - 1), Rest/binary>>;
        3 -> <<Before/binary, (Byte bxor (1 bsl (rand:uniform(8) - 1))), Rest/binary>>;
        4 -> <<Before/binary, (tag()), Rest/binary>>;
        5 -> Before;
        6 -> <<Before/binary, Rest/binary>>;
        7 -> <<Before/binary, Byte, Byte, Rest/binary>>;
        8 -> <<Bytes/binary, Byte>>;
        9 -> <<131, 116, 0, 0, 0, 2, (binary:part(Bytes, 1, byte_size(Bytes) - 1))/binary,
               (tail(Bytes))/binary, (tail(Bytes))/binary, (tail(Bytes))/binary>>;
        10 -> <<131, (tag()), (bytes(rand:uniform(20)))/binary>>;
        11 -> <<131, 108, 0, 0, 0, 1, (tail(Bytes))/binary, (tail(Bytes))/binary>>;
        12 -> damage(damage(Bytes))
    end.

tail(Bytes) -> binary:part(Bytes, 1, byte_size(Bytes) - 1).

%% Those of the format, and others.
tag() ->
    pick([70, 77, 80, 82, 83, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107,
          108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, rand:uniform(256) - 1]).
