# A slot that sends nothing is still alive and moves on.
use strict;
use warnings;

use EtfTest;
use Test::More;
use Time::HiRes qw(time);

my $etf = EtfTest->new('progress');
my $rows = $ENV{PG_ETF_FULL} ? 5_000_000 : 1_500_000;

$etf->sql('CREATE TABLE t (a int); CREATE TABLE wide (a int,
	v1 text, v2 text, v3 text, v4 numeric)');
$etf->slot('s');

# A big transaction that is filtered takes longer than wal_sender_timeout; a
# walsender that says nothing meanwhile is ended, every time.  One that does
# may still be on a machine that has no time for the receiver's answer, so the
# timeout is made for the speed there is.
$etf->sql("INSERT INTO wide SELECT i, 'x', 'y', 'z', i FROM generate_series(1, $rows) i");
my $start = time;
$etf->sql('SELECT count(*) FROM '
	  . EtfTest::slot_call('peek', 's', exclude_tables => '*.wide'));
my $seconds = time - $start;
my $timeout = int(1000 * ($seconds > 2 ? $seconds * 0.6 : 1));

sub survives
{
	my (@option) = @_;
	my $error;

	local $ENV{PGOPTIONS} = "-c wal_sender_timeout=$timeout";
	for (1 .. 3)
	{
		$error = $etf->recv_error('copy', @option);
		return '' if $error !~ /error|unexpected/i;
	}
	return $error;
}

for my $option ([ exclude_tables => '*.wide' ], [ actions => 'delete' ])
{
	$etf->sql("SELECT pg_copy_logical_replication_slot('s', 'copy')");
	is(survives(@$option), '',
		"a transaction that is left out does not end the stream: @$option");
	isnt($etf->confirmed('copy'), $etf->confirmed('s'), 'and its slot moves on');
	$etf->drop_slot('copy');
}

# Idle and empty: what the receiver hears of lets the slot move on.
$etf->sql("SELECT pg_copy_logical_replication_slot('s', 'idle')");
$etf->recv('idle', undef, exclude_tables => '*.wide');
for my $case (
	[ 'empty transactions' => 'BEGIN; CREATE TABLE x (a int); DROP TABLE x; COMMIT' ],
	[ 'filtered tables' => 'INSERT INTO wide VALUES (1)' ],
	[ 'tables nobody decodes' => 'CREATE TEMP TABLE y AS SELECT 1; SELECT txid_current()' ])
{
	my ($name, $sql) = @$case;
	my $before = $etf->confirmed('idle');

	$etf->sql($sql);
	my $file = $etf->recv('idle', undef, exclude_tables => '*.wide');
	is(-s $file, 0, "nothing is sent for $name");
	is($etf->sql("SELECT confirmed_flush_lsn > '$before' FROM pg_replication_slots
		WHERE slot_name = 'idle'"), 't', "but the slot moves on after $name");
}

# With synchronous replication a commit waits for the receiver, also a commit
# that sends nothing.
my $receiver = IPC::Run::start(
	[ $etf->recv_command('idle', undef, '/dev/null', exclude_tables => '*.wide'),
		'--status-interval', '1', '--fsync-interval', '1' ],
	'>', \my $out, '2>', \my $err);
$etf->node->poll_query_until('postgres',
	q{SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'});
$etf->sql(q{ALTER SYSTEM SET synchronous_standby_names = '*'});
$etf->reload;
is($etf->sql(q{SET statement_timeout = '30s'; INSERT INTO wide VALUES (2);
	INSERT INTO t VALUES (1); SELECT 'committed'}),
	'committed', 'a synchronous commit that sends nothing does not wait for ever');
my $lag;
for (1 .. 20)
{
	$etf->sql('INSERT INTO wide VALUES (3)');
	$lag = $etf->sql('SELECT max(flush_lag) IS NOT NULL FROM pg_stat_replication');
	last if $lag eq 't';
	select undef, undef, undef, 0.5;
}
is($lag, 't', 'the lag of a receiver is known also when nothing is sent');
$etf->sql('SET synchronous_commit = local; ALTER SYSTEM RESET synchronous_standby_names');
$receiver->signal('INT');
$receiver->finish;

$etf->stop;
done_testing();
