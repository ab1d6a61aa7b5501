%% The plugin's frames beside what test_decoding printed of the same WAL:
%% the same transactions, the same changes of the same tables, the same
%% columns.  Values go out as pairs of texts for the server to compare.
-module(agree).
-export([compare/3]).

%% unchanged: toasted values that the WAL does not carry; filled: those of them
%% that the old row has.
-record(at, {lsn, xid, place = [], count = 0, values = 0, xacts = 0,
             unchanged = 0, filled = 0, pairs = #{}, bad = [], hold = false,
             held = []}).

%% Form: see leaves.erl, and what else the options changed: #{relations,
%% old_rows, actions, skip_empty, keys}.  One line for each thing that
%% differs, "D" place ours theirs; each distinct pair of texts that are not
%% the same already, "P" kind ours theirs place; and "C" transactions changes
%% values unchanged filled.  Fields are separated and escaped as COPY does.
compare(FrameFile, TextFile, Form) ->
    Frames = frames(FrameFile, Form),
    %% A table may go back to what was told, by way of a state that no change
    %% was sent in.
    frames:check(Frames, #{relations => maps:get(relations, Form),
                           resent => true}),
    {Ours, _} = lists:mapfoldl(fun frame/2, #{}, Frames),
    Theirs = wanted(decoded:read(TextFile), Form),
    At = walk(empties(lists:append(Ours), Form), Theirs, Form, #at{}),
    [[line(["D" | Fields]) || Fields <- lists:reverse(At#at.bad)],
     [line(["P", Kind, O, T, Place])
      || {{Kind, O, T}, Place} <- maps:to_list(At#at.pairs)],
     line(["C" | [integer_to_list(N)
                  || N <- [At#at.xacts, At#at.count, At#at.values,
                           At#at.unchanged, At#at.filled]]])].

%% With keys=atom the names of columns become atoms here first.
frames(File, #{keys := atom}) ->
    {ok, Bytes} = file:read_file(File),
    load(Bytes),
    frames:read(File);
frames(File, _) ->
    frames:read(File).

load(<<>>) ->
    ok;
load(Bytes) ->
    {_, Used} = binary_to_term(Bytes, [used]),
    <<_:Used/binary, $\n, Rest/binary>> = Bytes,
    load(Rest).

%% The changes of one frame, each with the description of its table.
frame({message, Lsn, Prefix, Content}, Rels) ->
    {[{message, Lsn, Prefix, Content}], Rels};
frame({tx, Part, {Xid, _, _, _}, _, _, _, Events}, Rels) ->
    {Changes, Rels1} = lists:mapfoldl(fun event/2, Rels, Events),
    {[{'begin', Xid} || Part =:= whole orelse Part =:= first]
     ++ lists:append(Changes)
     ++ [{commit, Xid} || Part =:= whole orelse Part =:= last], Rels1}.

event({relation, Rel, Schema, Table, Identity, Columns}, Rels) ->
    {[], Rels#{Rel => {{Schema, Table}, Identity, Columns}}};
event({truncate, List, Flags}, Rels) ->
    {[{truncate, [maps:get(Rel, Rels) || Rel <- List], Flags}], Rels};
event({message, Prefix, Content}, Rels) ->
    {[{message, Rels, Prefix, Content}], Rels};
event({Kind, Rel, Row}, Rels) ->
    {[{Kind, maps:get(Rel, Rels), Row}], Rels};
event({update, Rel, Old, New}, Rels) ->
    {[{update, maps:get(Rel, Rels), Old, New}], Rels}.

%% What the options leave of test_decoding's changes, which has all of them.
wanted(Theirs, #{actions := Actions} = Form) ->
    empties([C || {_, Change} = C <- Theirs,
                  lists:member(element(1, Change),
                               ['begin', commit, message | Actions])], Form).

empties(Changes, #{skip_empty := true}) -> drop_empties(Changes);
empties(Changes, _) -> Changes.

drop_empties([{_, {'begin', _}}, {_, {commit, _}} | Rest]) ->
    drop_empties(Rest);
drop_empties([Change | Rest]) -> [Change | drop_empties(Rest)];
drop_empties([]) -> [].

walk([Ours | Rest], [{Lsn, Theirs} | Rest1], Form, At0) ->
    At = At0#at{lsn = Lsn, count = At0#at.count + 1, hold = false},
    try step(Ours, Theirs, Form, At) of
        At1 -> walk(Rest, Rest1, Form, At1)
    catch
        throw:sequence -> bad(Ours, Theirs, At#at{hold = false})
    end;
walk([], [], _, At) ->
    At;
walk([Ours | _], [], _, At) ->
    bad(Ours, nothing, At#at{hold = false});
walk([], [{Lsn, Theirs} | _], _, At) ->
    bad(nothing, Theirs, At#at{lsn = Lsn, hold = false}).

%% Another operation or table ends the walk: nothing after it has a partner.
step({'begin', Xid}, {'begin', Xid}, _, At) ->
    At#at{xid = Xid, xacts = At#at.xacts + 1};
step({commit, Xid}, {commit, Xid}, _, #at{held = Held} = At) ->
    lists:foldr(fun noted/2, At#at{held = []}, Held);
step({message, Lsn, Prefix, Content}, {message, false, Prefix, Content}, _,
     At) when is_integer(Lsn) ->
    At;
%% Told by what was left out, the plugin does not know it yet.
step({message, Rels, <<"after ", Action/binary>>, Content},
     {message, true, _, Content}, #{actions := Actions}, At) ->
    case lists:member(binary_to_existing_atom(Action, utf8), Actions)
         andalso states:differs(Content, Rels) of
        {Ours, Theirs} ->
            bad(Ours, Theirs, At#at{hold = true, place = "relation event"});
        _ -> At
    end;
step({message, _, <<"overtaken">>, _}, {message, true, <<"overtaken">>, _}, _,
     At) ->
    At#at{held = []};
step({message, _, Prefix, Content}, {message, true, Prefix, Content}, _, At) ->
    At;
step({insert, {{_, Table}, _, _} = Rel, New},
     {insert, {_, Table} = Name, Columns}, Form, At) ->
    row(new, New, Rel, Columns, Form, schema(Rel, Name, At));
step({update, {{_, Table}, _, _} = Rel, Old, New},
     {update, {_, Table} = Name, Key, Columns}, Form, At0) ->
    At = schema(Rel, Name, At0),
    At1 = case Form of
              #{old_rows := none} -> equal(Old, nil, At);
              _ -> old(Old, nil, Rel, Key, Form, At)
          end,
    New1 = filled(Columns, Key),
    row(new, New, Rel, New1, Form,
        At1#at{filled = At1#at.filled + length(New1 -- Columns)});
step({delete, {{_, Table}, _, _} = Rel, Old}, {delete, {_, Table} = Name, Key},
     Form, At) ->
    old(Old, none, Rel, Key, Form, schema(Rel, Name, At));
step({truncate, Rels, Flags}, {truncate, Names, Theirs}, _, At) ->
    Expected = [case F of
                    <<"restart_seqs">> -> restart_identity;
                    <<"cascade">> -> cascade
                end || F <- Theirs],
    equal({lists:sort([Name || {Name, _, _} <- Rels]), lists:sort(Flags)},
          {lists:sort(Names), lists:sort(Expected)}, At#at{hold = true});
step(_, _, _, _) ->
    throw(sequence).

%% A schema gets another name without waiting for who uses its tables.
schema({Same, _, _}, Same, At) -> At;
schema({Ours, _, _}, Theirs, At) ->
    bad(Ours, Theirs, At#at{hold = true, place = "schema"}).

equal(Same, Same, At) -> At;
equal(Ours, Theirs, At) -> bad(Ours, Theirs, At).

%% What is unchanged is there all the same where the old row has it: each
%% column under REPLICA IDENTITY FULL, else those of the identity.
filled(Columns, none) ->
    Columns;
filled(Columns, Old) ->
    [case {V, lists:keyfind(Name, 1, Old)} of
         {unchanged, {_, _, Was}} -> {Name, Type, Was};
         _ -> C
     end || {Name, Type, V} = C <- Columns].

old(Absent, Absent, _, none, _, At) ->
    At;
old({key, Row}, _, {Name, Identity, Columns}, Theirs, Form, At)
  when is_list(Theirs) ->
    Keys = [C || {_, _, _, _, Flags} = C <- Columns,
                 lists:member(key, Flags)],
    row(key, Row, {Name, Identity, Keys}, Theirs, Form, At);
%% test_decoding leaves out what is NULL in an old row.
old({full, Row}, _, {_, full, Columns} = Rel, Theirs, Form, At)
  when is_list(Theirs) ->
    All = [case lists:keyfind(element(1, C), 1, Theirs) of
               false -> {element(1, C), any, null};
               Column -> Column
           end || C <- Columns],
    equal([], Theirs -- All, row(full, Row, Rel, All, Form, At));
old(Ours, _, _, Theirs, _, At) ->
    bad(Ours, Theirs, At).

row(What, Row, {{Schema, Table}, _, Columns}, Theirs, Form, At) ->
    Place = [Schema, $., Table, $\s, atom_to_list(What)],
    Names = [element(1, C) || C <- Columns],
    case [Name || {Name, _, _} <- Theirs] of
        Names ->
            values(lists:zip3(Columns, cells(Row, Names), Theirs), Form,
                   At#at{place = Place});
        Others ->
            bad(Names, Others, At#at{place = Place, hold = false})
    end.

cells(Row, _) when is_tuple(Row) -> tuple_to_list(Row);
cells(Row, [Name | _] = Names) when is_map(Row) ->
    case Row of
        #{Name := _} -> [maps:get(N, Row) || N <- Names];
        _ -> [maps:get(binary_to_existing_atom(N, utf8), Row) || N <- Names]
    end;
cells(_, []) -> [].

values(Cells, Form, #at{place = Place} = At) ->
    lists:foldl(fun({Column, Ours, {Name, Type, Theirs}}, Acc) ->
                        value(Column, Ours, Type, Theirs, Form,
                              Acc#at{place = [Place, $\s, Name]})
                end, At, Cells).

value({_, Oid, TypeName, _, _} = Column, Ours, Type, Theirs, Form, At0) ->
    At = same_type(TypeName, Type, At0#at{values = At0#at.values + 1,
                                          hold = Oid >= 16384}),
    case {Ours, Theirs} of
        {unchanged_toast, unchanged} ->
            At#at{unchanged = At#at.unchanged + 1};
        {_, unchanged} ->
            bad(Ours, Theirs, At);
        _ ->
            try leaves:pairs(Ours, Theirs, shape(Column), Form) of
                Pairs -> lists:foldl(fun pair/2, At, Pairs)
            catch
                error:{differ, O, T} -> bad({Ours, O}, {Theirs, T}, At)
            end
    end.

shape({_, Oid, _, _, Flags}) ->
    case lists:keyfind(as, 1, [F || F <- Flags, is_tuple(F)]) of
        {as, Shape} -> Shape;
        false -> Oid
    end.

%% Types that were made by the test are printed with their schema; an array's
%% own name is nobody's business.
same_type(Name, Type, At) when is_binary(Type) ->
    case binary:match(Type, <<".">>) of
        nomatch -> At;
        _ ->
            case binary:last(Type) of
                $] -> At;
                _ -> equal(Name, decoded:type_name(Type), At)
            end
    end;
same_type(_, any, At) ->
    At.

pair({_, Same, Same}, At) -> At;
pair(Pair, At) -> note({pair, Pair, place(At)}, At).

bad(Ours, Theirs, At) ->
    note({bad, [place(At), shown(Ours), shown(Theirs)]}, At).

%% What types of the test look like depends on when they were looked at: to be
%% known when the transaction ends (RandomRound.pm).
note(Note, #at{hold = true, held = Held} = At) -> At#at{held = [Note | Held]};
note(Note, At) -> noted(Note, At).

noted({pair, Pair, Place}, #at{pairs = Pairs} = At) ->
    At#at{pairs = maps:put(Pair, Place, Pairs)};
noted({bad, Fields}, #at{bad = Bad} = At) when length(Bad) < 20 ->
    At#at{bad = [Fields | Bad]};
noted(_, At) ->
    At.

shown(Text) when is_binary(Text) -> Text;
shown(Term) -> io_lib:format("~0tp", [Term]).

place(#at{lsn = Lsn, xid = Xid, place = Place}) ->
    io_lib:format("xid ~p, lsn ~s, ~ts", [Xid, Lsn, Place]).

line(Fields) -> [lists:join($\t, [escape(F) || F <- Fields]), $\n].

escape(Field) ->
    [case C of
         $\\ -> "\\\\";
         $\t -> "\\t";
         $\n -> "\\n";
         $\r -> "\\r";
         _ -> C
     end || <<C>> <= bytes(Field)].

%% Lines of ~ts hold characters; texts of values are bytes.
bytes(Field) when is_binary(Field) -> Field;
bytes(Field) ->
    case unicode:characters_to_binary(Field) of
        Bytes when is_binary(Bytes) -> Bytes;
        _ -> iolist_to_binary(Field)
    end.
