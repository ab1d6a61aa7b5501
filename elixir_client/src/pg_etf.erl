%% PostgreSQL's changes as Erlang terms: PgEtf for applications without Elixir code.
%%
%% A consumer is a module with behaviour pg_etf_consumer:
%%
%%     {ok, Pid} = pg_etf:start_link(audit, [], [{connection, [{database, "shop"}]},
%%                                               {slot, "audit"}, create_slot]).
%%
%% Options are those of PgEtf.Producer and PgEtf.Consumer, as a property list or a map; text
%% may be iodata or characters. Changes are maps: see pg_etf_consumer.
-module(pg_etf).

-export([start_link/3, child_spec/1, child_spec/3]).
-export([ack/2, fail/3, info/1, resume/1, resume/2, update/2]).
-export([message_id/1, partition_by/1, format_lsn/1, parse_lsn/1]).
-export_type([options/0, server/0, lsn/0, info/0]).

-type options() :: [{atom(), term()} | atom()] | #{atom() => term()}.
%% {name, Name} among the options registers a consumer: an atom, {local, Name},
%% {global, Term} or {via, Module, Term}.
-type server() :: pid() | atom() | {atom(), node()} | {global, term()} | {via, module(), term()}.
-type lsn() :: non_neg_integer().
%% See PgEtf.info/1.
-type info() :: #{status := atom(), slot := binary(), atom() => term()}.

-define(CONSUMER, 'Elixir.PgEtf.Consumer').
-define(PG_ETF, 'Elixir.PgEtf').
-define(LSN, 'Elixir.PgEtf.Lsn').

%% Starts a consumer. Arg is passed to its init/1. Wrong options raise {badarg, Reason}.
-spec start_link(module(), term(), options()) -> {ok, pid()} | {error, term()}.
start_link(Module, Arg, Options) ->
    checked(fun() -> ?CONSUMER:start_link(Module, Arg, options(Options)) end).

%% A child of a supervisor: {Module, Arg, Options}, or the three of them.
-spec child_spec({module(), term(), options()}) -> supervisor:child_spec().
child_spec({Module, Arg, Options}) ->
    child_spec(Module, Arg, Options).

-spec child_spec(module(), term(), options()) -> supervisor:child_spec().
child_spec(Module, Arg, Options) ->
    ?CONSUMER:child_spec({Module, Arg, options(Options)}).

%% Acknowledges what a callback has left for later by {noack, State}: what it received, or
%% some of it.
-spec ack(server(), pg_etf_consumer:handled()) -> ok.
ack(Consumer, Handled) ->
    ?CONSUMER:ack(Consumer, Handled).

%% The same for what has failed: on_failure decides.
-spec fail(server(), pg_etf_consumer:handled(), Reason :: term()) -> ok.
fail(Consumer, Handled, Reason) ->
    ?CONSUMER:fail(Consumer, Handled, Reason).

%% How a stream is doing. Calls no process.
-spec info(server()) -> info().
info(Server) ->
    ?PG_ETF:info(Server).

%% Continues after a halt.
-spec resume(server()) -> ok.
resume(Server) ->
    ?PG_ETF:resume(Server).

%% With create_slot, makes a slot anew that is gone, and with it what it had.
-spec resume(server(), options()) -> ok.
resume(Server, Options) ->
    ?PG_ETF:resume(Server, options(Options)).

%% Changes options of a running stream. Wrong options raise {badarg, Reason}.
-spec update(server(), options()) -> ok.
update(Server, Options) ->
    checked(fun() -> ?PG_ETF:update(Server, options(Options)) end).

%% The place of a change as text: the same at each delivery, and of no other change.
-spec message_id(pg_etf_consumer:change() | pg_etf_consumer:transaction()) -> binary().
message_id(Change) ->
    ?PG_ETF:message_id(Change).

%% A number that is the same for all changes of one row.
-spec partition_by(pg_etf_consumer:change() | pg_etf_consumer:transaction()) -> non_neg_integer().
partition_by(Change) ->
    ?PG_ETF:partition_by(Change).

%% A position as the server writes it: <<"0/16B3748">>.
-spec format_lsn(lsn()) -> binary().
format_lsn(Lsn) ->
    ?LSN:to_string(Lsn).

-spec parse_lsn(iodata()) -> {ok, lsn()} | error.
parse_lsn(Text) ->
    ?LSN:parse(unicode:characters_to_binary(Text)).

checked(Fun) ->
    try
        Fun()
    catch
        error:#{'__exception__' := true, '__struct__' := 'Elixir.ArgumentError',
                message := Message} ->
            error({badarg, Message})
    end.

options(#{} = Options) ->
    options(maps:to_list(Options));
options(Options) ->
    [option(Option) || Option <- proplists:unfold(Options)].

%% As gen_server has it; in Elixir a local name is an atom.
option({name, {local, Name}}) ->
    {name, Name};
option(Option) ->
    Option.
