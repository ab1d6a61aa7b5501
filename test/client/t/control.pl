# The second connection: where it leads, how it ends, and what a role, a
# database or anybody in it may set.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use IO::Select;
use IO::Socket::UNIX;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $etf = EtfTest->new('control');
my $node = $etf->node;
my @credit = (credit_events => 100000, credit_bytes => 100000000);
my $ours = "application_name = 'pg_etf_client'";

$etf->sql('CREATE TABLE t (id int)');
$etf->slot('s');

sub free
{
	$node->poll_query_until('postgres',
		'SELECT NOT active FROM pg_replication_slots');
	return;
}

sub walsender
{
	return $etf->sql('SELECT active_pid FROM pg_replication_slots');
}

# The backend of the control connection, once there is one; not this one.
sub control_pid
{
	my ($not) = (@_, 0);
	my $where = "$ours AND backend_type = 'client backend' AND pid <> $not";

	$node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE $where")
	  or return 'none';
	return $etf->sql("SELECT pid FROM pg_stat_activity WHERE $where");
}

# Has the control connection shown it the slot?
sub sees_slot
{
	my ($client) = @_;

	for (1 .. 150)
	{
		return 1 if ($client->stat('wal_status') // '') =~ /reserved/;
		sleep 0.1;
	}
	return 0;
}

# A client that holds a frame, since it has no credit for it.
sub holding
{
	my $client = EtfClient->start($node, status_interval => 600000);

	$client->expect(qr/^\{status,connected/, 'connected');
	$etf->sql('INSERT INTO t VALUES (1)');
	for (1 .. 100)
	{
		last if ($client->stat('state') // '') eq 'stalled';
		sleep 0.1;
	}
	is($client->stat('state'), 'stalled', 'a frame is held');
	return $client;
}

# The stream is the same one, and has what was held.
sub ends_well
{
	my ($client, $pid, $name) = @_;

	is(walsender(), $pid, "$name: the stream is the same");
	$client->say('{credit, 1000, 100000}');
	$client->expect(qr/^\{frame,.*\[1\]/, "$name: with what was held");
	$client->say('ack');
	is($client->stop, 0, "$name: stop");
	$client->quit;
	free();
	return;
}

subtest 'the end of one session is no shutdown' => sub {
	my $client = holding();
	my $pid = walsender();
	my $control = control_pid();

	$etf->sql("SELECT pg_terminate_backend($control)");
	$client->silent(qr/^\{(status,disconnected|log)/, 3, 'nothing happens');
	like(control_pid($control), qr/^\d+$/, 'but that there is a new one');
	ends_well($client, $pid, 'terminated');
};

subtest 'limits of the role do not count' => sub {
	my %limit = (statement_timeout => 13, lock_timeout => 13,
		idle_in_transaction_session_timeout => 13, idle_session_timeout => 14,
		transaction_timeout => 17);

	for my $name (grep { $limit{$_} <= $etf->version } sort keys %limit)
	{
		$etf->sql("ALTER ROLE CURRENT_USER SET $name = '1500ms'");
	}
	my $client = holding();
	my $pid = walsender();
	my $control = control_pid();

	$client->silent(qr/^\{(status,disconnected|log)/, 4, 'nothing happens');
	is(control_pid(), $control, 'to the control connection neither');
	ends_well($client, $pid, 'idle');

	# A transaction that is decoded for longer than that.
	$etf->sql(q{SET statement_timeout = 0;
		INSERT INTO t SELECT 2 FROM generate_series(1, 200000)});
	$client = EtfClient->start($node, credit_events => 1,
		credit_bytes => 1000000000);
	$client->expect(qr/^\{frame,tx,first,/, 'a large transaction has begun');
	$client->silent(qr/^\{status,disconnected/, 4, 'and may take its time');
	$client->say('{auto, quiet}');
	$client->say('{auto, refill}');
	$client->say('{credit, 100000, 100000000}');
	$client->expect(qr/^\{caught_up/, 'until its end');
	is($client->stat('rewinds'), 0, 'without another start');
	$client->say('ack');
	$client->stop;
	$client->quit;
	free();
	$etf->sql('ALTER ROLE CURRENT_USER RESET ALL');
};

subtest 'operators that anybody made' => sub {
	$etf->sql('CREATE FUNCTION public.no(jsonb, jsonb) RETURNS text LANGUAGE '
		  . q{plpgsql AS $$ BEGIN RAISE 'not this one'; END $$});
	$etf->sql('CREATE OPERATOR public.->> (FUNCTION = public.no, '
		  . 'LEFTARG = jsonb, RIGHTARG = jsonb)');
	my $client = EtfClient->start($node, @credit);

	$client->expect(qr/^\{status,connected/, 'connected');
	ok(sees_slot($client), 'the slot is seen');
	is($client->stop, 0, 'stop');
	$client->quit;
	free();
	my ($out, $err) = run_command([ $ENV{ETF_CLIENT}, '--status',
			'--dbname', $node->connstr('postgres') ]);
	like($out, qr/ sync_skipped *\ns .*reserved .* - *$/m,
		'and --status shows it') or diag $err;
	$etf->sql('DROP OPERATOR public.->> (jsonb, jsonb)');
};

# What lies behind one address, a proxy as people have: streams go to the first
# server, the control connection once to the other and then where it belongs.
sub proxy
{
	my ($dir, @sockets) = @_;
	my $listener = IO::Socket::UNIX->new(Local => "$dir/.s.PGSQL.1",
		Listen => 5) or die "cannot listen: $!";
	my $pid = fork // die "cannot fork: $!";
	my $strays = 1;

	setpgrp $pid, 0;
	return $pid if $pid;
	$SIG{PIPE} = 'DEFAULT';
	$SIG{CHLD} = 'IGNORE';
	alarm 300;
	while (my $client = $listener->accept)
	{
		my ($head, $to) = ('', 0);

		$client->sysread($head, 8192);
		$to = 1 if $head !~ /replication/ && $strays-- > 0;
		fork and next;
		alarm 300;
		relay($client, IO::Socket::UNIX->new(Peer => $sockets[$to]), $head);
		POSIX::_exit(0);
	}
	POSIX::_exit(0);
}

sub relay
{
	my ($client, $server, $head) = @_;
	my $both = IO::Select->new($client, $server);

	$server->syswrite($head);
	while (my @ready = $both->can_read)
	{
		for my $from (@ready)
		{
			$from->sysread(my $bytes, 65536) or return;
			($from == $client ? $server : $client)->syswrite($bytes);
		}
	}
	return;
}

subtest 'a server with a slot of the same name' => sub {
	my $other = EtfTest->new('other', conf =>
		  "max_slot_wal_keep_size = 1MB\nlog_connections = on");
	my $dir = PostgreSQL::Test::Utils::tempdir_short();

	$other->slot('s');
	for my $i (1 .. 4)
	{
		$other->sql("CREATE TABLE x$i ()");
		$other->sql('SELECT pg_switch_wal()');
	}
	$other->sql('CHECKPOINT');
	is($other->sql('SELECT wal_status FROM pg_replication_slots'), 'lost',
		'the other one is lost');

	my $proxy = proxy($dir,
		map { $_->node->host . '/.s.PGSQL.' . $_->node->port } $etf, $other);
	my $client = EtfClient->start($node, @credit, conninfo =>
		  qq{<<"host=$dir port=1 dbname=postgres application_name=pg_etf_client">>});

	$client->expect(qr/^\{status,connected/, 'connected');
	ok(sees_slot($client), 'the slot of the stream is seen');
	like(slurp_file($other->node->logfile),
		qr/application_name=pg_etf_client/, 'after another one');
	$etf->sql('INSERT INTO t VALUES (3)');
	$client->expect(qr/^\{frame,.*\[3\]/, 'the stream goes on');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->quit;
	kill 'KILL', -$proxy;
	waitpid $proxy, 0;
	$other->stop;
	free();
};

done_testing();
