# Who may call which node: servers, user mappings, cookies, allow lists, grants.
use strict;
use warnings;

use BeamTest;
use ErlangNode;
use Test::More;

my $cookie = 'MARKERCOOKIE';
my $shop = ErlangNode->new('shop', cookie => $cookie);
my $node = $shop->name;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $file = "$dir/cookie";

sub write_cookie
{
	my ($text, $mode) = @_;

	unlink $file;
	append_to_file($file, $text);
	chmod $mode, $file;
	return;
}

sub append_to_file { return PostgreSQL::Test::Utils::append_to_file(@_); }

write_cookie("$cookie\n", 0400);
my $beam = BeamTest->new('servers', preload => 0, conf => "wal_level = replica
max_wal_senders = 4
log_statement = none
log_min_error_statement = panic");

$beam->sql("CREATE ROLE app; CREATE ROLE other; CREATE ROLE owner;
	CREATE SERVER shop FOREIGN DATA WRAPPER erlang
		OPTIONS (node '$node', allow 'lists:s*, erlang:node, Elixir.Shop.*:*, !box*');
	CREATE SERVER closed FOREIGN DATA WRAPPER erlang OPTIONS (node '$node');
	ALTER SERVER closed OWNER TO owner;
	CREATE USER MAPPING FOR app SERVER shop OPTIONS (cookie '$cookie');
	CREATE USER MAPPING FOR PUBLIC SERVER closed OPTIONS (cookie_file '$file')");

sub as { my ($role, $sql) = @_; return $beam->sql_result("SET ROLE $role; $sql"); }

sub call { my ($server, $module, $function, $args) = @_;
	return "SELECT erlang_call('$server', '$module', '$function', '" . ($args // '[]') . "')"; }

my @functions = (
	call('shop', 'erlang', 'node'),
	"SELECT erlang_call_as(NULL::text, 'shop', 'erlang', 'node')",
	"SELECT erlang_call_as(NULL::text, 'shop', 'erlang', 'node', 1)",
	"SELECT erlang_call_etf('shop', 'erlang', 'node')",
	"SELECT erlang_connect('shop')", "SELECT erlang_ping('shop')",
	"SELECT erlang_disconnect('shop')", "SELECT * FROM erlang_nodes()",
	"SELECT erlang_send('shop', 'box', 1)",
	"SELECT erlang_send('shop', '\\x836a'::etf, 1)",
	"SELECT erlang_send_on_commit('shop', 'box', 1)",
	"SELECT etf_emit('p', 1)", "SELECT etf_atom('a')", "SELECT '\\x836a'::bytea::etf");
like(as('app', $_), qr/42501: permission denied for function/, "PUBLIC may not: $_") for @functions;

$beam->sql("GRANT EXECUTE ON FUNCTION erlang_call, erlang_connect, erlang_ping, erlang_nodes,
	erlang_send(text, text, \"any\"), erlang_send(text, etf, \"any\"),
	erlang_send_on_commit TO app, other, owner");
like(as('app', call('shop', 'erlang', 'node')),
	qr/42501: permission denied for foreign server shop/, 'EXECUTE alone does not do');
like(as('app', call($node, 'erlang', 'node')),
	qr/42501: permission denied for node shop.*HINT/s, 'nor does the name of the node');

$beam->sql("GRANT USAGE ON FOREIGN SERVER shop, closed TO app, other");
is(as('app', call('shop', 'erlang', 'node')), qq{"$node"}, 'with USAGE it does');
is(as('app', call('shop', 'lists', 'seq', '[1, 2]')), '[1, 2]', 'a pattern allows it');
like(as('app', call('shop', 'lists', 'reverse', '[[]]')),
	qr/42501: permission denied for function lists:reverse at server "shop".*allow/s, 'no pattern allows this');
like(as('app', call('shop', 'Shop', 'price')), qr/42501.*Elixir.Shop:price/, 'nor this');
like(as('app', call('shop', 'Shop.Price', 'get')), qr/38000.*undef/, 'but this');
like(as('app', call('shop', 'os', 'cmd', '["id"]')), qr/42501/, 'let alone os:cmd');
like(as('app', "SELECT erlang_send('shop', 'rex', 1)"),
	qr/42501: permission denied for process rex/, 'a process has to be named, too');
is(as('app', "SELECT erlang_send('shop', 'boxes', 1)"), '', 'which this one is');
like(as('app', "SELECT erlang_send_on_commit('shop', 'rex', 1)"), qr/42501/, 'nor at commit');
like(as('app', "SELECT erlang_send('shop', '\\x83580000'::etf, 1)"), qr/22P03/, 'a pid has to be one');
like(as('app', "SELECT erlang_send('shop', '\\x8358770161000000010000000000000001'::etf, 1)"),
	qr/42501: permission denied for process <pid>/, 'pids need a pattern of their own');
like(as('other', call('shop', 'erlang', 'node')),
	qr/28000: no cookie is known for node shop.*HINT.*user mapping/s, 'a role without a mapping');

like(as('app', call('closed', 'erlang', 'node')),
	qr/42501.*no option "allow"/s, 'a server without a list is its owner\'s');
is(as('owner', call('closed', 'erlang', 'node')), qq{"$node"}, 'who may');
is($beam->sql(call('closed', 'erlang', 'node')), qq{"$node"}, 'as may a superuser');

# Not even a session that has changed its role shares a connection.
like($beam->sql_result("SET ROLE app; SELECT erlang_ping('shop') \\g /dev/null
		RESET ROLE; SET ROLE other; " . call('shop', 'erlang', 'node')),
	qr/28000/, 'a connection is of one role');
is(as('app', "SELECT erlang_connect('$node', '$cookie') \\g /dev/null\n" . call($node, 'lists', 'reverse', '[[1]]')),
	'[1]', 'who knows the cookie needs no server');
like($beam->sql_result("SET ROLE app; SELECT erlang_connect('$node', '$cookie') \\g /dev/null
		RESET ROLE; SET ROLE other; " . call($node, 'erlang', 'node')),
	qr/42501/, 'another role does not get it');

# Cookies
is(as('app', "SELECT umoptions FROM pg_user_mappings WHERE srvname = 'closed'"), '', 'others do not see options');
for my $bad ([ "$cookie\n", 0644, qr/F0000.*not private/ ], [ '', 0400, qr/F0000.*holds no cookie/ ],
	[ 'x' x 300, 0400, qr/F0000.*holds no cookie/ ])
{
	write_cookie($bad->[0], $bad->[1]);
	like(as('owner', call('closed', 'erlang', 'node')), $bad->[2], 'a bad cookie file');
}
unlink $file;
like(as('owner', call('closed', 'erlang', 'node')), qr/58P01.*could not open cookie file/, 'no cookie file');
write_cookie("$cookie\n", 0400);
$beam->node->append_conf('postgresql.conf', "erlang.cookie_file = '$file'");
$beam->node->reload;
is($beam->sql(call($node, 'erlang', 'node')), qq{"$node"}, 'a superuser has that of postgresql.conf');
like(as('other', call('shop', 'erlang', 'node')), qr/28000/, 'but nobody else');

# The validator
sub bad_server { my ($options) = @_;
	return $beam->sql_result("CREATE SERVER bad FOREIGN DATA WRAPPER erlang OPTIONS ($options)"); }

like(bad_server("port '1'"), qr/HV00Q|option "node" is missing/, 'a server has a node');
like(bad_server("node 'shop'"), qr/HV024.*HINT.*name\@host/s, 'which has a host');
like(bad_server("node 'a\@b', nodes '1'"), qr/HV00D.*HINT.*allow/s, 'valid options are listed');
like(bad_server("node 'a\@b', port '70000'"), qr/HV024.*between 1 and 65535/s, 'a port');
like(bad_server("node 'a\@b', call_timeout 'soon'"), qr/HV024/, 'a time limit');
like(bad_server("node 'a\@b', max_reply '900GB'"), qr/HV024/, 'a size');
like(bad_server("node 'a\@b', allow 'lists'"), qr/HV024.*module:function/s, 'an allow list');
like(bad_server("node 'a\@b', hostaddr ''"), qr/HV024/, 'an address');
like($beam->sql_result("CREATE USER MAPPING FOR other SERVER shop OPTIONS (cookie '')"),
	qr/HV024.*1 to 255 bytes/, 'a cookie');
like($beam->sql_result("CREATE USER MAPPING FOR other SERVER shop OPTIONS (cookie_file 'relative')"),
	qr/HV024.*absolute/s, 'a file');
like(as('other', "CREATE USER MAPPING FOR other SERVER shop OPTIONS (cookie_file '/etc/passwd')"),
	qr/42501.*Only superusers/s, 'which only superusers may name');
like($beam->sql_result("CREATE FOREIGN DATA WRAPPER plain;
		CREATE SERVER plain FOREIGN DATA WRAPPER plain; " . call('plain', 'm', 'f')),
	qr/42809.*not an Erlang node/, 'another wrapper\'s server');

# A change of the server is seen by sessions that are connected.
my $session = $beam->node->background_psql('postgres', on_error_stop => 0);
is($session->query(call('closed', 'lists', 'seq', '[1, 1]')), '[1]', 'before the change');
$beam->sql("ALTER SERVER closed OPTIONS (ADD allow 'erlang:*')");
$session->query(call('closed', 'lists', 'seq', '[1, 1]'));
like($session->{stderr}, qr/permission denied/, 'after a change of allow') ;
$session->{stderr} = '';
$beam->sql("ALTER USER MAPPING FOR PUBLIC SERVER closed OPTIONS (DROP cookie_file, ADD cookie 'wrong')");
$session->query(call('closed', 'erlang', 'node'));
like($session->{stderr}, qr/cookie/, 'after a change of the cookie');
$session->{stderr} = '';
$beam->sql("DROP SERVER closed CASCADE");
$session->query(call('closed', 'erlang', 'node'));
like($session->{stderr}, qr/does not exist/, 'after a DROP');
$session->quit;

# Limits of connections: the one used least lately gives way.
$beam->sql("CREATE SERVER s$_ FOREIGN DATA WRAPPER erlang OPTIONS (node '$node')") for 1 .. 4;
is($beam->sql("SET erlang.max_nodes = 2;
		SELECT count(erlang_ping('s' || i)) FROM generate_series(1, 4) i \\g /dev/null
		SELECT string_agg(name, ',' ORDER BY name) FROM erlang_nodes() WHERE connected"),
	's3,s4', 'at most so many connections');

like($beam->sql_result("SELECT erlang_ping('s1'); SET erlang.max_nodes = 2;
		SELECT erlang_send_on_commit('s' || i, 'box', 1) FROM generate_series(1, 3) i"),
	qr/54000.*for 3 nodes.*for 2 at most/, 'no more of them at a commit');

# Dump and restore
$beam->sql("CREATE TABLE terms (id int, term etf);
	INSERT INTO terms VALUES (1, etf_tuple(1, 'a'::text)), (2, NULL), (3, etf_atom('ok'))");
my $dump = "$dir/dump.sql";
$beam->node->command_ok([ 'pg_dump', '-f', $dump, '-d', $beam->node->connstr('postgres') ], 'pg_dump');
$beam->sql('CREATE DATABASE copy');
$beam->node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump,
	'-d', $beam->node->connstr('copy') ], 'and restore');
is($beam->sql("SELECT string_agg(id || term::text, ' ' ORDER BY id) FROM terms WHERE term IS NOT NULL", 'copy'),
	'1{1,<<"a">>} 3ok', 'terms are the same');
is($beam->sql(call('s1', 'erlang', 'node'), 'copy'), qq{"$node"}, 'servers work');

# A standby
$beam->node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($beam->node, 'copy', has_streaming => 1);
$standby->start;
is($standby->safe_psql('postgres', call('s1', 'erlang', 'node')), qq{"$node"}, 'a standby calls');
is($standby->safe_psql('postgres', "BEGIN; SELECT erlang_send_on_commit('s1', 'box', 1) \\g /dev/null
	COMMIT; SELECT 1"), '1', 'and sends at commit');
my ($status, $out, $err) = $standby->psql('postgres', "SELECT etf_emit('p', 1)");
like($err, qr/cannot execute etf_emit\(\) during recovery/, 'but emits nothing');
$standby->stop;

# DROP EXTENSION with open connections
is($beam->sql("SELECT erlang_ping('s1') \\g /dev/null
		DROP EXTENSION pg_etf_beam CASCADE; CREATE EXTENSION pg_etf_beam;
		CREATE SERVER s1 FOREIGN DATA WRAPPER erlang OPTIONS (node '$node');
		SELECT erlang_ping('s1')"), 't', 'DROP EXTENSION and again');

# Nobody has been told the cookie.
unlike(PostgreSQL::Test::Utils::slurp_file($beam->node->logfile),
	qr/$cookie/, 'the log has it in no message');

$beam->stop;
$shop->stop;
done_testing();
