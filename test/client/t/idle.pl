# Many clients with nothing to do cost next to nothing.  PG_ETF_FULL=1: two
# hundred of them, for half a minute.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfTest;
use IPC::Open2;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my ($count, $seconds) = $ENV{PG_ETF_FULL} ? (200, 30) : (20, 11);
my $slots = $count + 10;
my $etf = EtfTest->new('idle', conf => "max_replication_slots = $slots\n"
	  . "max_wal_senders = $slots\nmax_connections = " . (2 * $count + 50));
my $node = $etf->node;

# {start, #{...}} with defaults: what PgEtf leaves to the program.
sub start_packet
{
	my ($slot) = @_;
	my $term = "\x83h\2w\5startt" . pack 'N', 2;

	$term .= join '', map { pack 'CN/a', 109, $_ } 'slot', $slot, 'conninfo',
	  $node->connstr('postgres') . ' application_name=idle';
	return pack 'N/a', $term;
}

my @clients;

sub start
{
	my ($slot) = @_;
	my $pid = open2(my $out, my $in, $ENV{ETF_CLIENT}, '--port');

	syswrite $in, start_packet($slot);
	push @clients, { pid => $pid, in => $in, out => $out };
	return;
}

# CPU in ticks, and how often it slept and was woken.
sub usage
{
	my ($ticks, $wakeups) = (0, 0);

	for my $pid (@_)
	{
		my ($stat) = slurp_file("/proc/$pid/stat") =~ /\) (.*)/;
		my @fields = split / /, $stat;

		$ticks += $fields[11] + $fields[12];
		slurp_file("/proc/$pid/status") =~ /^voluntary_ctxt_switches:\s+(\d+)/m;
		$wakeups += $1;
	}
	return ($ticks, $wakeups);
}

# Percent of one processor, and wake-ups a second, of each in the mean.
sub cost
{
	my ($who, $before, $after, $pids) = @_;
	my $tick = POSIX::sysconf(POSIX::_SC_CLK_TCK());
	my $percent = ($after->[0] - $before->[0]) / $tick / $seconds * 100;
	my $wakeups = ($after->[1] - $before->[1]) / $seconds / $pids;

	note sprintf '%d %s: %.1f %% of a processor together, %.2f wake-ups a '
	  . 'second each', $pids, $who, $percent, $wakeups;
	return ($percent / $count, $wakeups);
}

$etf->sql('SELECT pg_create_logical_replication_slot(\'c\' || i, '
	  . "'pg_etf_decoding') FROM generate_series(1, $count) i");
start("c$_") for 1 .. $count;
ok($node->poll_query_until('postgres', "SELECT count(*) = 2 * $count "
		  . "FROM pg_stat_activity WHERE application_name = 'idle'"),
	"$count clients, two connections each");
ok($node->poll_query_until('postgres', "SELECT count(*) = $count FROM "
		  . "pg_stat_replication WHERE state = 'streaming'"), 'all of them stream');
sleep 2;

my @pids = map { $_->{pid} } @clients;
my @servers = split /\n/, $etf->sql(
	q{SELECT pid FROM pg_stat_activity WHERE application_name = 'idle'});
my @before = ([ usage(@pids) ], [ usage(@servers) ]);
sleep $seconds;
my @after = ([ usage(@pids) ], [ usage(@servers) ]);

my ($percent, $wakeups) = cost('clients', $before[0], $after[0], scalar @pids);
cmp_ok($percent, '<', 0.05, 'a client needs less than 0.05 % of a processor');
cmp_ok($wakeups, '<', 1, 'and wakes less than once a second');
($percent, $wakeups) =
  cost('server processes', $before[1], $after[1], scalar @servers);
cmp_ok($percent, '<', 0.2, 'it costs the server less than 0.2 % of one');
cmp_ok($wakeups, '<', 2, 'which it wakes less than twice a second');

close $_->{in} for @clients;
my $failed = grep { waitpid($_->{pid}, 0); $? != 0 } @clients;
is($failed, 0, 'and all end cleanly');

done_testing();
