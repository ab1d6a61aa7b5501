# A snapshot amid faults at random moments: the mirror equals the tables, however
# often the client, a connection or the server is lost.
#
# The consumer takes so many bytes and then none: so each fault comes while ranges
# are half read, and the moment does not depend on how fast the machine is.
# PG_ETF_SEED is another schedule; PG_ETF_FULL=1 runs many, others each time.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfCutter;
use EtfFaults;
use EtfMirror;
use EtfTest;
use EtfWriters;
use IO::Select;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# A crash of one backend is one of all.
my $etf = EtfTest->new('snapshot_faults', conf => 'max_wal_senders = 20
max_replication_slots = 20
restart_after_crash = on');
my $node = $etf->node;
my $seed = $ENV{PG_ETF_SEED} // ($ENV{PG_ETF_FULL} ? int(time) % 100_000 : 7);
srand $seed;
note "PG_ETF_SEED=$seed";

my $writers = EtfWriters->new($etf, big => 32000, wide => 200, small => 300, every => 8);
my $network = EtfCutter->new($node, 0);
my $words = $etf->new_file;
my @client = (
	$ENV{ETF_CLIENT}, '--dbname', $network->conninfo, '--slot', 's', '--create-slot', '--snapshot',
	'--jobs=2', '--json', '--status-interval=1', '--slot-wait=60', '--reconnect-min=50ms',
	'--reconnect-max=500ms', '--circuit-after=0', '--verbose',
	'--tables=public.big,public.wide,public.small');
my $faults = EtfFaults->new($etf, $network,
	'the keeper is terminated' => sub { $_[0]->terminate('keeper') },
	'the walsender is killed' => sub {
		my ($self) = @_;

		$self->terminate('keeper');
		take_until(sub { $self->backends('walsender') }, 5);
		$self->kill_backend('walsender');
	});

# The client, and what came of all that there were.
my ($pid, $out, $rest, $said_before);
my $taken = 0;
my $mirror = EtfMirror->new;

sub start_client
{
	pipe $out, my $in or die "pipe: $!";
	$said_before = -s $words // 0;
	$rest = '';
	$pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		open STDOUT, '>&', $in or POSIX::_exit(126);
		open STDERR, '>>', $words or POSIX::_exit(126);
		exec { $client[0] } @client or POSIX::_exit(127);
	}
	close $in;
	return;
}

# What the client says on stderr, in this life.
sub says
{
	my ($pattern) = @_;

	return -e $words && substr(slurp_file($words), $said_before) =~ $pattern;
}

sub is_finished { return says(qr/ tables are read, /); }

# Whole lines count, and half a one at the end was not acknowledged.
sub apply_lines
{
	$mirror->apply($1) while $rest =~ s/^([^\n]*)\n//;
	return;
}

# So many bytes, or what comes in so many seconds; false at the end of all.
sub take
{
	my ($bytes, $seconds) = @_;
	my $until = time + $seconds;
	my $select = IO::Select->new($out);

	while ($bytes > 0 && time < $until)
	{
		next unless $select->can_read(0.05);
		my $count = sysread $out, $rest, 16384, length $rest;

		return 0 if !$count;
		$bytes -= $count;
		$taken += $count;
		apply_lines();
	}
	return 1;
}

sub end_client
{
	my ($signal) = @_;

	kill $signal => $pid;
	take(1e9, 60);
	waitpid $pid, 0;
	return $?;
}

# Takes little by little, until it is so.
sub take_until
{
	my ($condition, $seconds) = @_;
	my $until = time + $seconds;

	while (time < $until)
	{
		return 1 if $condition->();
		take(20_000, 0.1) or return 0;
	}
	return 0;
}

# At random: while nothing is taken, as before the first row, or after some of them.
sub live_a_while
{
	return sleep rand 0.7 if rand() < 0.2;
	take_until(sub { $faults->backends('reader') || is_finished() }, 15);
	my $goal = $taken + 20_000 + int rand 2_500_000;
	take_until(sub { $taken >= $goal || is_finished() }, 10);
	return;
}

# Killed again and again, and hurt otherwise meanwhile; the last one is only hurt.
sub run_schedule
{
	my ($lives) = @_;
	my @names = $faults->shuffled($lives);

	for my $life (1 .. $lives)
	{
		my @mine = splice @names, 0, $life < $lives ? int rand 3 : 3;

		start_client();
		for my $name ($life < $lives ? @mine : ('a reader is terminated', @mine))
		{
			live_a_while();
			last if is_finished();
			$faults->hurt($name);
		}
		last if $life == $lives;
		live_a_while();
		$faults->count("the client is killed, life $life");
		end_client('KILL');
	}
	return;
}

sub is_at_end
{
	my ($end) = @_;

	return ($node->psql('postgres', "SELECT confirmed_flush_lsn >= '$end' FROM pg_replication_slots
		WHERE slot_name = 's'"))[1] eq 't';
}

sub ends_equal
{
	my ($name) = @_;

	ok(take_until(\&is_finished, 120), "$name: it is finished");
	$writers->stop;
	my $end = $etf->end_of_wal;
	ok(take_until(sub { take(1e9, 0.1); is_at_end($end) }, 60), "$name: the changes follow");
	is(end_client('TERM'), 0, "$name: a clean end");
	is($mirror->differs($etf, $_), '', "$name: $_ is the same") for EtfWriters::tables();

	# What is done is not read again.
	my $reads = $mirror->{ops}{read};
	start_client();
	$etf->sql("INSERT INTO small VALUES (nextval('ids'), 'last', 1)");
	$end = $etf->end_of_wal;
	ok(take_until(sub { is_at_end($end) }, 60), "$name: another run goes on");
	end_client('TERM');
	is($mirror->{ops}{read}, $reads, "$name: verify_no_snapshot_reingestion: nothing is read again");
	return;
}

for my $schedule (1 .. ($ENV{PG_ETF_FULL} ? 12 : 1))
{
	$mirror = EtfMirror->new;
	$writers->start(clients => 2, rate => 40);
	run_schedule($ENV{PG_ETF_FULL} ? 7 : 3);
	ends_equal("seed $seed, schedule $schedule");
	$etf->wait_until_idle('s');
	$etf->drop_slot('s');
}
my $again = () = slurp_file($words) =~ /is read again/g;
cmp_ok($faults->hits, '>=', 2, 'disconnect and restart during snapshot: faults hit while ranges were half read');
cmp_ok($again, '>=', 1, 'and ranges that were half read came again');

done_testing;
