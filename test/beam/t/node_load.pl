# Many calls, many backends, many failures: memory, descriptors, connections
# and atoms stay as they are.  PG_ETF_FULL=1 for a million calls.
use strict;
use warnings;

use BeamTest;
use ErlangNode;
use Test::More;
use Time::HiRes qw(time);

my $full = $ENV{PG_ETF_FULL};

# A session is waited for so long.
$PostgreSQL::Test::Utils::timeout_default = $full ? 7200 : 900;

my $shop = ErlangNode->new('shop');
my $node = $shop->name;
my $beam = BeamTest->new('load', preload => 0, conf => 'max_connections = 250');

$beam->sql("CREATE SERVER shop FOREIGN DATA WRAPPER erlang OPTIONS (node '$node');
	CREATE SERVER twin FOREIGN DATA WRAPPER erlang OPTIONS (node '$node');
	CREATE USER MAPPING FOR PUBLIC SERVER shop OPTIONS (cookie 'crumb');
	CREATE USER MAPPING FOR PUBLIC SERVER twin OPTIONS (cookie 'crumb')");

my $session = $beam->node->background_psql('postgres');
my $pid = $session->query('SELECT pg_backend_pid()');

sub node_says { return $beam->sql("SELECT erlang_call('twin', 'test_node', '$_[0]')"); }

# Resident kB and descriptors of the session.
sub backend
{
	my ($rss) = PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") =~ /VmRSS:\s+(\d+)/;
	my @files = glob "/proc/$pid/fd/*";

	return ($rss, scalar @files);
}

# Run SQL often enough that all is there that is needed, then often.
sub stays_flat
{
	my ($sql, $times, $what) = @_;

	$session->query($sql =~ s/TIMES/1000/r);
	my $atoms = node_says('atoms');
	my ($rss, $files) = backend();
	my $began = time;
	$session->query($sql =~ s/TIMES/$times/r);
	my $took = time - $began;
	my ($rss_after, $files_after) = backend();

	note(sprintf '%s: %d in %.1f s, RSS %d -> %d kB', $what, $times, $took, $rss, $rss_after);
	cmp_ok($rss_after - $rss, '<', 2048, "$what: memory stays");
	is($files_after, $files, "$what: descriptors stay");
	cmp_ok(node_says('atoms') - $atoms, '<', 20, "$what: atoms of the node stay");
	return;
}

stays_flat("SELECT count(erlang_call('shop', 'test_node', 'echo', jsonb_build_array('string ' || i))) FROM generate_series(1, TIMES) i",
	$full ? 1_000_000 : 10_000, 'calls');
stays_flat("SELECT count(erlang_call_as(NULL::text, 'shop', 'test_node', 'echo', 'string ' || i)) FROM generate_series(1, TIMES) i",
	$full ? 100_000 : 5_000, 'typed calls');
stays_flat("SELECT count(erlang_ping('shop')) + count(erlang_disconnect('shop')) FROM generate_series(1, TIMES) i",
	$full ? 100_000 : 2_000, 'connections');
stays_flat("DO \$\$ BEGIN FOR i IN 1 .. TIMES LOOP
		BEGIN PERFORM erlang_call('shop', 'test_node', 'crash', '[\"error\"]');
		EXCEPTION WHEN external_routine_exception THEN END; END LOOP; END \$\$",
	$full ? 100_000 : 2_000, 'exceptions');
stays_flat("DO \$\$ BEGIN FOR i IN 1 .. TIMES LOOP
		BEGIN PERFORM erlang_call('shop', 'test_node', 'hang', '[\"hung\"]', 1);
		EXCEPTION WHEN connection_exception THEN END; END LOOP; END \$\$",
	$full ? 10_000 : 1_000, 'time limits');
stays_flat("DO \$\$ BEGIN FOR i IN 1 .. TIMES LOOP
		BEGIN PERFORM erlang_call('no\@127.0.0.1', 'm', 'f'); EXCEPTION WHEN OTHERS THEN END; END LOOP; END \$\$",
	$full ? 100_000 : 2_000, 'nodes that are not there');
ErlangNode::wait_until(sub { $beam->sql("SELECT erlang_call('twin', 'test_node', 'alive', '[\"hung\"]')") eq 'false' },
	'what hung is gone');

# 200 backends at once
{
	my @all = map {
		IPC::Run::start([ 'psql', '-XAtq', '-d', $beam->node->connstr('postgres'), '-c',
				"SELECT erlang_call('shop', 'test_node', 'echo', '[$_]')" ],
			'>', \my $out, '2>', \my $err)
	} 1 .. 200;
	my $good = grep { $_->finish } @all;

	is($good, 200, '200 backends connect and call');
}
ErlangNode::wait_until(sub { node_says('count') <= 2 }, 'and leave no connection behind');

# The node dies in calls of many: each is told, soon; when it is back, so is
# each session.
{
	my $others = node_says('count');
	my @all = map {
		IPC::Run::start([ 'psql', '-XAtq', '-d', $beam->node->connstr('postgres'), '-c',
				"SELECT erlang_call('shop', 'timer', 'sleep', '[60000]')" ],
			'>', \my $out, '2>', \$beam->{err}->[$_])
	} 1 .. 20;

	$beam->wait_for("SELECT count(*) = 20 FROM pg_stat_activity WHERE wait_event_type = 'Extension'",
		'20 calls are under way');
	# Who still connects would say so.
	ErlangNode::wait_until(sub { node_says('count') == $others + 20 }, 'on connections of their own');
	my $began = time;
	$shop->signal('KILL');
	$_->finish for @all;
	cmp_ok(time - $began, '<', 10, 'all end when the node is killed');
	is(scalar(grep { ($beam->{err}->[$_] // '') =~ /closed the connection|was lost/ } 1 .. 20), 20,
		'and say so');
	$shop->stop;
	$shop = ErlangNode->new('shop');
	is($session->query("SELECT erlang_call('shop', 'erlang', 'node')"), qq{"$node"},
		'a session goes on with the new one');
}
$session->quit;

# A backend that is killed takes its call with it.
{
	my $psql = IPC::Run::start([ 'psql', '-XAtq', '-d', $beam->node->connstr('postgres'), '-c',
			"SELECT erlang_call('shop', 'test_node', 'hang', '[\"orphan\"]')" ],
		'>', \my $out, '2>', \my $err);

	ErlangNode::wait_until(sub { $beam->sql("SELECT erlang_call('twin', 'test_node', 'alive', '[\"orphan\"]')") eq 'true' },
		'a call runs');
	$beam->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Extension'");
	ErlangNode::wait_until(sub { $beam->sql("SELECT erlang_call('twin', 'test_node', 'alive', '[\"orphan\"]')") eq 'false' },
		'and ends with its backend');
	$psql->finish;
}

$beam->stop;
$shop->stop;
done_testing();
