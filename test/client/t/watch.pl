# What only a second connection, a clock, a signal or a terminal shows.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('watch',
	conf => "wal_sender_timeout = 60s\nbgwriter_delay = 10s");
my $node = $etf->node;
my @credit = (credit_events => 100000, credit_bytes => 100000000);

$etf->sql('CREATE TABLE t (id int, v text)');
$etf->slot('s');

sub walsender
{
	return $etf->sql('SELECT active_pid FROM pg_replication_slots');
}

sub wait_free
{
	$node->poll_query_until('postgres',
		'SELECT NOT active FROM pg_replication_slots');
	return;
}

subtest 'a frozen server is found out' => sub {
	my $client = EtfClient->start($node, @credit, control => 'false',
		liveness_timeout => 2000, reconnect_min => 100);

	$client->expect(qr/^\{status,connected/, 'connected');
	my $pid = walsender();
	kill 'STOP', $pid;
	$client->expect(qr/^\{status,reconnecting,.*silent for 2000 ms/,
		'silence ends the connection', 10);
	kill 'CONT', $pid;
	$client->expect(qr/^\{status,connected/, 'and it comes back');
	$etf->sql('INSERT INTO t VALUES (1)');
	$client->expect(qr/^\{frame,.*\[1\]/, 'with what follows');
	$client->say('ack');
	is($client->stop, 0, 'stop, without a control connection');
	$client->quit;
	wait_free();
};

subtest 'a walsender that only works for long is left alone' => sub {
	my $client = EtfClient->start($node, @credit, liveness_timeout => 2000);

	$client->expect(qr/^\{status,connected/, 'connected');
	my $pid = walsender();
	kill 'STOP', $pid;
	$client->silent(qr/^\{status,(disconnected|reconnecting)/, 6,
		'the control connection sees it hold the slot');
	kill 'CONT', $pid;
	is(walsender(), $pid, 'the same one');
	$client->stop;
	$client->quit;
	wait_free();
};

subtest 'the stream goes on without its control connection' => sub {
	my $client = EtfClient->start($node, @credit);

	$client->expect(qr/^\{status,connected/, 'connected');
	my $pid = walsender();
	$etf->sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity '
		  . "WHERE application_name = 'pg_etf_client' AND pid <> $pid");
	$etf->sql('INSERT INTO t VALUES (2)');
	$client->expect(qr/^\{frame,.*\[2\]/, 'changes come');
	is(walsender(), $pid, 'over the same connection');
	ok($node->poll_query_until('postgres', 'SELECT count(*) = 2 FROM '
			  . "pg_stat_activity WHERE application_name = 'pg_etf_client'"),
		'and the control connection comes back');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->quit;
	wait_free();
};

# The client's processor time, in ticks.
sub ticks
{
	my ($pid) = @_;
	my @fields = split / /, slurp_file("/proc/$pid/stat");

	return $fields[13] + $fields[14];
}

# Its first answer comes while it reads what the client has already, and at the
# end of that it has nothing to tell.
subtest 'a server with nothing to say is asked' => sub {
	$etf->sql('CREATE TABLE other (id int, v text)');
	for my $to ('end', 'catch up')
	{
		# Not so much that a checkpoint begins by itself and has something to tell.
		$etf->sql('CHECKPOINT');
		$etf->sql('INSERT INTO other SELECT g, repeat(md5(g::text), 10) '
			  . 'FROM generate_series(1, 100000) g');
		my $end = $etf->sql("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn");
		my $client = EtfClient->start($node, @credit, control => 'false',
			status_interval => 600000, startpos => $end,
			endpos => $to eq 'end' ? $end : 0);

		$client->expect(qr/^\{caught_up,/, 'it is caught up', 6)
		  && $client->say('{send, stop}')
		  if $to eq 'catch up';
		is($client->exit_status(6), 0, "to $to: it ends");
		$client->quit;
		wait_free();
	}
};

subtest 'at its end the client waits for acknowledgements' => sub {
	$etf->sql('INSERT INTO t VALUES (10)');
	my $end = $etf->sql("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn");
	$etf->sql('INSERT INTO t SELECT 11, repeat(md5(g::text), 100) '
		  . 'FROM generate_series(1, 20000) g');
	my $client = EtfClient->start($node, @credit, endpos => $end);

	$client->expect(qr/^\{frame,.*\[10\]/, 'the last change');
	sleep 2;
	my $before = ticks($client->client_pid);
	sleep 2;
	cmp_ok(ticks($client->client_pid) - $before, '<', 20,
		'it sleeps, whatever else the server has');
	is($etf->sql('SELECT count(*) FROM pg_stat_activity WHERE '
		  . "wait_event = 'WalSenderWriteData'"), 0, 'which need not wait');
	$client->say('ack');
	is($client->exit_status, 0, 'and ends when all is acknowledged');
	$client->quit;
	wait_free();
	is($etf->sql('SELECT confirmed_flush_lsn - \'0/0\' <= '
		  . "$end FROM pg_replication_slots"), 't', 'what follows is not confirmed');
	$client = EtfClient->start($node, @credit);
	$client->say('{auto, quiet}');
	$client->expect(qr/^\{caught_up/, 'and comes to the next one');
	is($client->stat('sent_events'), 20000, 'all of it');
	$client->say('ack');
	$client->stop;
	$client->quit;
	wait_free();
};

subtest 'the second signal does not wait' => sub {
	my $client = EtfClient->start($node, @credit, stop_timeout => 600000);

	$client->expect(qr/^\{status,connected/, 'connected');
	$etf->sql('INSERT INTO t VALUES (3)');
	$client->expect(qr/^\{frame,.*\[3\]/, 'a change');
	my @pids = split /\n/, $etf->sql('SELECT pid FROM pg_stat_activity '
		  . "WHERE application_name = 'pg_etf_client'");
	kill 'STOP', @pids;
	$client->say('ack');
	kill 'TERM', $client->client_pid;
	$client->silent(qr/^\{exit/, 2, 'the first one waits for the server');
	kill 'TERM', $client->client_pid;
	is($client->exit_status(5), 128 + 15, 'the second one does not');
	kill 'CONT', @pids;
	$client->quit;
	wait_free();
};

# libpq waits for the resolver, and there is nothing to poll meanwhile.
subtest 'nor for a name that is looked up' => sub {
	my $dir = PostgreSQL::Test::Utils::tempdir();

	append_to_file("$dir/slow.c", <<'C');
#include <unistd.h>
struct addrinfo;
int getaddrinfo(const char *node, const char *service,
				const struct addrinfo *hints, struct addrinfo **result)
{
	(void) !write(2, "asked\n", 6);
	for (int left = 100; left > 0;)
		left = sleep(left);
	return -3;
}
C
	plan skip_all => 'no compiler'
	  if system("cc -shared -fPIC -o $dir/slow.so $dir/slow.c 2>$dir/log");
	local $ENV{LD_PRELOAD} = "$dir/slow.so";
	my $err = '';
	my $client = IPC::Run::start([ $ENV{ETF_CLIENT}, '--print=json',
			'--slot=s', '--dbname', 'host=slow.example user=u dbname=d' ],
		'<', \undef, '>', \my $out, '2>', \$err, IPC::Run::timeout(60));

	$client->pump until $err =~ /asked/;
	my $begin = time;
	$client->signal('TERM');
	sleep 0.2;
	$client->signal('TERM');
	$client->finish;
	is($? >> 8, 128 + 15, 'the second signal ends it');
	cmp_ok(time - $begin, '<', 10, 'at once');
};

subtest 'a closed port is an end, whatever the server does' => sub {
	my $client = EtfClient->start($node, @credit, stop_timeout => 1000);

	$client->expect(qr/^\{status,connected/, 'connected');
	$etf->sql('INSERT INTO t VALUES (4)');
	$client->expect(qr/^\{frame,.*\[4\]/, 'a change');
	my ($pid, $until) = ($client->client_pid, time + 5);
	my @pids = split /\n/, $etf->sql('SELECT pid FROM pg_stat_activity '
		  . "WHERE application_name = 'pg_etf_client'");
	kill 'STOP', @pids;
	$client->say('ack');
	$client->say('close');
	sleep 0.1 while -e "/proc/$pid" && time < $until;
	ok(!-e "/proc/$pid", 'the program has gone');
	kill 'CONT', @pids;
	$client->quit;
	wait_free();
};

subtest 'values are quoted, settings are pinned' => sub {
	# PostgreSQL 19 knows standard strings only.
	$etf->sql(q{ALTER ROLE CURRENT_USER SET standard_conforming_strings = off})
	  if $etf->version < 19;
	$etf->sql(q{ALTER ROLE CURRENT_USER SET search_path = nowhere});
	my $client = EtfClient->start($node, @credit, options =>
		q{#{rows => tuple, dialect => compact, null => <<"it's \"\\\\ null">>}});

	$client->expect(qr/^\{status,connected/, 'connected');
	is($etf->sql("SELECT count(*) FROM pg_stat_activity WHERE "
		  . "application_name = 'pg_etf_client'"), 2, 'two connections');
	$etf->sql('INSERT INTO public.t VALUES (5)');
	$client->expect(qr/^\{frame,.*\[5\]/, 'and changes');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->quit;
	$etf->sql('ALTER ROLE CURRENT_USER RESET ALL');
	wait_free();
};

subtest 'a service, a URI, the environment' => sub {
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $host = $node->host;

	append_to_file("$dir/services", "[etf]\nhost=$host\nport="
		  . $node->port . "\ndbname=postgres\napplication_name=by_service\n");
	local $ENV{PGSERVICEFILE} = "$dir/services";
	my $client = EtfClient->start($node, @credit,
		conninfo => '<<"service=etf">>');
	$client->expect(qr/^\{status,connected/, 'by service');
	is($etf->sql('SELECT count(*) FROM pg_stat_activity '
		  . "WHERE application_name = 'by_service'"), 2, 'it is the service');
	$client->stop;
	$client->quit;
	wait_free();
	my $uri = 'postgresql:///postgres?host=' . ($host =~ s/\//%2F/gr)
	  . '&port=' . $node->port;
	$client = EtfClient->start($node, @credit, conninfo => qq{<<"$uri">>});
	$client->expect(qr/^\{status,connected/, 'by URI');
	$client->stop;
	$client->quit;
	wait_free();
	local @ENV{qw(PGHOST PGPORT PGDATABASE PGAPPNAME)} =
	  ($host, $node->port, 'postgres', 'by_environment');
	$client = EtfClient->start($node, @credit, conninfo => '<<>>');
	$client->expect(qr/^\{status,connected/, 'by environment');
	is($etf->sql('SELECT count(*) FROM pg_stat_activity WHERE '
		  . "application_name = 'by_environment' AND pid <> pg_backend_pid()"), 2,
		'it is that one');
	$client->stop;
	$client->quit;
	wait_free();
};

# On a terminal; a shell puts "then" behind it.
sub on_terminal
{
	my ($out, $then) = @_;
	my $connstr = $node->connstr('postgres') =~ s/'/'\\''/gr;

	return IPC::Run::start(
		[ 'script', '-qfec',
			"$ENV{ETF_CLIENT} --dbname '$connstr' --slot s --print=json $then",
			'/dev/null' ],
		'<', \undef, '>', $out, IPC::Run::timeout(30));
}

subtest 'a terminal gets colours and progress' => sub {
	plan skip_all => 'no script(1), or no terminals'
	  if system 'script -qfec true /dev/null >/dev/null 2>&1';
	my $out = '';
	my $client = on_terminal(\$out, '');

	$etf->sql('INSERT INTO t VALUES (6)');
	$client->pump until $out =~ /"op":\e\[32m"insert"\e\[0m,.*"id":6/;
	ok(1, 'the operation is coloured');
	$client->pump until $out =~ /\r\e\[K\d+ events\/s, [\d.]+ \wB\/s, lag/
	  or $out =~ /\r\e\[K\d+ events\/s, \d+ B\/s, lag \d+ B/;
	ok(1, 'the rate and the lag are shown');
	$client->kill_kill;
	wait_free();

	# A backlog that a slow pipe lets through in some ten seconds.
	$etf->sql(join '', map { 'INSERT INTO t SELECT 7, repeat(md5(g::text), 10) '
			  . "FROM generate_series(1, 500) g;\n" } 1 .. 40);
	$out = '';
	$client = on_terminal(\$out, q{| perl -e 'select undef, undef, undef, 0.1 }
		  . q{while sysread STDIN, $_, 100000'});
	$client->pump until $out =~ /\r\e\[K[1-9]\d* events\/s, .* to go/;
	like($out, qr/, lag [\d.]+ \wB, 0:0\d:\d\d to go/,
		'and when a backlog will have been read');
	$client->kill_kill;
};

done_testing();
