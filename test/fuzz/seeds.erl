%% Inputs to begin with, where no corpus is there yet:
%%
%%      erl ... -run seeds main DIRECTORY FRAME...
%%
%% writes DIRECTORY/TARGET/NUMBER for each target of fuzz.mk.
-module(seeds).
-export([main/1]).

main([Directory | Files]) ->
    Frames = [element(2, {ok, _} = file:read_file(File)) || File <- Files],
    write(Directory, "command", commands()),
    write(Directory, "frame", [<<$w, 0:24/unit:8, F/binary>> || F <- Frames]
          ++ [<<$k, 16#16B374D848:64, 0:64, 1>>]),
    write(Directory, "options", options()),
    write(Directory, "read", documents(Frames)),
    write(Directory, "show", documents(Frames)),
    write(Directory, "text", Frames ++ terms()),
    halt().

write(Directory, Target, Inputs) ->
    Numbers = lists:seq(1, length(Inputs)),
    [begin
         Name = filename:join([Directory, Target, io_lib:format("seed-~3..0b", [N])]),
         ok = filelib:ensure_dir(Name),
         ok = file:write_file(Name, Input)
     end || {N, Input} <- lists:zip(Numbers, Inputs)].

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
