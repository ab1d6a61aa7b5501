%% Inputs to begin with, where no corpus is there yet:
%%
%%      erl ... -run seeds main DIRECTORY FRAME...
%%
%% writes DIRECTORY/TARGET/NUMBER for each target of fuzz.mk.
-module(seeds).
-export([main/1]).

main([Directory | Files]) ->
    Frames = [element(2, {ok, _} = file:read_file(File)) || File <- Files],
    write(Directory, "backfill", states()),
    write(Directory, "command", commands()),
    write(Directory, "dist", greetings() ++ controls()),
    write(Directory, "frame", [<<$w, 0:24/unit:8, F/binary>> || F <- Frames]
          ++ [<<$w, 0:24/unit:8, (term_to_binary(F))/binary>> || F <- others()]
          ++ [<<$k, 16#16B374D848:64, 0:64, 1>>]),
    write(Directory, "options", options()),
    write(Directory, "pgoutput", pgoutput()),
    write(Directory, "read", documents(Frames)),
    write(Directory, "show", documents(Frames)),
    write(Directory, "text", Frames ++ terms()),
    write(Directory, "wire", values()),
    halt().

write(Directory, Target, Inputs) ->
    Numbers = lists:seq(1, length(Inputs)),
    [begin
         Name = filename:join([Directory, Target, io_lib:format("seed-~3..0b", [N])]),
         ok = filelib:ensure_dir(Name),
         ok = file:write_file(Name, Input)
     end || {N, Input} <- lists:zip(Numbers, Inputs)].

%% A type, a format, and what most types can make something of.
values() ->
    Texts = [<<"t">>, <<"-12.50">>, <<"2024-02-29 12:34:56.789+00">>, <<"1 mon -2 days 03:04:05">>,
             <<"{{1,NULL},{\"2\",3}}">>, <<"(1,\"a \"\"b\"\"\")">>, <<"{[1,5),(7,]}">>,
             <<"((0,0),(1,1))">>, <<"'a':1A,2 'b'">>, <<"\"a\"=>\"1\", \"b\"=>NULL">>,
             <<"10.0.0.0/8">>, <<"{\"a\": [1, 2.5, null]}">>],
    Bytes = [<<N:8/unit:8>> || N <- [0, 1, 1 bsl 32]] ++
        [<<1:32, 0:32, 23:32, 1:32, 1:32, 4:32, 7:32>>, <<2:16, 0:16, 0:16, 2:16, 1:16, 5000:16>>,
         <<1:32, $a, 0, 1:16, 3:16>>, <<2, 4:32, 1:32, 4:32, 5:32>>],
    [<<Type, Format, Value/binary>>
        || {Format, Values} <- [{0, Bytes}, {16#81, Texts}], Value <- Values,
           Type <- lists:seq(0, 180, 9)].

%% What is done of tables that are read by ranges, by blocks, by keys.
states() ->
    Table = fun(Order, Status, Ranges, Place) ->
        list_to_tuple([16385, 16385, 16386, <<"public">>, <<"t">>, $d, [<<"id">>], <<"153.14">>,
                       <<"id > 0">>, 70000, 3, -1.0, Order, Status, Ranges | Place])
    end,
    ByRanges = Table(ranges, started, {70000, 8192, 9, <<5, 1>>}, [0, [], false, [], [], 7, 8, 9, 1]),
    ByBlocks = Table(blocks, done, none, [12, [], false, [], [], 1 bsl 63, 8, 9, 0]),
    ByKeys = Table(keys, planned, none, [0, [<<"7">>], true, [<<"9">>], [[<<"5">>]], 7, 8, 9, 2]),
    [term_to_binary({1, Mode, <<"s">>, <<"7300000000000000000">>, 1, <<"public.*">>, 3, Tables})
        || {Mode, Tables} <- [{exact, []}, {exact, [ByRanges]}, {incremental, [ByKeys, ByBlocks]}]].

%% Frames that only readers get who ask for them.
others() ->
    Position = {7, 16#16B374D848, 16#16B374D8A0, 1700000000000000},
    Meta = #{gid => <<"g">>, origin => <<"node">>, origin_lsn => 1 bsl 40},
    Column = {1, <<"id">>, 23, <<"int4">>, -1, [not_null, {missing, 7}, key]},
    Table = {<<"public">>, <<"t">>, default, 16385, [Column]},
    [{tx, whole, Position, 0, 0, #{}, [{schema, 1, none, Table}, {schema, 1, Table, none}]},
     {stream, first, {7, 9, 16#16B374D848}, 0, 2, #{}, [{insert, 1, {2}}, x]},
     {stream, more, {7, 7, 16#16B374D848}, 2, 1, #{}, [{insert, 1, {3}}]},
     {stream_abort, {7, 9, 0, 0}},
     {stream_commit, Position, #{}},
     {stream_prepare, Position, Meta},
     {prepare, whole, Position, 0, 1, Meta, [{insert, 1, {2}}]},
     {commit_prepared, Position, #{gid => <<>>}},
     {rollback_prepared, Position, Meta#{prepare_end_lsn => 1, prepare_time => 2}}].

%% A byte of options, then messages behind their lengths.
pgoutput() ->
    Types = [23, 25, 1700, 1184, 3802, 1007, 20000, 20001, 20003, 20004, 20005],
    Columns = [<<(case T of 23 -> 1; _ -> 0 end), (integer_to_binary(T))/binary, 0, T:32, -1:32>>
               || T <- Types],
    Relation = [<<$R, 16385:32, "public", 0, "t", 0, $d, (length(Types)):16>>, Columns],
    Value = fun(Kind, Bytes) -> <<Kind, (byte_size(Bytes)):32, Bytes/binary>> end,
    Row = fun(Values) -> [<<(length(Values)):16>>, Values] end,
    Text = Row([Value($t, V) || V <- [<<"1">>, <<"a">>, <<"1.50">>, <<"2026-01-01 00:00:00+00">>,
                <<"{\"a\": [1]}">>, <<"{1,NULL}">>, <<"(1,{ok})">>, <<"{sad}">>, <<"[1,2)">>,
                <<"{[1,2)}">>, <<"{{1,2},{3,4}}">>]]),
    Ints = <<1:32, 0:32, 23:32, 1:32, 1:32, 4:32, 7:32>>,
    Binary = Row([Value($b, <<1:32>>), Value($b, <<"a">>),
                  Value($b, <<1:16, 0:16, 0:16, 0:16, 1:16>>), Value($b, <<1:64>>),
                  Value($b, <<1, "{\"a\": 1}">>), Value($b, Ints),
                  Value($b, <<2:32, 23:32, 4:32, 1:32, 20001:32, -1:32>>), <<$n>>,
                  Value($b, <<2, 8:32, 1:64, 8:32, 2:64>>), <<$u>>, Value($b, Ints)]),
    Key = Row([Value($t, <<"1">>) | [<<$n>> || _ <- tl(Types)]]),
    Begin = <<$B, 100:64, 1:64, 7:32>>,
    Commit = <<$C, 0, 100:64, 150:64, 1:64>>,
    Origin = <<$O, 5:64, "node", 0>>,
    Truncate = <<$T, 1:32, 3, 16385:32>>,
    Message = <<$M, 1, 90:64, "p", 0, 1:32, "c">>,
    Lone = <<$M, 0, 160:64, "p", 0, 1:32, "c">>,
    Change = fun(K, Rest) -> [<<K, 16385:32>>, Rest] end,
    Changes = fun(R) -> [Change($I, [$N, R]), Change($U, [$N, R]), Change($U, [$K, Key, $N, R]),
                         Change($U, [$O, R, $N, R]), Change($D, [$K, Key])] end,
    Sessions = [[Begin, Relation] ++ Changes(Rows) ++ [Truncate, Message, Commit, Lone]
                || Rows <- [Text, Binary]]
        ++ [[Begin, Origin, <<$Y, 20006:32, "public", 0, "unread", 0>>, Relation, Commit]],
    Streamed = fun(Xid, M) -> <<Kind, Rest/binary>> = iolist_to_binary(M), <<Kind, Xid:32, Rest/binary>> end,
    Block = fun(Xid, First, Sub, Ms) -> [<<$S, Xid:32, First>> | [Streamed(Sub, M) || M <- Ms]] ++ [<<$E>>] end,
    Streams = [Block(7, 1, 7, [Relation | Changes(Rows)]) ++ Block(9, 1, 9, [Relation, Truncate]) ++
               Block(7, 0, 8, [Relation | Changes(Rows)]) ++ Block(7, 0, 7, [Message]) ++
               [<<$A, 7:32, 8:32>>, <<$A, 9:32, 9:32>>, <<$c, 7:32, 0, 100:64, 150:64, 1:64>>]
               || Rows <- [Text, Binary]]
        ++ [[<<$S, 7:32, 1>>, Origin, Streamed(8, Relation), <<$E>>, <<$c, 7:32, 0, 100:64, 150:64, 1:64>>]],
    [iolist_to_binary([Flags, [[<<(iolist_size(M)):16>>, M] || M <- Session]])
     || Flags <- [0, 1, 4 + 8 + 64, 1 + 8 + 16 + 64, 2 + 32, 128 + 1], Session <- Sessions ++ Streams].

%% A byte that says how to split, then packets.
commands() ->
    Starts = [#{slot => <<"s">>},
              #{slot => "s", create => temporary, two_phase => true,
                connection => #{host => <<"h">>, port => 5432},
                options => #{<<"dialect">> => elixir, null => nil}},
              #{slot => <<"s">>, conninfo => <<"dbname=d">>, startpos => 1 bsl 40,
                endpos => <<"16/B374D848">>, credit_events => 1 bsl 40,
                credit_bytes => 1000, system_identifier => <<"7">>},
              #{slot => s, create => if_missing, status_interval => 10000,
                max_stall => <<"1min">>, reconnect => false, control => off,
                circuit_after => <<"3">>, slot_wait => <<"2h">>}],
    Others = [{credit, 1, 2}, {flushed, 16#FFFFFFFFFFFFFFFF}, stop, stats,
              {start, []}, {other, 1}, 7],
    Packets = [packet(C) || C <- [{start, S} || S <- Starts] ++ Others],
    [<<0, P/binary>> || P <- Packets] ++
        [iolist_to_binary([1 | Packets]), <<2, 16#FFFFFFFF:32>>].

%% A byte that says which message, then what a node sends.
greetings() ->
    [<<0, $w, 0, 4369:16, 77, 0, 6:16, 5:16, 4:16, "shop", 0:16>>, <<0, $w, 1>>,
     <<1, "sok">>, <<1, "salive">>, <<1, "snot_allowed">>,
     <<2, $N, 16#D07DF7FBD:64, 1:32, 2:32, 6:16, "shop@h">>,
     <<3, $a, 0:128>>].

controls() ->
    [Pid, Ref] = [self(), make_ref()],
    Big = 1 bsl 60,
    Controls = [{2, '', Pid}, {3, Pid, Pid, {r, return, #{a => [1, 2.5]}}},
                {6, Pid, '', shop}, {8, Pid, Pid, kill}, {21, shop, Pid, Ref, noproc},
                {31, Ref, Pid, 0, Pid}, {35, Big, Pid, Pid}, {19, Pid, Pid, Ref}],
    [iolist_to_binary([4, $p, term_to_binary(C)]) || C <- Controls]
        ++ [iolist_to_binary([4, $p, term_to_binary({2, '', Pid}),
                              term_to_binary({io_request, Pid, Ref, <<"text">>})]),
            iolist_to_binary([4, $p, term_to_binary({2, '', Pid}),
                              term_to_binary({pg_etf, term_to_binary(stats)})]),
            <<4>>].

packet(Command) ->
    Bytes = term_to_binary(Command),
    <<(byte_size(Bytes)):32, Bytes/binary>>.

options() ->
    [iolist_to_binary([[Part, 0] || Part <- ["public", "orders" | Parts]])
     || Parts <-
            [["include_tables", "public.*, s.a\\*b", "exclude_tables", "*.tmp\\.*"],
             ["messages", "on", "message_prefixes", "a*, b\\,c"],
             ["actions", "insert, delete", "origin", "none", "rows", "tuple"],
             ["dialect", "compact", "numeric", "text", "null", "undefined"],
             ["protocol_version", "1", "frame_bytes", "65536", "json", "text"],
             ["dialect", "erlang", "timestamps", "iso", "interval", "duration"],
             ["nonsense", "1"], ["rows"]]].

%% One line for each frame, and a byte that says how they are shown.
documents(Frames) ->
    [<<F/binary, "\n", Style>> || F <- Frames, Style <- [0, 1, 6]] ++
        [<<(iolist_to_binary(lists:join("\n", Frames)))/binary, 2>>].

terms() ->
    [term_to_binary(T, O)
     || T <- [1, -1, 1 bsl 31, -(1 bsl 63), 1 bsl 64, 1 bsl 3000, 1.5, -0.0, 1.0e22,
              a, 'Elixir.Foo', true, nil, <<"text">>, <<"t\303\251xt"/utf8>>, <<255>>,
              <<5:3>>, [], "string", [1 | 2], [a, [b]], {}, {1, {2}},
              #{}, #{a => 1}, #{<<"k">> => 1, 2 => 3}, #{{} => 1}, [{a, 1}, {b, 2}],
              list_to_pid("<0.1.2>"), make_ref(), hd(erlang:ports()),
              fun lists:map/2, fun() -> ok end,
              struct('Elixir.Date', [{year, 2026}, {month, 1}, {day, 31}]),
              struct('Elixir.Time', noon()),
              struct('Elixir.DateTime',
                     [{year, 2026}, {month, 1}, {day, 31}, {time_zone, <<"Etc/UTC">>},
                      {zone_abbr, <<"UTC">>}, {utc_offset, 0}, {std_offset, 0}
                      | noon()]),
              maps:remove(calendar,
                          struct('Elixir.Decimal',
                                 [{sign, -1}, {coef, 1 bsl 70}, {exp, -5}])),
              struct('Elixir.Foo', [{a, 1}]), lists:duplicate(300, a)],
        O <- [[], [{minor_version, 0}]]].

struct(Name, Fields) ->
    maps:from_list([{'__struct__', Name}, {calendar, 'Elixir.Calendar.ISO'} | Fields]).

noon() ->
    [{hour, 12}, {minute, 0}, {second, 9}, {microsecond, {1500, 4}}].
