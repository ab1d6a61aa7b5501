%% The behaviour of a consumer of changes: see PgEtf.Consumer for what its callbacks
%% promise, and pg_etf:start_link/3.
%%
%% One of handle_transaction/2 and handle_changes/2 is needed.
%%
%%     -module(audit).
%%     -behaviour(pg_etf_consumer).
%%     -export([handle_transaction/2]).
%%
%%     handle_transaction(#{changes := Changes}, State) ->
%%         [io:format("~p ~p~n", [Op, Row]) || #{op := Op, record := Row} <- Changes],
%%         {ok, State}.
-module(pg_etf_consumer).

-export_type([change/0, transaction/0, prepared/0, handled/0, result/0, row/0]).

%% Names are binaries, unless option keys says otherwise.
-type row() :: #{binary() | atom() => term()}.

%% A PgEtf.Change: see there for all of its keys.
-type change() :: #{op := insert | update | delete | truncate | message | schema | ddl | read,
                    schema := binary() | nil,
                    table := binary() | nil,
                    record := row() | nil,
                    old_record := row() | nil,
                    key := row() | nil,
                    commit_lsn := pg_etf:lsn(),
                    index := non_neg_integer() | nil,
                    atom() => term()}.

%% A PgEtf.Transaction.
-type transaction() :: #{part := whole | first | middle | last,
                         changes := [change()],
                         commit_lsn := pg_etf:lsn(),
                         end_lsn := pg_etf:lsn() | nil,
                         xid := non_neg_integer() | nil,
                         atom() => term()}.

%% A PgEtf.Prepared: what became of a prepared transaction.
-type prepared() :: #{op := commit | rollback, gid := binary(), atom() => term()}.

-type handled() :: change() | transaction() | prepared() | [change() | transaction()].
-type result() :: {ok, State :: term()}
                | {noack, State :: term()}
                | {error, Reason :: term(), State :: term()}.
-type stored() :: {ok, State :: term()} | {error, Reason :: term(), State :: term()}.

-callback init(Arg :: term()) -> {ok, State :: term()}.
-callback handle_transaction(transaction(), State :: term()) -> result().
-callback handle_changes([change()], State :: term()) -> result().
-callback checkpoint(State :: term()) ->
    pg_etf:lsn() | nil | {pg_etf:lsn() | nil, State :: term()}.
-callback handle_position(pg_etf:lsn(), State :: term()) -> stored().
-callback handle_prepare(transaction(), State :: term()) -> result().
-callback handle_commit_prepared(prepared(), State :: term()) -> result().
-callback handle_rollback_prepared(prepared(), State :: term()) -> result().
-callback handle_info(Message :: term(), State :: term()) ->
    {noreply, State :: term()} | {stop, Reason :: term(), State :: term()}.
-callback handle_stop(Reason :: term(), State :: term()) -> term().

-optional_callbacks([init/1, handle_transaction/2, handle_changes/2, checkpoint/1,
                     handle_position/2, handle_prepare/2, handle_commit_prepared/2,
                     handle_rollback_prepared/2, handle_info/2, handle_stop/2]).
