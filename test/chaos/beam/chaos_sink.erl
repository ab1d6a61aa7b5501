%% Where a consumer's transactions end up: in its history.  One process owns
%% the file; what it could not write is not handled, and nothing after it in
%% the same lane is taken before it has come again.
-module(chaos_sink).

-export([start/2, handle/3, note/1, last/0, full/1, nap/1, raise/1, pause/0]).

%% Begins a history file.  Last is where a new slot begins, or the newest position
%% of the files before.
start(Dir, Begin) ->
    Self = self(),
    spawn_link(fun() ->
        register(?MODULE, self()),
        process_flag(priority, high),
        Files = lists:sort(filelib:wildcard(filename:join(Dir, "*.log"))),
        % Read before there is a newer one: from then on it may be deleted.
        Last = case Begin of none -> last_of(Files); _ -> Begin end,
        {ok, File} = chaos_log:open(next_file(Dir, Files)),
        Self ! {?MODULE, ready},
        Begin =:= none orelse chaos_log:write(File, [{position, Begin}]),
        loop(#{file => File, disk => File, holes => #{}, last => Last})
    end),
    receive {?MODULE, ready} -> ok end.

next_file(Dir, Files) ->
    Newest = case Files of [] -> 0; _ -> list_to_integer(filename:basename(lists:last(Files), ".log")) end,
    filename:join(Dir, io_lib:format("~6..0b.log", [Newest + 1])).

%% A part of a transaction, as chaos_check's got without runs and wrong.
-spec handle(Lane :: integer(), map(), [chaos_row:change()]) -> ok | {error, term()}.
handle(Lane, Part, Changes) ->
    pause(),
    {Runs, Wrong} = chaos_row:summary(Changes),
    call({handle, Part#{lane => Lane, runs => Runs, wrong => Wrong}}).

%% Events that are not transactions: {told, Class}, {position, Lsn}.
note(Event) -> call({note, Event}).

%% The position up to which all is handled, none at first.
last() ->
    stumble(),
    call(last).

%% From now on the disk is full, or is not any more.
full(Full) -> call({full, Full}).

%% From now on whoever calls gets an exception, or does not any more.
raise(Raise) -> persistent_term:put({?MODULE, raise}, Raise).

%% What a sink of another kind does where it may be slow, or broken.
pause() ->
    sleep(),
    stumble().

stumble() ->
    persistent_term:get({?MODULE, raise}, false) andalso error(sink_is_broken).

%% The next transaction takes so long.
nap(Milliseconds) -> persistent_term:put({?MODULE, nap}, Milliseconds).

sleep() ->
    case persistent_term:get({?MODULE, nap}, 0) of
        0 -> ok;
        Milliseconds -> nap(0), timer:sleep(Milliseconds)
    end.

call(Request) ->
    Ref = monitor(process, ?MODULE),
    ?MODULE ! {self(), Ref, Request},
    receive
        {Ref, Answer} -> demonitor(Ref, [flush]), Answer;
        {'DOWN', Ref, _, _, Reason} -> exit(Reason)
    end.

loop(State) ->
    receive
        {From, Ref, Request} ->
            {Answer, State2} = request(Request, State),
            From ! {Ref, Answer},
            loop(State2)
    end.

request(last, #{last := Last} = State) ->
    {Last, State};
request({full, true}, State) ->
    {ok, File} = file:open("/dev/full", [write, raw]),
    {ok, State#{file => File}};
request({full, false}, #{disk := Disk} = State) ->
    {ok, State#{file => Disk}};
request({note, Event}, #{disk := Disk} = State) ->
    ok = chaos_log:write(Disk, [Event]),
    {ok, passed(Event, State)};
request({handle, #{lane := Lane} = Got}, #{holes := Holes} = State) ->
    Place = place(Got),
    case Holes of
        #{Lane := Hole} when Place > Hole -> {{error, hole}, State};
        _ -> write(Got, State#{holes => maps:remove(Lane, Holes)})
    end.

write(#{lane := Lane, 'end' := End, last := Last} = Got, #{file := File} = State) ->
    Done = [{done, End} || Last],
    case chaos_log:write(File, [{got, Got} | Done]) of
        ok -> {ok, lists:foldl(fun passed/2, State, Done)};
        {error, _} = Error -> {Error, State#{holes => #{Lane => place(Got)}}}
    end.

place(#{commit := Commit, first := First}) -> {Commit, First}.

passed({done, End}, State) -> State#{last => End};
passed({position, Lsn}, State) -> State#{last => Lsn};
passed(_, State) -> State.

%% The files are deleted once they are checked, but for the newest.
last_of(Files) ->
    lists:foldl(fun(File, Last) -> last_of(File, 0, Last) end, none, Files).

last_of(File, Offset, Last) ->
    try chaos_log:read(File, Offset) of
        {[], _} -> Last;
        {Events, Next} -> last_of(File, Next, lists:foldl(fun position/2, Last, Events))
    catch
        % Deleted meanwhile: what counts is in a newer one.
        error:{badmatch, {error, enoent}} -> Last
    end.

position({_, {done, End}}, _) -> End;
position({_, {position, Lsn}}, _) -> Lsn;
position(_, Last) -> Last.
