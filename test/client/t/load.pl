# Memory and descriptors under load.  PG_ETF_FULL=1: a transaction of 2 GB, ten
# million rows and a thousand reconnects, instead of a tenth of that.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use List::Util qw(max);
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('load', conf => "wal_sender_timeout = 20s\n"
	  . "checkpoint_timeout = 1h\nmax_wal_size = 8GB\nshared_buffers = 64MB\nmax_connections = 30");
my $node = $etf->node;
my $full = $ENV{PG_ETF_FULL};
my $limit = 24 << 20;
my @credit = (credit_events => 100000, credit_bytes => 1000000);

$etf->sql('CREATE TABLE t (id int, v text)');
$etf->sql('ALTER TABLE t ALTER v SET STORAGE EXTERNAL');

sub status_of
{
	my ($pid, $key) = @_;

	return slurp_file("/proc/$pid/status") =~ /^$key:\s+(\d+) kB/m ? $1 << 10 : 0;
}

sub descriptors { return scalar @{ [ glob "/proc/$_[0]/fd/*" ] }; }

sub streams
{
	my ($client) = @_;
	my $state = '';

	for (1 .. 100)
	{
		$state = $client->stat('state') // '';
		return 1 if $state =~ /streaming/;
		select undef, undef, undef, 0.1;
	}
	return 0;
}

sub free_slot
{
	$node->poll_query_until('postgres', 'SELECT NOT active FROM '
		  . "pg_replication_slots WHERE slot_name = 's'");
	$etf->drop_slot('s');
	return;
}

