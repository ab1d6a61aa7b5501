%% What a consumer does with a file of pg_recvlogical, and what it may rely on.
%%
%% read/1 decodes frame, newline, frame, newline with [safe, used]; check/2
%% walks the frames and raises {broken, Promise, Detail} where docs/protocol.md
%% is not kept.
-module(frames).
-export([atoms/0, tags/0, read/1, check/2, contents/4]).

%% The closed list of docs/protocol.md and docs/types.md.  Being literals of
%% this module makes them known, so that [safe] accepts them and no others.
atoms() -> tags() ++ structs().

tags() ->
    [tx, whole, first, middle, last, relation, insert, update, delete,
     truncate, message, key, primary, full, default, index, nothing,
     generated, as, array, range, multirange, composite, none, nil, true,
     false, cascade, restart_identity, origin, origin_lsn, unchanged_toast,
     oversized, unconverted, unparsed, 'NaN', inf, '-inf', nan, infinity,
     '-infinity', unbound, empty, minus_infinity, plus_infinity, open,
     closed, stream, more, stream_abort, stream_commit, stream_prepare, prepare,
     commit_prepared, rollback_prepared, gid, prepare_end_lsn, prepare_time,
     unchanged, schema, not_null, identity, missing, masked, hash, keep, trunc, fixed, read, read_end, rows, bytes,
     ddl, tag, text, objects, user].

structs() ->
    ['__struct__', 'Elixir.Decimal', sign, coef, exp, 'Elixir.Date',
     'Elixir.Time', 'Elixir.NaiveDateTime', 'Elixir.DateTime',
     'Elixir.Calendar.ISO', calendar, year, month, day, hour, minute, second,
     microsecond, time_zone, utc_offset, std_offset, zone_abbr,
     'Elixir.Duration', week, 'Elixir.Postgrex.Interval', months, days, secs,
     microsecs, 'Elixir.Postgrex.Range', lower, upper, lower_inclusive,
     upper_inclusive, 'Elixir.Postgrex.Multirange', ranges,
     'Elixir.Postgrex.INET', address, netmask, 'Elixir.Postgrex.MACADDR',
     'Elixir.Postgrex.Point', x, y, 'Elixir.Postgrex.Line', a, b, c,
     'Elixir.Postgrex.LineSegment', point1, point2, 'Elixir.Postgrex.Box',
     upper_right, bottom_left, 'Elixir.Postgrex.Path', points,
     'Elixir.Postgrex.Polygon', vertices, 'Elixir.Postgrex.Circle', center,
     radius, 'Elixir.Postgrex.Lexeme', word, positions, 'A', 'B', 'C'].

read(File) ->
    {ok, Bytes} = file:read_file(File),
    split(Bytes).

split(<<>>) ->
    [];
split(Bytes) ->
    {Frame, Used} = binary_to_term(Bytes, [safe, used]),
    case Bytes of
        <<_:Used/binary, $\n, Rest/binary>> -> [Frame | split(Rest)];
        _ -> error({broken, "a newline follows each frame", Frame})
    end.

