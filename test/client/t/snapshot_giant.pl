# Rows of some hundred MB that are read: they arrive, what docs/snapshots.md says of memory holds for
# each reader, and the stream goes on.  PG_ETF_FULL=1: of 900 MB, instead of 100.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfTest;
use List::Util qw(max);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $etf = EtfTest->new('giant', conf => 'shared_buffers = 64MB');
my $megabytes = $ENV{PG_ETF_FULL} ? 900 : 100;

# What each has without large rows, a server's buffers included.
my $base = 90;
my %peak;

# Compresses well: what is large is the value, not the disk.
$etf->sql("CREATE TABLE $_ (id int PRIMARY KEY, v text); INSERT INTO $_ VALUES (1, 'small');
	INSERT INTO $_ VALUES (2, repeat(repeat('$_', 1024), $megabytes * 1024)); INSERT INTO $_ VALUES (3, 'small')")
  for 'a', 'b';

# In MiB; 0 of who is gone.
sub memory
{
	my ($pid, $key) = @_;
	my $status = eval { slurp_file("/proc/$pid/status") } // '';

	return $status =~ /^$key:\s+(\d+) kB/m ? $1 >> 10 : 0;
}

sub note_peak
{
	my ($who, @pids) = @_;

	$peak{$who} = max($peak{$who} // 0, map { memory($_, 'VmHWM') } @pids);
	return;
}

sub sample
{
	my ($client) = @_;

	note_peak(reader => split /\n/, $etf->sql(q{SELECT pid FROM pg_stat_activity
		WHERE query ~ 'etf_read' AND pid <> pg_backend_pid()}));
	note_peak(client => $client->client_pid);
	return;
}

sub finishes
{
	my ($client) = @_;
	my $until = time + 300;

	while (time < $until)
	{
		my $line = $client->line(0.05) // '';

		return 1 if $line =~ /^\{backfill,finished/;
		return diag($line) && 0 if $line =~ /^\{backfill,(?:failed|table_failed|retry)|^\{exit/;
		sample($client);
	}
	return 0;
}

# So many of these rows at once, so many times.
sub is_bounded
{
	my ($who, $rows, $times) = @_;
	my $limit = $base + $rows * $times * $megabytes;

	cmp_ok($peak{$who}, '>', $megabytes, "the $who had such a row, ...");
	cmp_ok($peak{$who}, '<', $limit, "... and at most $times times $rows: $peak{$who} MiB");
	return;
}

# "rows": as many as are read at the same time.
for my $case ([ 'exact', 2 ], [ 'incremental', 1 ])
{
	my ($mode, $rows) = @$case;

	subtest "mode $mode" => sub {
		my $client = EtfBackfill->start($etf, $mode);

		%peak = ();
		$client->backfill('b', mode => $mode, tables => 'public.*', jobs => 2);
		ok(finishes($client), 'all rows are there');
		diag "$mode, rows of $megabytes MiB: ", join ', ', map { "$_ $peak{$_} MiB" } sort keys %peak;
		is_bounded(reader => 1, 3);
		is_bounded(client => $rows, 2);
		my $left = memory($client->client_pid, 'VmRSS');
		cmp_ok($left, '>', 0, 'the client is there');
		cmp_ok($left, '<', 24, 'and gives it back');
		$etf->sql("INSERT INTO a SELECT max(id) + 1, 'later' FROM a");
		$client->equals("public.$_", "the mirror is the table $_") for 'a', 'b';
		$client->is_clean('as docs/port.md says');
		is($client->stop, 0, 'a clean stop');
		$client->quit;
	};
}

$etf->stop;
done_testing();
