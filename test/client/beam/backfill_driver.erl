%% A consumer that keeps a mirror of tables: the stream, and what is read beside it.
%%
%%   erl -noshell -pa DIR -s backfill_driver main PROGRAM
%%
%% Each line of input is a term and a full stop:
%%
%%   {send, Term}       send a command as it is: {start, Map}, stop, ...
%%   {hold, done | flushed, Boolean}
%%                      send no `backfill_done`; or acknowledge nothing
%%   {hold, done, {change, N}}
%%                      send none until the stream has brought a change, and N of what follows
%%   {credit, Boolean}  give credit back, or let the client wait
%%   {plant, drop}      drop a row of a chunk, whatever the stream says of it
%%   {retry, Reason}    ask for the next chunk again, once its rows are there
%%   {mirror, Table}    show {mirror, Table, Rows}: for each row "Column=MD5 ..." of its texts,
%%                      columns and rows in order
%%   {sql, Tables, File}
%%                      write the rows of {Table, Into} as inserts; show {sql, File}
%%   restart            a client in the place of the one that is gone, for the same mirror
%%   quit
%%
%% Rows of a table without a key are counted, and go when the table is read again.
%%
%% Each line of output is a packet that is no frame, {mirror, Table, Rows}, {exit, Status}, or
%% {violation, What}.
-module(backfill_driver).

-export([main/1]).
-import(port_driver, [show/1]).