subtest 'a large transaction passes a slow reader' => sub {
	my $rows = $full ? 260000 : 26000;

	$etf->slot('s');
	$etf->sql("INSERT INTO t SELECT g, repeat(md5(g::text), 256) "
		  . "FROM generate_series(1, $rows) g");
	my $client = EtfClient->start($node, @credit);
	my $pid = $client->client_pid;

	$client->say('{auto, quiet}');
	$client->say('{auto, refill}');
	$client->say('{slow, 2}');
	$client->expect(qr/^\{caught_up/, 'all of it', 560);
	my $bytes = $client->stat('sent_bytes');
	cmp_ok($bytes, '>', $rows * 8192, "$bytes bytes");
	my $peak = status_of($pid, 'VmHWM');
	cmp_ok($peak, '<', $limit, "at most $peak bytes of memory");
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->is_clean('credit was respected, no hole');
	$client->quit;
	free_slot();
	$etf->sql('TRUNCATE t');
};

subtest 'memory is given back after a giant message' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, @credit, shrink_after => 1500);
	my $pid = $client->client_pid;

	$client->say('{auto, quiet}');
	$client->say('{auto, refill}');
	$client->say('{auto, ack}');
	$client->expect(qr/^\{caught_up/, 'connected');
	$etf->sql("INSERT INTO t VALUES (1, repeat('x', 60000000))");
	$client->expect(qr/^\{status,connected,.*reconnects => 1/,
		'it connects anew once all is confirmed');
	cmp_ok(status_of($pid, 'VmHWM'), '>', 60000000, 'the message was there');
	cmp_ok(status_of($pid, 'VmRSS'), '<', $limit, 'its memory is not');
	$etf->sql("INSERT INTO t VALUES (2, 'small')");
	$client->say('frames');
	my $line = $client->wait_for(qr/^\{frames,(\d+)/);
	ok($client->{match}[0] <= 2, 'nothing came twice');
	$etf->sql("INSERT INTO t VALUES (3, repeat('x', 10000000))");
	$client->silent(qr/^\{status,connected/, 4, 'but not for each of them');
	is($client->stop, 0, 'stop');
	$client->quit;
	free_slot();
};

subtest 'frames that are wanted so large' => sub {
	$etf->slot('s');
	my $client = EtfClient->start($node, @credit, shrink_after => 1, options =>
		  '#{rows => tuple, dialect => compact, frame_bytes => 16777216}');

	$client->say('{auto, quiet}');
	$client->say('{auto, refill}');
	$client->say('{auto, ack}');
	$client->expect(qr/^\{caught_up/, 'connected');
	for (1 .. 3)
	{
		my $before = $client->stat('transactions');

		$etf->sql("INSERT INTO t SELECT g, repeat('x', 100000) "
			  . 'FROM generate_series(1, 400) g');
		for (1 .. 300)
		{
			last if $client->stat('transactions') > $before;
			select undef, undef, undef, 0.1;
		}
	}
	cmp_ok($client->stat('sent_bytes'), '>', 100 << 20, 'they are');
	$client->silent(qr/^\{status,connected/, 2, 'one connection');
	is($client->stat('reconnects'), 0, 'for all of them');
	is($client->stop, 0, 'stop');
	$client->quit;
	free_slot();
};

# What a reader has does not grow with the rows that it reads.
subtest 'eight readers of many rows' => sub {
	my ($rows, $fill) = $full ? (10_000_000, 100) : (1_000_000, 10);
	my ($readers, $memory, $peak) = (0, 0, 0);

	$etf->sql("CREATE TABLE many (a int PRIMARY KEY, b int, c int, d int8, e int8) WITH (fillfactor = $fill);
		INSERT INTO many SELECT g, g, g, g, g FROM generate_series(1, $rows) g");
	my $pid = fork // die "cannot fork: $!";
	if ($pid == 0)
	{
		open STDOUT, '>', '/dev/null';
		exec $ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'), '--slot=readers', '--temporary',
		  '--snapshot=only', '--json', '--tables=public.many', '--jobs=8' or POSIX::_exit(126);
	}
	my $until = time + ($full ? 600 : 120);
	until (waitpid($pid, POSIX::WNOHANG) == $pid)
	{
		kill KILL => $pid if time > $until;
		select undef, undef, undef, 0.02;
		my @readers = split /\n/, $etf->sql(q{SELECT pid FROM pg_stat_activity
			WHERE query ~ 'etf_read' AND state = 'active' AND pid <> pg_backend_pid()});

		$readers = max($readers, scalar @readers);
		$memory = max($memory, map { eval { status_of($_, 'RssAnon') } // 0 } @readers);
		$peak = max($peak, eval { status_of($pid, 'VmHWM') } // 0);
	}
	is($?, 0, "$rows rows are read");
	cmp_ok($readers, '>', 4, "by $readers readers at once");
	cmp_ok($memory, '>', 0, 'their memory was seen');
	cmp_ok($memory, '<', 32 << 20, "of at most $memory bytes each");
	cmp_ok($peak, '>', 0, 'and that of the client');
	cmp_ok($peak, '<', $limit, "for a client of at most $peak bytes");
	$etf->sql('DROP TABLE many');
};

subtest 'many reconnects leave nothing behind' => sub {
	my $count = $full ? 1000 : 100;
	my $break = sub {
		$etf->sql(<<"SQL");
DO \$\$
DECLARE
	pid int;
	last int := 0;
	n int := 0;
BEGIN
	WHILE n < $_[0] LOOP
		SELECT active_pid INTO pid FROM pg_replication_slots;
		IF pid <> last THEN
			PERFORM pg_terminate_backend(pid);
			last := pid;
			n := n + 1;
		END IF;
		PERFORM pg_sleep(0.002);
	END LOOP;
END \$\$
SQL
	};

	$etf->slot('s');
	my $client = EtfClient->start($node, @credit, reconnect_min => 1,
		reconnect_max => 2);
	my $pid = $client->client_pid;

	$client->say('{auto, ack}');
	$client->expect(qr/^\{status,connected/, 'connected');
	$break->(20);
	ok(streams($client), 'warmed up');
	my ($memory, $fds) = (status_of($pid, 'VmRSS'), descriptors($pid));
	$break->($count);
	ok(streams($client), "it streams after $count broken connections");
	is(descriptors($pid), $fds, "with the same $fds descriptors");
	cmp_ok(status_of($pid, 'VmRSS'), '<', $memory + (512 << 10),
		'and no more memory');
	$etf->sql('INSERT INTO t VALUES (77)');
	$client->expect(qr/^\{frame,.*\[77\]/, 'it still works');
	is($client->stop, 0, 'stop');
	$client->quit;
	free_slot();
};

subtest 'valgrind has nothing to say' => sub {
	plan skip_all => 'no valgrind' if system 'valgrind --version >/dev/null 2>&1';
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $program = "$dir/client";

	append_to_file($program, "#!/bin/sh\nexec valgrind --quiet "
		  . '--leak-check=full --errors-for-leak-kinds=definite '
		  . "--error-exitcode=99 --log-file=$dir/log '$ENV{ETF_CLIENT}' \"\$@\"\n");
	chmod 0755, $program;
	$etf->slot('s');
	my $client = EtfClient->new($program);
	$client->say('{send, {start, ' . EtfClient::settings($node, @credit,
			reconnect_min => 1, reconnect_max => 10) . '}}');
	$client->expect(qr/^\{status,connected/, 'connected', 90);
	$etf->sql('INSERT INTO t SELECT generate_series(1, 20000)');
	$client->say('{auto, quiet}');
	$client->say('{auto, refill}');
	$client->say('{auto, ack}');
	$etf->sql('SELECT pg_terminate_backend(active_pid) '
		  . 'FROM pg_replication_slots');
	$client->expect(qr/^\{status,connected/, 'again', 90);
	$etf->sql('INSERT INTO t SELECT generate_series(1, 1000) RETURNING 1');
	my $events = 0;
	for (1 .. 300)
	{
		last if $events = $client->stat('sent_events');
		select undef, undef, undef, 0.1;
	}
	ok($events, 'events');
	is($client->stop, 0, 'no error, no leak');
	is(-s "$dir/log" // 0, 0, 'and an empty log')
	  or diag slurp_file("$dir/log");
	$client->quit;
	free_slot();

	my $end = $etf->end_of_wal;
	$etf->slot('s');
	$etf->sql('INSERT INTO t SELECT generate_series(1, 1000)');
	$end = $etf->end_of_wal;
	for my $style (qw(erlang elixir json))
	{
		my ($out, $err) = run_command([ $program, '--dbname',
				$node->connstr('postgres'), '--slot', 's', "--print=$style",
				'--endpos', $end ]);
		is($? >> 8, 0, "printing $style");
	}
	run_command([ $program, '--dbname', $node->connstr('postgres'), '--status' ]);
	is($? >> 8, 0, 'status');
	$etf->drop_slot('s');
};

done_testing();
