# What is delivered can be read: a transaction that waits for a synchronous
# standby is in the WAL long before other sessions see it.
use strict;
use warnings;

use EtfTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('visible');

$etf->sql('CREATE TABLE t (a int)');

sub set_standby
{
	my ($name) = @_;

	$etf->sql("SET synchronous_commit = local;
		ALTER SYSTEM SET synchronous_standby_names = '$name'");
	$etf->reload;
	return;
}

# A reader of a slot; its frames go to the file.
sub reader
{
	my ($slot, %option) = @_;
	my $file = $etf->new_file;
	my $run = IPC::Run::start([ $etf->recv_command($slot, undef, $file, %option),
			'--fsync-interval', '1', '--status-interval', '1' ], '>', \my $out, '2>', \my $err);

	$etf->node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_replication_slots
			WHERE slot_name = '$slot' AND active") or die "$slot: $err";
	return { run => $run, file => $file };
}

sub received
{
	my ($reader, $seconds) = @_;
	my $end = time + $seconds;

	while (time < $end)
	{
		return 1 if -s $reader->{file};
		sleep 0.1;
	}
	return 0;
}

# A session that waits for a standby that does not come.
sub waiting_insert
{
	my ($value) = @_;
	my $node = $etf->node;

	my $run = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'),
			'-c', "INSERT INTO t VALUES ($value)" ],
		'>', \my $out, '2>', \my $err);
	$node->poll_query_until('postgres',
		q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'})
	  or die 'nobody waits for a standby';
	return $run;
}

# What waits for this reader is not visible before it has confirmed it.
subtest 'a reader that is the synchronous standby' => sub {
	local $ENV{PGAPPNAME} = 'own';
	$etf->slot('own');
	my $own = reader('own');
	my $insert = "psql -Xqc 'INSERT INTO t VALUES (0)' '" . $etf->node->connstr('postgres') . q{'};

	set_standby('own');
	ok($etf->node->poll_query_until('postgres', q{SELECT sync_state = 'sync' FROM pg_stat_replication
		WHERE application_name = 'own'}), 'the server counts on it');
	is(system("timeout 30 $insert"), 0, 'a commit that waits for it returns');
	ok(received($own, 30), 'and it got the row');
	set_standby('');
	$own->{run}->signal('INT');
	$own->{run}->finish;
	$etf->wait_until_idle('own');
	$etf->drop_slot('own');
	$etf->sql('DELETE FROM t');
};

$etf->slot($_) for qw(held free ended);
set_standby('nobody');
my $insert = waiting_insert(1);
my %reader = (
	held => reader('held'),
	free => reader('free', visible => 'off'),
	ended => reader('ended'));

ok(received($reader{free}, 30), 'visible=off delivers what is in the WAL');
is($etf->sql('SELECT count(*) FROM t'), '0', 'but nobody can read it yet');
ok(!received($reader{held}, 1), 'by default it is held back');
# Between two waits it waits for nothing.
ok($etf->node->poll_query_until('postgres',
		"SELECT wait_event IN ('PgEtfVisible', 'Extension') FROM pg_stat_activity
		JOIN pg_replication_slots ON pid = active_pid WHERE slot_name = 'held'"),
	'and the walsender says what it waits for');

# Its walsender can be ended, and comes back to the same.
$etf->sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots
	WHERE slot_name = 'ended'");
$etf->wait_until_idle('ended');
$reader{ended}{run}->finish;
ok(!-s $reader{ended}{file}, 'a walsender that is ended has delivered nothing');

my $node = $etf->node;
my $log = $node->logfile;
for (1 .. 150)
{
	last if PostgreSQL::Test::Utils::slurp_file($log) =~ /is not visible yet/;
	sleep 0.1;
}
like(PostgreSQL::Test::Utils::slurp_file($log),
	qr/LOG:  transaction \d+ has committed but is not visible yet.*Option visible=off/s,
	'the log says so after a while');

set_standby('');
$insert->finish;
ok(received($reader{held}, 30), 'it comes as soon as the standby is there');
is_deeply([ grep { /^insert/ } @{ $etf->show($reader{held}{file}) } ],
	[ grep { /^insert/ } @{ $etf->show($reader{free}{file}) } ],
	'and is the same');

# A server that is stopped meanwhile stops.
set_standby('nobody');
$insert = waiting_insert(2);
sleep 0.5;
my $began = time;
$node->stop('fast');
cmp_ok(time - $began, '<', 20, 'a server stops while a walsender waits');
$_->finish for $insert, map { $reader{$_}{run} } qw(held free);
$node->start;
is($etf->sql('SELECT count(*) FROM t'), '2', 'what was not acknowledged is there');
is(scalar(grep { /^insert/ } @{ $etf->changes('ended') }),
	2, 'and is delivered after a restart');

$etf->stop;
done_testing();
