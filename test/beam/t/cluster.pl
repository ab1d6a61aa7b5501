# PgEtf.Cluster: functions of another node, called through the sidecar over TLS.
use strict;
use warnings;

use BeamTest;
use ErlangNode;
use PostgreSQL::Test::Utils;
use Test::More;

BeamTest::needs_elixir();
plan skip_all => 'no openssl' if system 'openssl version >/dev/null 2>&1';

my $dir = PostgreSQL::Test::Utils::tempdir();

# An authority, and one certificate for all nodes.
run_log([ qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority),
		'-keyout', "$dir/authority.key", '-out', "$dir/authority" ]);
run_log([ qw(openssl req -newkey rsa:2048 -nodes -subj /CN=cluster), '-keyout', "$dir/key",
		'-out', "$dir/request" ]);
append_to_file("$dir/names", "subjectAltName=IP:127.0.0.1,DNS:127.0.0.1\n");
run_log([ qw(openssl x509 -req -days 2 -CAcreateserial), '-CA', "$dir/authority", '-CAkey',
		"$dir/authority.key", '-in', "$dir/request", '-extfile', "$dir/names",
		'-out', "$dir/certificate" ]);
my $common = qq({certfile, "$dir/certificate"}, {keyfile, "$dir/key"},
	{cacertfile, "$dir/authority"}, {verify, verify_peer});
append_to_file("$dir/tls", "[{server, [$common, {fail_if_no_peer_cert, true}]}, {client, [$common]}].");

my @tls = ('-proto_dist', 'inet_tls', '-ssl_dist_optfile', "$dir/tls");
my $shop = ErlangNode->new('shop', erl => \@tls);
my $plain = ErlangNode->new('plain');

append_to_file("$dir/boot.exs", <<"END");
nodes = [shop: :"shop\@127.0.0.1", plain: :"plain\@127.0.0.1", down: :"down\@127.0.0.1"]
functions = [:echo, :crash, :hang, :alive]
PgEtf.Cluster.allow(nodes, [{:erlang, :node}, {:erlang, :halt} | Enum.map(functions, &{:test_node, &1})])
PgEtf.Sidecar.boot()
END

# With the arguments of erl that make it a node, or without.
sub server
{
	my ($name, @arguments) = @_;
	my $node = @arguments ? "--name $name\@127.0.0.1 --cookie crumb --erl \"@arguments\" " : '';
	my $beam = BeamTest->new($name,
		conf => "elixir.command = 'elixir ${node}-pa $ENV{ETF_EBIN} -r $dir/boot.exs --no-halt'");

	$beam->wait_until_ready;
	return $beam;
}

my $beam = server('inside', @tls);

# SQL that calls, with arguments in JSON.
sub call
{
	my ($node, $module, $function, $args) = @_;

	return "SELECT elixir_call('PgEtf.Cluster.call', '[\"$node\", \"$module\", \"$function\", $args]')";
}

is($beam->sql(call('shop', 'erlang', 'node', '[]')), '"shop@127.0.0.1"', 'runs on the node');
is($beam->sql(call('shop', 'test_node', 'echo', '[{"a": [1, null]}]')), '{"a": [1, null]}',
	'arguments and results cross');

my %failures = (
	'a function that is not allowed' =>
	  [ [ 'shop', 'os', 'cmd', '["id"]' ], qr/42501: +os\.cmd may not be called.*HINT: .*allow/s ],
	'a node that is not listed' =>
	  [ [ 'other', 'erlang', 'node', '[]' ], qr/42704: +there is no node other/ ],
	'a node that is down' =>
	  [ [ 'down', 'erlang', 'node', '[]' ], qr/08001: +could not connect to node down\@/ ],
	'a node without TLS' =>
	  [ [ 'plain', 'erlang', 'node', '[]' ], qr/08001: +could not connect to node plain\@/ ],
	'arguments that are no list' =>
	  [ [ 'shop', 'erlang', 'node', '1' ], qr/22023: +the arguments of a call are an array/ ],
	'an arity that is not there' =>
	  [ [ 'shop', 'test_node', 'echo', '[1, 2, 3]' ], qr/38000: .*UndefinedFunctionError/ ],
	'an error' => [ [ 'shop', 'test_node', 'crash', '["error"]' ],
		qr/38000: .*bad.*CONTEXT: .*test_node\.crash/s ],
	'an exception of Elixir' => [ [ 'shop', 'test_node', 'crash', '["exception"]' ],
		qr/38000: .* raised ArgumentError: not a price/ ],
	'a throw' => [ [ 'shop', 'test_node', 'crash', '["throw"]' ], qr/38000: .* threw :away/ ],
	'an exit' => [ [ 'shop', 'test_node', 'crash', '["exit"]' ], qr/38000: .* exited with \{:shutdown, 7\}/ ],
	'a process that is killed' => [ [ 'shop', 'test_node', 'crash', '["kill"]' ], qr/38000: .* exited with :killed/ ]);
for my $what (sort keys %failures)
{
	my ($call, $message) = @{ $failures{$what} };

	like($beam->sql_error(call(@$call)), $message, $what);
}

sub runs
{
	my ($name) = @_;

	return $beam->sql(call('shop', 'test_node', 'alive', "[\"$name\"]")) eq 'true';
}

$beam->sql("CREATE FUNCTION echo(node text, module text, function text, args numeric[])
	RETURNS numeric LANGUAGE elixir AS 'PgEtf.Cluster.call'");
is($beam->sql("SELECT echo('shop', 'test_node', 'echo', ARRAY[1.50])"), '1.50',
	'LANGUAGE elixir calls it with typed values');
like($beam->sql_error("SET statement_timeout = '500ms'; " . call('shop', 'test_node', 'hang', '["slow"]')),
	qr/57014/, 'a call ends with its statement');
ok(BeamTest::eventually(sub { !runs('slow') }), 'and so does what runs on the node');

my $session = $beam->node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');
$session->query_until(qr//, call('shop', 'test_node', 'hang', '["left"]') . ";\n");
ok(BeamTest::eventually(sub { runs('left') }), 'a function runs');
$beam->sql("SELECT pg_terminate_backend($pid)");
ok(BeamTest::eventually(sub { !runs('left') }), 'and ends with the session that called it');

like($beam->sql_error(call('shop', 'erlang', 'halt', '[]')),
	qr/08006: +the connection to node shop\@127\.0\.0\.1 was lost.*may have run/s,
	'a node that goes away in mid-call');
$shop->stop;
$shop = ErlangNode->new('shop', erl => \@tls);
is($beam->sql(call('shop', 'erlang', 'node', '[]')), '"shop@127.0.0.1"', 'is found again when it is back');
$beam->stop;

my $alone = server('alone');
like($alone->sql_error(call('shop', 'erlang', 'node', '[]')),
	qr/55000: +the sidecar's BEAM is not a node.*HINT: .*--name/s, 'a BEAM without a name');
$alone->sql("SELECT elixir_import('PgEtf.Cluster')");
like($alone->sql_error("SELECT cluster_call('shop', 'erlang', 'node', '[]')"), qr/55000:/,
	'elixir_import declares it');

done_testing();
