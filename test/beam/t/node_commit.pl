# Messages that are sent at the commit: what does not fit is refused at once,
# and none is lost without a word.
use strict;
use warnings;

use BeamTest;
use ErlangNode;
use Test::More;
use Time::HiRes qw(time);

my $shop = ErlangNode->new('shop');
my $node = $shop->name;
my $beam = BeamTest->new('commit', preload => 0,
	conf => "wal_level = replica\nmax_wal_senders = 2");

$beam->sql("CREATE SERVER shop FOREIGN DATA WRAPPER erlang OPTIONS (node '$node');
	CREATE USER MAPPING FOR PUBLIC SERVER shop OPTIONS (cookie 'crumb')");

sub collected { return $beam->sql("SELECT erlang_call('shop', 'test_node', 'collected', '[\"box\"]')"); }

# Small messages to a long name: the names count, too.
{
	my $began = time;
	my $long = 'x' x 250;

	like($beam->sql_error("SET erlang.call_timeout_ms = '10min';
			SELECT count(erlang_send_on_commit('shop', '$long', 1)) FROM generate_series(1, 20000)"),
		qr/54000.*addresses included.*HINT.*etf_emit/s,
		'not more than the kernel takes');
	cmp_ok(time - $began, '<', 60, 'said at once');
	is($beam->sql("BEGIN;
			SAVEPOINT a;
			SELECT count(erlang_send_on_commit('shop', '$long', 1)) FROM generate_series(1, 400);
			ROLLBACK TO a;
			SELECT count(erlang_send_on_commit('shop', '$long', 1)) FROM generate_series(1, 400);
			COMMIT"), "400\n400", 'what was rolled back does not count');
}

# A transaction is committed long before its COMMIT returns when a standby has
# to confirm it.
sub commit_slowly
{
	my ($meanwhile) = @_;

	$beam->sql(qq{ALTER SYSTEM SET synchronous_standby_names = 'nobody'});
	$beam->sql('SELECT pg_reload_conf()');
	$beam->wait_for("SELECT current_setting('synchronous_standby_names') = 'nobody'", 'reloaded');
	my $psql = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $beam->node->connstr('postgres'),
			'-c', "SET erlang.idle_timeout_ms = 200",
			'-c', "BEGIN; SELECT erlang_send_on_commit('shop', 'box', 1); CREATE TABLE written (); DROP TABLE written; COMMIT" ],
		'>', \my $out, '2>', \my $err);
	$beam->wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
		'a commit waits for a standby');
	$meanwhile->();
	$beam->sql('ALTER SYSTEM RESET synchronous_standby_names');
	$beam->sql('SELECT pg_reload_conf()');
	ok($psql->finish, 'it is committed');
	return $err;
}

$beam->sql("SELECT erlang_call('shop', 'test_node', 'collect', '[\"box\"]')");
is(commit_slowly(sub { sleep 2 }), '', 'an idle time limit spares what waits for the commit');
ErlangNode::wait_until(sub { collected() eq '[1]' }, 'and it arrives');
like(commit_slowly(sub { $shop->stop }),
	qr/WARNING: +the messages that waited for this commit could not be sent to node \Q$node\E/,
	'messages that are lost are a warning');

$beam->stop;
done_testing();