-record(window, {chunk, rel, rows = #{}, there = false, noted = #{}, empty = false, altered = false}).
-record(state, {
    program,
    port,
    credit = {0, 0},
    rels = #{}, read_rels = #{},
    mirror = #{}, windows = #{}, parts = #{},
    open = false,
    mode = incremental,
    hold = #{}, pays = true, plant = none, retry = none,
    last_end = 0,
    closed_at = 0,
    backfill = none,
    under_way = no,
    noted = [],
    owed = []
}).

main([Program]) ->
    Owner = self(),
    ok = io:setopts(standard_io, [{encoding, unicode}]),
    process_flag(trap_exit, true),
    spawn_link(fun() -> read_lines(Owner) end),
    loop(open(#state{program = atom_to_list(Program)})).

open(#state{program = Program} = State) ->
    Port = open_port(
        {spawn_executable, Program},
        [{args, ["--port"]}, {packet, 4}, binary, exit_status, use_stdio, hide]
    ),
    show(erlang:port_info(Port, os_pid)),
    State#state{port = Port}.

read_lines(Owner) ->
    case io:read("") of
        {ok, Command} ->
            Owner ! {command, Command},
            read_lines(Owner);
        _ ->
            Owner ! {command, quit}
    end.

loop(#state{port = Port} = State) ->
    receive
        {command, Command} -> loop(command(Command, State));
        {Port, {data, Packet}} -> loop(packet(binary_to_term(Packet), byte_size(Packet), State));
        {Port, {exit_status, Status}} -> show({exit, Status}), loop(State);
        {'EXIT', _, _} -> loop(State)
    end.

send(Term, #state{port = Port}) ->
    try
        port_command(Port, term_to_binary(Term))
    catch
        error:badarg -> show(port_is_closed)
    end.

command({send, {start, Map} = Start}, State) ->
    send(Start, State),
    State#state{credit = {maps:get(credit_events, Map, 0), maps:get(credit_bytes, Map, 0)}};
command({send, {backfill, Id, _} = Term}, #state{noted = Noted} = State) ->
    send(Term, State),
    [send({backfill_keys, Id, Rel, Keys}, State) || {Rel, Keys} <- lists:reverse(Noted)],
    release(flushed, held(flushed, State), State#state{backfill = Id, under_way = yes, noted = []});
%% Who writes to a program that ends may get EPIPE, and no exit status.
command({send, stop}, #state{hold = Hold} = State) ->
    send(stop, State),
    State#state{hold = Hold#{flushed => true, done => true}, pays = false};
command({send, Term}, State) ->
    send(Term, State),
    State;
command(restart, State) ->
    Before = State#state{windows = #{}, parts = #{}, open = false, closed_at = 0, owed = []},
    open(Before#state{last_end = 0, noted = [], under_way = unasked(State#state.under_way)});
command({hold, What, Held}, #state{hold = Hold} = State) ->
    release(What, Held, State#state{hold = Hold#{What => Held}});
command({credit, Pays}, State) ->
    pay({0, 0}, State#state{pays = Pays});
command({plant, What}, State) ->
    State#state{plant = What};
command({retry, Reason}, State) ->
    State#state{retry = Reason};
command({sql, Tables, File}, State) ->
    ok = file:write_file(File, [inserts(Table, Into, State) || {Table, Into} <- Tables]),
    show({sql, File}),
    State;
command({mirror, Table}, #state{mirror = Mirror} = State) ->
    Rows = [row_text:line(Row, shapes(Table, State)) || Row <- maps:values(maps:get(Table, Mirror, #{}))],
    %% As show/1 would, which takes its time for so many.
    io:put_chars(["{mirror,<<\"", Table, "\">>,[", lists:join($,, [["<<\"", Row, "\">>"] || Row <- lists:sort(Rows)]), "]}.\n"]),
    State;
command(quit, _) ->
    halt(0).

%% From now on what moves is noted until the backfill is asked for again.
unasked(no) -> no;
unasked(_) -> unasked.

inserts(Table, Into, #state{mirror = Mirror} = State) ->
    Shapes = shapes(Table, State),
    [row_text:insert(Into, maps:to_list(Row), Shapes) || Row <- maps:values(maps:get(Table, Mirror, #{}))].

%% How the columns of a table are to be read, from its latest description.
shapes(Table, #state{rels = Rels, read_rels = ReadRels}) ->
    maps:from_list(lists:append([Shapes || {Name, _, Shapes} <- maps:values(Rels) ++ maps:values(ReadRels), Name =:= Table])).

release(flushed, false, State) ->
    acknowledge(State),
    State;
release(done, false, #state{owed = Owed} = State) ->
    [send({backfill_done, Id, Chunk}, State) || {Id, Chunk} <- lists:reverse(Owed)],
    State#state{owed = []};
release(_, _, State) ->
    State.

%% Of what moved nobody else knows.
acknowledge(#state{last_end = End, noted = []} = State) when End > 0 -> send({flushed, End}, State);
acknowledge(_) -> ok.

held(What, #state{hold = Hold}) -> maps:get(What, Hold, false).

%% Credit is for frames of the stream, and of mode `exact`.
packet([{read, _, _, _} | _] = Frames, Size, State) ->
    State#state.open andalso show({violation, {read_within, State#state.open}}),
    State2 = lists:foldl(fun read/2, State, Frames),
    case State#state.mode of
        exact -> pay({lists:sum([count(F) || F <- Frames]), Size}, State2);
        incremental -> State2
    end;
packet([Frame | _] = Frames, Size, State) when element(1, Frame) =/= read ->
    lists:keymember(read, 1, Frames) andalso show({violation, mixed}),
    State2 = lists:foldl(fun frame/2, State, Frames),
    pay({lists:sum([count(F) || F <- Frames]), Size}, State2);
packet({backfill, started, _, #{mode := Mode}} = Packet, _, State) ->
    show(Packet),
    State#state{mode = Mode};
packet({backfill, open, _, #{chunk := Chunk, rel := Rel}} = Packet, _, State) ->
    show(Packet),
    State#state.open andalso show({violation, {open_within, Chunk}}),
    Windows = State#state.windows,
    is_map_key(Chunk, Windows) andalso show({violation, {open_twice, Chunk}}),
    map_size(Windows) < 2 orelse show({violation, {too_many_open, maps:keys(Windows)}}),
    State#state{windows = Windows#{Chunk => #window{chunk = Chunk, rel = Rel}}};
packet({backfill, there, Id, #{chunk := Chunk}} = Packet, _, #state{windows = Windows} = State) ->
    show(Packet),
    #{Chunk := Window} = Windows,
    case State of
        #state{retry = none} when not Window#window.altered ->
            State#state{windows = Windows#{Chunk := Window#window{there = true}}};
        #state{retry = none} ->
            again(Id, Chunk, schema, State);
        #state{retry = Reason} ->
            again(Id, Chunk, Reason, State#state{retry = none})
    end;
packet({backfill, close, _, #{chunk := Chunk}} = Packet, _, State) ->
    show(Packet),
    State#state.open andalso show({violation, {close_within, Chunk}}),
    close(Chunk, Packet, State);
packet({backfill, retry, _, #{chunk := Chunk}} = Packet, _, #state{windows = Windows, parts = Parts} = State) ->
    show(Packet),
    State#state{windows = maps:remove(Chunk, Windows), parts = maps:remove(Chunk, Parts)};
%% Nothing of it follows.
packet({backfill, stopped, _, _} = Packet, _, State) ->
    show(Packet),
    State#state{windows = #{}, parts = #{}, under_way = no};
packet({backfill, Ended, _, _} = Packet, _, State) when Ended =:= finished; Ended =:= failed ->
    show(Packet),
    State#state{under_way = no};
packet({backfill, table_again, _, #{rel := Rel}} = Packet, _, State) ->
    show(Packet),
    begun_anew(Rel, State);
packet({rewind, _} = Packet, _, State) ->
    show(Packet),
    State#state{open = false};
packet(Packet, _, State) ->
    show(Packet),
    State.

again(Id, Chunk, Reason, #state{windows = Windows} = State) ->
    send({backfill_retry, Id, Chunk, Reason}, State),
    State#state{windows = maps:remove(Chunk, Windows)}.

%% What it was called when something of it came, if anything did.
begun_anew(Rel, #state{mirror = Mirror, rels = Rels, read_rels = ReadRels} = State) ->
    case maps:merge(ReadRels, Rels) of
        #{Rel := {Table, [], _}} -> State#state{mirror = maps:remove(Table, Mirror)};
        _ -> State
    end.

%% A close may be on its way when its chunk is asked for again.
close(Chunk, {backfill, close, Id, #{rows := Rows, lsn := Lsn}}, State0) ->
    State = #state{windows = Windows} = State0#state{closed_at = max(Lsn, State0#state.closed_at)},
    case Windows of
        _ when is_map_key(Chunk, State#state.parts) ->
            #{Chunk := {Rel, Parts}} = State#state.parts,
            length(Parts) =:= Rows orelse show({violation, {rows, Chunk, length(Parts), Rows}}),
            owe(Id, Chunk, put_parts(Rel, Parts, State#state{parts = maps:remove(Chunk, State#state.parts)}));
        #{Chunk := #window{there = true, rows = Read, rel = Rel} = Window} ->
            is_complete(Window, Rows) orelse show({violation, {rows, Chunk, map_size(Read), Rows}}),
            State2 = emit(Rel, settle(Window, State), State),
            owe(Id, Chunk, State2#state{windows = maps:remove(Chunk, Windows)});
        #{Chunk := _} ->
            show({violation, {close_before_there, Chunk}}),
            State;
        _ when Rows =:= 0, State#state.mode =:= exact ->
            owe(Id, Chunk, State);
        _ ->
            State
    end.

%% Rows of mode `exact` go where the stream stands.
put_parts(Rel, Parts, #state{rels = Rels, read_rels = ReadRels} = State) ->
    #{Rel := {_, Columns, _} = Known} = ReadRels,
    Put = fun(Row, Acc) -> put_row(Rel, key_of(Columns, Row), Row, Acc) end,
    State2 = lists:foldr(Put, State#state{rels = Rels#{Rel => Known}}, Parts),
    State2#state{rels = Rels}.

owe(Id, Chunk, #state{hold = Hold} = State) ->
    case held(done, State) of
        false ->
            send({backfill_done, Id, Chunk}, State),
            State;
        N when is_integer(N), N > 0 ->
            send({backfill_done, Id, Chunk}, State),
            State#state{hold = Hold#{done := N - 1}};
        _ ->
            State#state{owed = [{Id, Chunk} | State#state.owed]}
    end.

%% All rows of a chunk have come before it closes.
is_complete(#window{empty = true}, _) -> true;
is_complete(#window{rows = Read}, Rows) -> map_size(Read) =:= Rows.

%% The rows at the place where the window closes.
settle(#window{rows = Rows, noted = Noted}, #state{plant = Plant}) ->
    maps:filtermap(
        fun(Key, Row) ->
            case Noted of
                #{Key := drop} -> false;
                #{Key := _} when Plant =:= drop -> false;
                #{Key := Columns} -> {true, maps:merge(Row, Columns)};
                _ -> true
            end
        end,
        Rows
    ).

emit(Rel, Rows, #state{mirror = Mirror, read_rels = Rels} = State) ->
    case Rels of
        #{Rel := {Table, _, _}} ->
            Known = maps:get(Table, Mirror, #{}),
            State#state{mirror = Mirror#{Table => maps:merge(Known, Rows)}};
        _ when map_size(Rows) =:= 0 ->
            State
    end.

read({read, {_, Chunk}, _, Events}, State) ->
    lists:foldl(fun(Event, Acc) -> read_event(Event, Chunk, Acc) end, State, Events).

read_event({relation, Rel, _, _, _, _} = Relation, Chunk, #state{read_rels = Rels, windows = Windows} = State) ->
    Known = State#state{read_rels = Rels#{Rel => row_text:described(Relation)}},
    case Windows of
        %% A partition of another table, or of none, by now: nothing was noted of that.
        #{Chunk := #window{rel = Opened} = Window} when Opened =/= Rel ->
            Known#state{windows = Windows#{Chunk := Window#window{altered = true}}};
        _ ->
            Known
    end;
read_event({read, Rel, Row}, Chunk, #state{windows = Windows, parts = Parts} = State) when
    not is_map_key(Chunk, Windows), State#state.mode =:= exact
->
    {_, Before} = maps:get(Chunk, Parts, {Rel, []}),
    State#state{parts = Parts#{Chunk => {Rel, [Row | Before]}}};
read_event({read, Rel, Row}, Chunk, #state{read_rels = Rels, windows = Windows} = State) ->
    #{Rel := {_, KeyColumns, _}} = Rels,
    case Windows of
        #{Chunk := #window{rows = Rows, empty = false} = Window} ->
            Key = maps:with(KeyColumns, Row),
            State#state{windows = Windows#{Chunk := Window#window{rows = Rows#{Key => Row}}}};
        _ ->
            State
    end.

frame({tx, Part, {_, Commit, End, _}, _, _, _, Events}, State) ->
    %% What commits before the place of a chunk has come before its close.
    Commit < State#state.closed_at andalso show({violation, {late, Commit, State#state.closed_at}}),
    State2 = lists:foldl(fun event/2, State, Events),
    case Part of
        _ when Part =:= whole; Part =:= last ->
            State3 = State2#state{open = false, last_end = End},
            held(flushed, State3) orelse acknowledge(State3),
            changed(State3);
        _ ->
            State2#state{open = true}
    end;
frame(_, State) ->
    State.

changed(#state{hold = #{done := {change, N}} = Hold} = State) ->
    release(done, false, State#state{hold = Hold#{done := N}});
changed(State) ->
    State.

event({relation, Rel, _, _, _, _} = Relation, #state{rels = Rels} = State) ->
    State#state{rels = Rels#{Rel => row_text:described(Relation)}};
event({insert, Rel, Row}, State) ->
    Key = key(Rel, Row, State),
    note(Rel, Key, drop, put_row(Rel, Key, Row, State));
event({update, Rel, Old, Row}, State) ->
    New = key(Rel, Row, State),
    Key =
        case Old of
            nil -> New;
            {_, OldRow} -> key(Rel, OldRow, State)
        end,
    update(Rel, Key, New, maps:filter(fun(_, V) -> V =/= unchanged_toast end, Row), Row, State);
event({delete, Rel, {_, Old}}, State) ->
    Key = key(Rel, Old, State),
    note(Rel, Key, drop, take_row(Rel, Key, State));
event({truncate, Rels, _}, State) ->
    lists:foldl(fun truncate/2, State, Rels);
event({schema, Rel, {_, _, _, _, Was}, {Schema, Table, _, _, Is}}, State) ->
    Names = [{element(2, W), element(2, I)} || W <- Was, I <- Is, element(1, W) =:= element(1, I)],
    alter(Rel, <<Schema/binary, ".", Table/binary>>, Names, State);
event(_, State) ->
    State.

%% Columns are gone or have other names: in what is there, and not in what was read meanwhile.
alter(Rel, Table, Names, #state{mirror = Mirror, windows = Windows} = State) ->
    Renamed = fun(Row) -> maps:from_list([{New, map_get(Old, Row)} || {Old, New} <- Names, is_map_key(Old, Row)]) end,
    Rows = [{Renamed(Key), Renamed(Row)} || {Key, Row} <- maps:to_list(maps:get(Table, Mirror, #{}))],
    maps:fold(
        fun
            (Chunk, #window{rel = R, there = true}, Acc) when R =:= Rel -> again(Acc#state.backfill, Chunk, schema, Acc);
            (Chunk, #window{rel = R} = Window, #state{windows = W} = Acc) when R =:= Rel ->
                Acc#state{windows = W#{Chunk := Window#window{altered = true}}};
            (_, _, Acc) -> Acc
        end,
        State#state{mirror = Mirror#{Table => maps:from_list(Rows)}},
        Windows
    ).

update(Rel, {row, _} = Key, New, _, Row, State) ->
    put_row(Rel, New, Row, take_row(Rel, Key, State));
update(Rel, Key, Key, Columns, Row, State) when map_size(Columns) =:= map_size(Row) ->
    note(Rel, Key, drop, put_row(Rel, Key, Row, State));
update(Rel, Key, Key, Columns, _, State) ->
    note(Rel, Key, Columns, merge_row(Rel, Key, Columns, State));
update(Rel, Key, New, Columns, Row, State) ->
    State2 = move_row(Rel, Key, New, Columns, Row, State),
    State3 =
        case map_size(Columns) < map_size(Row) of
            true -> moved(State2#state.under_way, Rel, New, State2);
            false -> State2
        end,
    note(Rel, New, drop, note(Rel, Key, drop, State3)).

moved(no, _, _, State) ->
    State;
moved(yes, Rel, Key, #state{backfill = Id} = State) ->
    send({backfill_keys, Id, Rel, texts(Rel, Key, State)}, State),
    State;
moved(unasked, Rel, Key, #state{noted = Noted} = State) ->
    State#state{noted = [{Rel, texts(Rel, Key, State)} | Noted]}.

texts(Rel, Key, #state{rels = Rels}) ->
    #{Rel := {_, _, Shapes}} = Rels,
    Shape = maps:from_list(Shapes),
    [maps:map(fun(Name, V) -> row_text:value(V, maps:get(Name, Shape)) end, Key)].

truncate(Rel, #state{mirror = Mirror, rels = Rels, windows = Windows} = State) ->
    #{Rel := {Table, _, _}} = Rels,
    Emptied = maps:map(
        fun
            (_, #window{rel = R} = Window) when R =:= Rel -> Window#window{rows = #{}, noted = #{}, empty = true};
            (_, Window) -> Window
        end,
        Windows
    ),
    State#state{mirror = Mirror#{Table => #{}}, windows = Emptied}.

key(Rel, Row, #state{rels = Rels}) ->
    #{Rel := {_, Columns, _}} = Rels,
    key_of(Columns, Row).

%% A row without a key is its own.
key_of([], Row) -> {row, Row};
key_of(Columns, Row) -> maps:with(Columns, Row).

row(Rel, Key, #state{rels = Rels, mirror = Mirror}) ->
    #{Rel := {Table, _, _}} = Rels,
    maps:get(Key, maps:get(Table, Mirror, #{}), #{}).

put_row(Rel, Key, Row, #state{rels = Rels, mirror = Mirror} = State) ->
    #{Rel := {Table, _, _}} = Rels,
    Rows = maps:get(Table, Mirror, #{}),
    State#state{mirror = Mirror#{Table => Rows#{place(Key, 1, Rows) => Row}}}.

%% Equal rows without a key are as many as they are.
place({row, _} = Key, N, Rows) when is_map_key({Key, N}, Rows) -> place(Key, N + 1, Rows);
place({row, _} = Key, N, _) -> {Key, N};
place(Key, _, _) -> Key.

last_place({row, _} = Key, Rows) ->
    {_, N} = place(Key, 1, Rows),
    {Key, N - 1};
last_place(Key, _) ->
    Key.

%% A row that the mirror has not got yet: it will, from its chunk.
merge_row(Rel, Key, Columns, State) ->
    case row(Rel, Key, State) of
        Known when map_size(Known) =:= 0 -> State;
        Known -> put_row(Rel, Key, maps:merge(Known, Columns), State)
    end.

%% A move that comes again finds the row where it has put it, or has moved on.
move_row(Rel, Key, New, Columns, Row, State) ->
    case row(Rel, Key, State) of
        Known when map_size(Known) =:= 0, map_size(Columns) < map_size(Row) -> merge_row(Rel, New, Columns, State);
        Known -> put_row(Rel, New, maps:merge(Known, Columns), take_row(Rel, Key, State))
    end.

take_row(Rel, Key, #state{rels = Rels, mirror = Mirror} = State) ->
    #{Rel := {Table, _, _}} = Rels,
    Rows = maps:get(Table, Mirror, #{}),
    State#state{mirror = Mirror#{Table => maps:remove(last_place(Key, Rows), Rows)}}.

note(Rel, Key, What, #state{windows = Windows} = State) ->
    State#state{
        windows = maps:map(
            fun
                (_, #window{rel = R, noted = Noted} = Window) when R =:= Rel ->
                    Window#window{noted = Noted#{Key => later(maps:get(Key, Noted, none), What)}};
                (_, Window) ->
                    Window
            end,
            Windows
        )
    }.

later(drop, _) -> drop;
later(#{} = Columns, #{} = More) -> maps:merge(Columns, More);
later(_, What) -> What.

count({tx, _, _, _, Count, _, _}) -> Count;
count({read, _, Count, _}) -> Count;
count(_) -> 1.

pay({Events, Bytes}, #state{credit = {E, B}, pays = Pays} = State) ->
    Credit = {E + Events, B + Bytes},
    Pays andalso send({credit, element(1, Credit), element(2, Credit)}, State),
    State#state{credit = Credit}.
