-module(audit_app).
-behaviour(application).
-behaviour(supervisor).
-export([start/2, stop/1, init/1]).

start(_Type, _Args) ->
    supervisor:start_link(?MODULE, []).

stop(_State) ->
    ok.

init([]) ->
    {ok, Options} = application:get_env(audit, stream),
    Stream = pg_etf:child_spec(audit, [], [{name, {local, audit}} | Options]),
    {ok, {#{}, [Stream]}}.
