# Calls to real Erlang nodes: what they return, how they fail, what is closed.
use strict;
use warnings;

use BeamTest;
use ErlangNode;
use Test::More;

my $shop = ErlangNode->new('shop');
my $beam = BeamTest->new('nodes', preload => 0,
	conf => "max_prepared_transactions = 4");
my $node = $shop->name;

# A session that knows the cookie.
sub connected
{
	my ($sql) = @_;

	return "SELECT erlang_connect('$node', '" . $shop->cookie . "') \\g /dev/null\n$sql";
}

sub result { return $beam->sql(connected($_[0])); }

sub failure { return $beam->sql_error(connected($_[0])); }

sub call_error
{
	my ($function, $args) = @_;

	return failure("SELECT erlang_call('$node', 'test_node', '$function', '$args')");
}

is($beam->sql("SELECT erlang_connect('$node', 'crumb')"), 't', 'connects');
is(result("SELECT erlang_call('$node', 'lists', 'seq', '[1, 5]')"),
	'[1, 2, 3, 4, 5]', 'calls');
is(result("SELECT erlang_call('$node', 'erlang', 'node')"), qq{"$node"},
	'calls without arguments');
$beam->sql("CREATE SERVER down FOREIGN DATA WRAPPER erlang OPTIONS (node 'down\@127.0.0.1');
	CREATE USER MAPPING FOR PUBLIC SERVER down OPTIONS (cookie 'any')");
is(result("SELECT erlang_ping('$node'), erlang_ping('down')"), 't|f', 'pings');
is(result("SELECT erlang_disconnect('$node'), erlang_disconnect('$node')"),
	't|f', 'disconnects');
is(result("SELECT erlang_call('$node', 'test_node', 'echo', '[1]') \\g /dev/null
		SELECT name, node, connected, since > now() - interval '1 min', calls,
			last_error FROM erlang_nodes()"),
	"$node|$node|t|t|1|", 'erlang_nodes shows the session');

# Many nodes: those of no use are forgotten, one with a cookie is not.
$beam->sql("SELECT format(\$\$CREATE SERVER down_%s FOREIGN DATA WRAPPER erlang
			OPTIONS (node 'down_%1\$s\@127.0.0.1');
		CREATE USER MAPPING FOR PUBLIC SERVER down_%1\$s OPTIONS (cookie 'any')\$\$, i)
	FROM generate_series(1, 150) AS i \\gexec");
my $many = result("SELECT format('SELECT erlang_ping(''down_%s'')', i)
		FROM generate_series(1, 150) AS i \\gexec
	SELECT count(*) <= 64 FROM erlang_nodes();
	SELECT erlang_call('$node', 'erlang', 'node')");
is_deeply([ split /\n/, $many ], [ ('f') x 150, 't', qq{"$node"} ],
	'of 150 nodes at most 64 are remembered, among them the one with a cookie');
is(result("SELECT count(erlang_ping('down_' || i)) FROM generate_series(1, 150) AS i;
		SELECT erlang_ping('down') \\g /dev/null
		SELECT count(*) <= 64 FROM erlang_nodes()"),
	"150\nt", 'so they are where one statement has called them all');

# jsonb there and back
for my $document (
	'{"a": [1, -2, 3.5, "text", true, false, null, {}], "é": []}',
	'123456789012345678901234567890', '"\""', '[]', 'null', '0.1')
{
	is(result("SELECT erlang_call('$node', 'test_node', 'echo',
			jsonb_build_array('$document'::jsonb)) = '$document'"),
		't', "comes back: $document");
}

# Erlang's terms as jsonb
my @terms = (
	'{a, [1, 2], <<"b">>}' => '["a", [1, 2], "b"]',
	'undefined' => '"undefined"',
	'[nil, null, true]' => '[null, null, true]',
	'<<255>>' => '{"base64": "/w=="}',
	'[1 | 2]' => '[1, 2]',
	'#{1 => a, <<"k">> => #{}}' => '{"1": "a", "k": {}}',
	'#{{1} => a}' => '[[[1], "a"]]',
	"[#{'__struct__' => 'Elixir.Decimal', sign => -1, coef => 15, exp => -1}]" => '[-1.5]',
	'1 bsl 70' => '1180591620717411303424',
	'"abc"' => '[97, 98, 99]');
while (my ($term, $json) = splice @terms, 0, 2)
{
	is(result("SELECT erlang_call('$node', 'test_node', 'term',
			jsonb_build_array(\$\$$term\$\$))"), $json, "term $term");
}
like(failure("SELECT erlang_call('$node', 'test_node', 'term', '[\"<<0>>\"]')"),
	qr/22P05.*HINT.*etf/s, 'text that jsonb cannot hold');

# Values as they are
is(result("SELECT erlang_call_as(NULL::numeric, '$node', 'test_node', 'echo', 1.50)"),
	'1.50', 'a numeric comes back');
is(result("SELECT erlang_call_as(NULL::date, '$node', 'test_node', 'echo', date '2026-02-28')"),
	'2026-02-28', 'so does a date');
is(result("SELECT erlang_call_as(NULL::int[], '$node', 'lists', 'append', ARRAY[1], ARRAY[2])"),
	'{1,2}', 'and an array');
is(result("SELECT erlang_call_as(NULL::boolean, '$node', 'erlang', 'is_alive')"), 't',
	'without arguments');
is(result("SELECT erlang_call_as(NULL::int, '$node', 'test_node', 'echo', NULL::int) IS NULL"),
	't', 'NULL is nil');
is(result("SELECT erlang_call_as(NULL::etf, '$node', 'test_node', 'echo', etf_tuple(etf_atom('a'), 1))::text"),
	'{a,1}', 'a term goes and comes as it is');
like(failure("SELECT erlang_call_as(NULL::int, '$node', 'test_node', 'echo', 'x'::text)"),
	qr/42804.*test_node:echo\/1 returned "x", not integer/, 'a result of another type');
is(result("SELECT erlang_call_etf('$node', 'erlang', 'list_to_tuple',
		etf_list(etf_list(1, etf_atom('a'))))::text"), '{1,a}', 'terms in and out');
like(failure("SELECT erlang_call_etf('$node', 'erlang', 'node', etf(1))"),
	qr/22023.*args must be a list/, 'arguments that are no list');
like(failure("SELECT erlang_call('$node', 'erlang', 'node', '{}')"),
	qr/22023.*args must be a JSON array/, 'arguments that are no array');

# How functions fail
my $nth = failure("SELECT erlang_call('$node', 'lists', 'nth', '[5, [1, 2]]')");
like($nth, qr/38000: lists:nth\/2 raised function_clause/, 'an error in OTP');
is(scalar(() = $nth =~ /^(CONTEXT: +)?lists:nth\/2/mg), 1, 'is shown once in the stack');
like(call_error('crash', '["error"]'),
	qr/38000: test_node:crash\/1 raised \{bad,<<"price">>\}.*CONTEXT: +test_node:crash\/1 \(.*test_node.erl:\d+\)/s,
	'an error shows where');
like(call_error('crash', '["throw"]'), qr/38000: test_node:crash\/1 threw away/,
	'a throw');
like(call_error('crash', '["exit"]'),
	qr/38000: test_node:crash\/1 exited with \{shutdown,7\}/, 'an exit');
like(call_error('crash', '["kill"]'),
	qr/38000: test_node:crash\/1 exited with killed/, 'a kill');
like(call_error('crash', '["exception"]'),
	qr/raised ArgumentError: not a price.*DETAIL.*__exception__/s,
	'an exception of Elixir');
my $large = call_error('crash', '["large"]');
like($large, qr/raised \{large,.* \.\.\.\n/, 'a large reason is cut');
cmp_ok(length $large, '<', 6000, 'in the DETAIL, too');
like(call_error('none', '[]'), qr/38000.*raised undef.*HINT/s, 'no such function');
like(failure("SELECT erlang_call('$node', 'Shop', 'price')"),
	qr/Shop\.price\/0 raised :undef/, "a capital is Elixir's");
is(result("SELECT erlang_call('$node', 'test_node', 'print', '[\"printed here\"]')"),
	'"printed"', 'output does not keep a call');
ErlangNode::wait_until(sub { $shop->log =~ /printed here/ },
	'it is written by the node');

# Bounds
like(failure("SELECT erlang_call('$node', 'test_node', 'big', '[17000000]')"),
	qr/54000.*node shop.*at most/, 'a reply that is too large');
like(failure("SELECT erlang_call('$node', 'test_node', 'echo', jsonb_build_array(repeat('x', 17000000)))"),
	qr/54000.*too many to send/, 'arguments that are too large');
is(result("SET erlang.max_reply_bytes = '20MB';
		SELECT length(erlang_call('$node', 'test_node', 'big', '[17000000]')::text)"),
	'17000002', 'the bound can be moved');
like(failure("SELECT erlang_call('$node', 'test_node', 'hang', '[\"timed\"]', 300)"),
	qr/08000.*did not answer within 300 ms/, 'a time limit');
like(failure("SET statement_timeout = 300;
		SELECT erlang_call('$node', 'test_node', 'hang', '[\"cancelled\"]')"),
	qr/57014/, 'statement_timeout');
for my $name ('timed', 'cancelled')
{
	ErlangNode::wait_until(
		sub { result("SELECT erlang_call('$node', 'test_node', 'alive', '[\"$name\"]')") eq 'false' },
		"what $name is gone there");
}
# Also while the session lives on.
{
	my $session = $beam->node->background_psql('postgres');

	$session->query("SELECT erlang_connect('$node', 'crumb')");
	$session->query("DO \$\$ BEGIN PERFORM erlang_call('$node', 'test_node', 'hang', '[\"caught\"]', 300);
		EXCEPTION WHEN connection_exception THEN END \$\$");
	ErlangNode::wait_until(
		sub { result("SELECT erlang_call('$node', 'test_node', 'alive', '[\"caught\"]')") eq 'false' },
		'what an exception was caught of is gone there');
	$session->quit;
}
like(failure("SELECT erlang_call('$node', 'test_node', 'echo', '[1]', -5)"),
	qr/22023.*positive/, 'a time limit below 1');

# The documentation
is($shop->command, BeamTest::documented('erl'), 'the node is that of the documentation');
$beam->sql(BeamTest::documented('nodes'));
is($beam->sql('SET ROLE app; ' . BeamTest::documented('node calls')),
	"t\n[1, 2, 3, 4, 5]\n{2,1.5}", 'what the documentation shows');
like($beam->sql_error(q{SELECT erlang_call('shop', 'os', 'cmd', '[]')}),
	qr/42501.*Option "allow"/s, 'allow binds superusers, too');

# Who is not there, or is somebody else
like($beam->sql_error("SELECT erlang_connect('$node', 'wrong')"),
	qr/08001.*does not accept the cookie.*HINT/s, 'a wrong cookie');
like($beam->sql_error("SELECT erlang_connect('none\@127.0.0.1', 'c')"),
	qr/08001.*EPMD at 127.0.0.1:\d+ does not know it.*HINT.*option "port"/s, 'a node that does not run');
like($beam->sql_error("SELECT erlang_connect('shop\@127.0.0.3', 'c')"),
	qr/08001.*could not connect to EPMD at 127.0.0.3:\d+: .*refused.*HINT.*ERL_EPMD_PORT.*option "port"/si, 'a host without EPMD');
like($beam->sql_error("SELECT erlang_connect('shop\@none.invalid', 'c')"),
	qr/08001.*host "none.invalid" was not found/, 'a host that does not exist');
like($beam->sql_error("SELECT erlang_connect('mart', 'c')"),
	qr/42704.*server "mart" does not exist/, 'neither a server nor a node');
like($beam->sql_error("SELECT erlang_ping('$node')"),
	qr/28000.*no cookie is known.*HINT/s, 'no cookie is known');

# Idle connections are closed before the node misses our ticks.
is(result("SET erlang.idle_timeout_ms = 200;
		SELECT erlang_call('$node', 'test_node', 'echo', '[1]') \\g /dev/null
		SELECT since AS before FROM erlang_nodes() \\gset
		SELECT pg_sleep(1) \\g /dev/null
		SELECT erlang_call('$node', 'test_node', 'count') \\g /dev/null
		SELECT since > :'before', calls, last_error FROM erlang_nodes()"),
	't|2|', 'an idle connection is made anew');
is(result("SET erlang.idle_timeout_ms = 200;
		SELECT erlang_call('$node', 'test_node', 'echo', '[1]') \\g /dev/null
		DO \$\$ BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN END \$\$;
		\\set ON_ERROR_STOP off
		SELECT 1 / 0;
		\\set ON_ERROR_STOP on
		SELECT since AS before FROM erlang_nodes() \\gset
		SELECT pg_sleep(1) \\g /dev/null
		SELECT erlang_call('$node', 'test_node', 'count') \\g /dev/null
		SELECT since > :'before' FROM erlang_nodes()"),
	't', 'also after an ERROR');
ErlangNode::wait_until(
	sub { result("SELECT erlang_call('$node', 'test_node', 'count')") eq '1' },
	'no connection is left but the one that asks');
unlike($shop->log, qr/not responding/, 'and the node has missed nobody');

# Messages
sub collected { return result("SELECT erlang_call('$node', 'test_node', 'collected', '[\"box\"]')"); }

result("SELECT erlang_call('$node', 'test_node', 'collect', '[\"box\"]')");
result("SELECT erlang_send('$node', 'box', 1); SELECT erlang_send('$node', 'box', 'a'::text, 2)");
ErlangNode::wait_until(sub { (my $got = collected()) =~ /\Q[1, ["a", 2]]/ }, 'messages arrive');
is(result("SELECT erlang_send('$node',
		erlang_call_etf('$node', 'erlang', 'whereis', etf_list(etf_atom('box'))), 'by pid'::text) \\g /dev/null
		SELECT erlang_call('$node', 'test_node', 'collected', '[\"box\"]')"),
	'["by pid"]', 'also by pid');
is(result("BEGIN;
		SELECT erlang_send_on_commit('$node', 'box', 1) \\g /dev/null
		SAVEPOINT a; SELECT erlang_send_on_commit('$node', 'box', 2) \\g /dev/null
		ROLLBACK TO a; SELECT erlang_send_on_commit('$node', 'box', 3) \\g /dev/null
		SAVEPOINT b; SAVEPOINT c; SELECT erlang_send_on_commit('$node', 'box', 4) \\g /dev/null
		RELEASE c; ROLLBACK TO b;
		SAVEPOINT d; SELECT erlang_send_on_commit('$node', 'box', 5) \\g /dev/null
		RELEASE d;
		SELECT erlang_call('$node', 'test_node', 'collected', '[\"box\"]') \\g /dev/null
		COMMIT;
		SELECT erlang_call('$node', 'test_node', 'collected', '[\"box\"]')"),
	'[1, 3, 5]', 'what survives the savepoints is sent at the commit');
is(result("BEGIN; SELECT erlang_send_on_commit('$node', 'box', 1) \\g /dev/null
		ROLLBACK; SELECT erlang_call('$node', 'test_node', 'collected', '[\"box\"]')"),
	'[]', 'nothing after a rollback');
like(failure("BEGIN; SELECT erlang_send_on_commit('$node', 'box', 1); PREPARE TRANSACTION 'p'"),
	qr/0A000.*cannot PREPARE/, 'not in a prepared transaction');
like(failure("SELECT erlang_send_on_commit('$node', 'box', repeat('x', 70000))"),
	qr/54000.*HINT.*etf_emit/s, 'not more than 64 kB');
like(failure("BEGIN; SELECT erlang_send_on_commit('$node', 'box', 1); SELECT erlang_disconnect('$node')"),
	qr/55006/, 'who has to be told is not disconnected');
is(result("SELECT count(erlang_send_on_commit('$node', 'box', repeat('x', 6000))) FROM generate_series(1, 10) \\g /dev/null
		SELECT jsonb_array_length(erlang_call('$node', 'test_node', 'collected', '[\"box\"]'))"),
	'10', '60 kB at a commit');

# A node that stops, in several ways
$shop->signal('STOP');
is(result_stopped("BEGIN; SELECT erlang_send_on_commit('$node', 'box', 1) \\g /dev/null
		COMMIT; SELECT 'committed'"), 'committed', 'a commit does not wait for a stopped node');

sub result_stopped
{
	my ($sql) = @_;

	# Connected before it stops.
	$shop->signal('CONT');
	my $session = $beam->node->background_psql('postgres', on_error_stop => 0);
	$session->query("SELECT erlang_connect('$node', 'crumb')");
	$shop->signal('STOP');
	my $got = $session->query($sql);
	$shop->signal('CONT');
	$session->quit;
	$got =~ s/^(BEGIN|COMMIT)\n//mg;
	return $got;
}

$beam->stop;
$shop->stop;
done_testing();