%% Opts: relations => session | frame | off; resent => true allows the same
%% description twice (a new session); keys => true: rows are checked to hold
%% exactly the columns that the relation event names.  Streams are checked as
%% such, and as what they become; they bring descriptions of their own.  So may
%% what comes behind a prepared transaction that was not sent to its end.
check(Frames, Opts) ->
    Spooled = spool:spooled(Frames, Opts),
    Resent = maps:get(resent, Opts, false) orelse Spooled =/= Frames
        orelse lists:keymember(rollback_prepared, 1, Frames),
    End = lists:foldl(fun(Frame, State) ->
                              frame(Frame, State, Opts#{resent => Resent})
                      end,
                      #{open => none, commit => 0, rels => #{}}, Spooled),
    promise("the last transaction is whole", maps:get(open, End) =:= none, End).

frame({message, Lsn, Prefix, Content}, State, _Opts) ->
    promise("a message frame", is_integer(Lsn) andalso is_prefix(Prefix)
            andalso is_content(Content), {Prefix, Content}),
    promise("frames of one transaction are contiguous",
            maps:get(open, State) =:= none, Prefix),
    State;
frame({Kind, Part, {Xid, Commit, End, Time} = Head, First, Count, Meta, Events},
      State, Opts) when Kind =:= tx; Kind =:= prepare ->
    promise("the head is of numbers",
            lists:all(fun is_integer/1, [Xid, Commit, End, Time]), Head),
    promise("a commit record ends behind its beginning", End > Commit, Head),
    promise("Meta is a map", is_map(Meta), Meta),
    promise("what is prepared has a name",
            (Kind =:= prepare) =:= is_map_key(gid, Meta), Meta),
    expect(Part, Head, First, Count, Events, late(Kind, State)),
    Known = case maps:get(relations, Opts, session) of
                frame -> #{};
                _ -> maps:get(rels, State)
            end,
    Rels = contents(Count, Events, Known, Opts),
    Open = case Part of
               _ when Part =:= whole; Part =:= last -> none;
               _ -> {Head, First + Count, Meta}
           end,
    promise("Meta is the same in all frames",
            case maps:get(open, State) of
                {_, _, Was} -> Was =:= Meta;
                none -> true
            end, Meta),
    State#{open := Open, commit := max(Commit, maps:get(commit, State)),
           rels := Rels};
frame({Kind, {_, Lsn, End, Time}, #{gid := Gid} = Meta},
      #{open := none, commit := Before} = State, _Opts)
  when Kind =:= commit_prepared; Kind =:= rollback_prepared ->
    promise("a decision is in commit order", Lsn > Before, {Lsn, Before}),
    promise("a decision", End > Lsn andalso is_integer(Time)
            andalso is_prefix(Gid), Meta),
    State#{commit := Lsn};
frame(Other, _State, _Opts) ->
    error({broken, "a frame is a tx or a message", Other}).

%% What was prepared before the slot decoded that comes late.
late(tx, State) -> State;
late(prepare, State) -> State#{commit := 0}.

%% The descriptions that are known after these events.
contents(Count, Events, Known, Opts) ->
    promise("Count counts all but relation, schema and ddl events",
            Count =:= length([E || E <- Events,
                                   not lists:member(element(1, E), [relation, schema, ddl])]),
            {Count, Events}),
    lists:foldl(fun(E, Rels) -> event(E, Rels, Opts) end, Known, Events).

expect(Part, Head, First, _Count, Events, #{open := none, commit := Before}) ->
    promise("a transaction begins with whole or first",
            Part =:= whole orelse Part =:= first, Part),
    promise("the first index is 0", First =:= 0, First),
    promise("first holds an event", Part =:= whole orelse holds(Events), Head),
    promise("transactions come in commit order",
            element(2, Head) > Before, {Head, Before});
expect(Part, Head, First, _Count, Events, #{open := {Head, Next, _}}) ->
    promise("a transaction goes on with middle or last",
            Part =:= middle orelse Part =:= last, Part),
    promise("middle holds an event", Part =:= last orelse holds(Events), Head),
    promise("indexes are contiguous", First =:= Next, {First, Next});
expect(_, Head, _, _, _, #{open := Open}) ->
    error({broken, "frames of one transaction have one head", {Head, Open}}).

holds(Events) ->
    lists:any(fun(E) -> element(1, E) =/= relation end, Events).

event({relation, Rel, Schema, Table, Identity, Columns}, Rels, Opts) ->
    promise("a description", is_integer(Rel) andalso is_name(Schema)
            andalso is_name(Table)
            andalso lists:member(Identity, [default, index, full, nothing])
            andalso lists:all(fun is_column/1, Columns), {Table, Columns}),
    Event = {Schema, Table, Identity, Columns},
    promise("a description is not repeated",
            maps:get(resent, Opts, false) orelse
                maps:get(Rel, Rels, none) =/= Event, Event),
    Rels#{Rel => Event};
event({insert, Rel, New}, Rels, Opts) ->
    row(Rel, New, Rels, Opts),
    Rels;
event({update, Rel, Old, New}, Rels, Opts) ->
    old(Rel, Old, Rels, Opts, nil),
    updated(Rel, New, Rels, Opts),
    Rels;
event({delete, Rel, Old}, Rels, Opts) ->
    old(Rel, Old, Rels, Opts, none),
    Rels;
event({schema, Rel, Before, After}, Rels, _Opts) ->
    promise("a schema event", is_integer(Rel) andalso Before =/= After
            andalso is_state(Before) andalso is_state(After),
            {Rel, Before, After}),
    Rels;
event({ddl, #{tag := Tag, text := Text, objects := Objects, user := User} = All},
      Rels, _Opts) ->
    promise("a command", map_size(All) =:= 4
            andalso lists:all(fun is_text/1, [Tag, Text, User])
            andalso lists:all(fun({Type, Name, Oid}) ->
                                      is_text(Type) andalso is_text(Name)
                                          andalso is_integer(Oid)
                              end, Objects), All),
    Rels;
event({truncate, Rel, Flags}, Rels, Opts) ->
    [known(R, Rels, Opts) || R <- Rel],
    promise("flags of a truncate",
            Flags -- [cascade, restart_identity] =:= [], Flags),
    Rels;
event({message, Prefix, Content}, Rels, _Opts) ->
    promise("a message", is_prefix(Prefix) andalso is_content(Content),
            {Prefix, Content}),
    Rels;
event(Other, _Rels, _Opts) ->
    error({broken, "an event", Other}).

is_prefix({unconverted, Bytes}) -> is_binary(Bytes);
is_prefix(Prefix) -> is_content(Prefix).

is_text({unconverted, Bytes}) -> is_binary(Bytes);
is_text(Text) -> is_content(Text).

is_content({oversized, Bytes}) -> is_integer(Bytes);
is_content(Content) -> is_binary(Content).

is_state(none) ->
    true;
is_state({Schema, Name, Identity, Filenode, Columns}) ->
    is_name(Schema) andalso is_name(Name) andalso is_atom(Identity)
        andalso is_integer(Filenode)
        andalso lists:all(fun({Attnum, N, Oid, Type, Typmod, Flags}) ->
                                  is_integer(Attnum) andalso
                                      is_column({N, Oid, Type, Typmod, Flags})
                          end, Columns).

is_column({Name, Oid, Type, Typmod, Flags}) ->
    is_name(Name) andalso is_integer(Oid) andalso is_name(Type)
        andalso is_integer(Typmod) andalso is_list(Flags);
is_column(_) ->
    false.

is_name({unconverted, Name}) -> is_binary(Name);
is_name(Name) -> is_binary(Name).

old(_Rel, Absent, _Rels, _Opts, Absent) ->
    ok;
old(Rel, {full, Row}, Rels, Opts, _) ->
    row(Rel, Row, Rels, Opts);
old(Rel, {key, Row}, Rels, Opts, _) ->
    columns(Row, [N || {N, _, _, _, F} <- known(Rel, Rels, Opts),
                       lists:member(key, F)]);
old(_Rel, Other, _Rels, _Opts, _) ->
    error({broken, "an old row", Other}).

%% Without what an update has not changed, if that was asked for.
updated(Rel, Row, Rels, #{updates := changed} = Opts) when is_map(Row) ->
    Names = [element(1, C) || C <- known(Rel, Rels, Opts)],
    promise("a map has keys of columns only", maps:keys(Row) -- Names =:= [],
            {Row, Names});
updated(Rel, Row, Rels, Opts) ->
    row(Rel, Row, Rels, Opts).

row(Rel, Row, Rels, Opts) ->
    columns(Row, [element(1, C) || C <- known(Rel, Rels, Opts)]).

columns(_Row, []) ->
    ok;
columns(Row, Names) when is_tuple(Row) ->
    promise("a tuple has an element per column",
            tuple_size(Row) =:= length(Names), {Row, Names});
columns(Row, Names) when is_map(Row) ->
    Keys = [case is_atom(K) of
                true -> atom_to_binary(K, utf8);
                false -> K
            end || K <- maps:keys(Row)],
    promise("a map has a key per column",
            lists:sort(Keys) =:= lists:sort(Names), {Row, Names}).

known(Rel, Rels, Opts) ->
    case {Rels, maps:get(relations, Opts, session)} of
        {#{Rel := {_, _, _, Columns}}, _} -> Columns;
        {_, off} -> [];
        _ -> error({broken, "a table is described before its first use", Rel})
    end.

promise(_Text, true, _Detail) -> ok;
promise(Text, _, Detail) -> error({broken, Text, Detail}).
