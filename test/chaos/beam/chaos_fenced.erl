%% One of several readers of a slot: PgEtf.Consumer with PgEtf.Position, whose
%% rows and position are in another database.  What it did there is the history:
%% a table of events in the order of their commits.
-module(chaos_fenced).

-behaviour('Elixir.PgEtf.Consumer').

-export([start/1, stop/1, kill/1, info/1]).
-export([init/1, handle_transaction/2, handle_position/2, checkpoint/1]).

-define(REPO, 'Elixir.PgEtf.Repo').
-define(POSITION, 'Elixir.PgEtf.Position').

start([Slot | _] = Where) ->
    ?REPO:start([{database, <<"sink">>}, {username, <<"postgres">>},
                 {socket_dir, list_to_binary(os:getenv("ETF_SINK_DIR"))},
                 {port, list_to_integer(os:getenv("ETF_SINK_PORT"))},
                 {parameters, [{idle_in_transaction_session_timeout, <<"5s">>}]}]),
    'Elixir.PgEtf.Consumer':start_link(?MODULE, list_to_binary(Slot),
                                       chaos_reader:connection(Where)).

stop(Pid) -> gen_server:stop(Pid, normal, 15000).

kill(Pid) -> exit(Pid, kill).

info(Pid) -> 'Elixir.PgEtf':info(Pid).

init(Slot) ->
    {ok, ?POSITION:new([{slot, Slot}, {query, fun ?REPO:query/2}])}.

checkpoint(Position) -> ?POSITION:checkpoint(Position).

handle_transaction(#{xid := nil, end_lsn := End}, Position) -> handle_position(End, Position);
handle_transaction(Transaction, Position) -> store(Transaction, Position).

handle_position(Lsn, Position) -> store(Lsn, Position).

store(To, Position) ->
    chaos_sink:pause(),
    Result = ?REPO:transaction(fun() ->
        case ?POSITION:advance(Position, To) of
            {ok, Changes, Next} -> record(Changes, To, Position), Next;
            {error, Reason} -> ?REPO:rollback(Reason)
        end
    end),
    case Result of
        {ok, Next} -> {ok, Next};
        {error, Reason} -> {error, Reason, Position}
    end.

record(Changes, #{commit_lsn := _} = Transaction, Position) ->
    #{last := Last, 'end' := End} = Part = chaos_reader:part(Transaction),
    {Runs, Wrong} = chaos_row:summary([chaos_reader:change(Change) || Change <- Changes]),
    Got = Part#{first => first(Changes, Transaction, Position), count => length(Changes),
                lane => 0, runs => Runs, wrong => Wrong},
    [write(Event) || Event <- [{got, Got} | [{done, End} || Last]]];
record(_, _, _) ->
    ok.

%% What was done before is left out.
first([#{index := Index} | _], _, _) -> Index;
first([], #{commit_lsn := Lsn}, #{lsn := Lsn, next_index := Next}) -> Next;
first([], #{first_index := First}, _) -> First.

write(Event) ->
    Hex = string:lowercase(binary:encode_hex(term_to_binary(Event))),
    ?REPO:'query!'(<<"INSERT INTO effect (event) VALUES ($1)">>, [Hex]).
