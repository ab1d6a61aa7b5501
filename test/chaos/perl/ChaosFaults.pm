# What can go wrong, and a schedule of it that follows from a seed.
package ChaosFaults;

use strict;
use warnings;

use ChaosDdl;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

# Each gets the world, a reader, and a number from 0 to 1 that says how long,
# or how much.
my %fault = (
	client_kill => sub { kill 'KILL', $_[1]->client_pids; },
	takeover => \&take_over,
	client_stop => sub { pause($_[0], [ $_[1]->client_pids ], 0.5 + 5 * $_[2]); },
	beam_kill => sub { $_[1]{child}->signal('KILL'); },
	beam_stop => sub { pause($_[0], [ $_[1]->pid ], 0.5 + 5 * $_[2]); },
	processor_kill => sub { $_[1]->say('kill'); },
	walsender_terminate => sub {
		$_[0]->try_sql('SELECT pg_terminate_backend(' . walsender(@_) . ')');
	},
	walsender_stop => sub { pause($_[0], [ walsender(@_) || () ], 0.5 + 5 * $_[2]); },
	walsender_kill => \&crash,
	server_fast => sub { restart($_[0], 'fast'); },
	server_immediate => sub { restart($_[0], 'immediate'); },
	slot_drop => sub { drop($_[0], $_[1], 0); },
	slot_recreate => sub { drop($_[0], $_[1], 1); },
	slot_lost => \&lose,
	proxy_blackhole => sub {
		my ($world, $reader) = @_;

		# Until the server's system gives up, as with tcp_user_timeout.
		$reader->proxy('blackhole');
		$world->after(12, sub { $reader->proxy('bury'); });
	},
	proxy_reset => sub { $_[1]->proxy('reset'); },
	proxy_half => sub { $_[1]->proxy('half'); },
	proxy_byte => sub { proxy_for($_[0], $_[1], 'byte', 2 * $_[2]); },
	proxy_delay => sub { proxy_for($_[0], $_[1], 'delay 50', 3 * $_[2]); },
	network_cut => \&cut_network,
	no_credit => sub { $_[1]->say('sleep ' . int(1000 + 6000 * $_[2])); },
	disk_full => \&fill_disk,
	sink_raises => \&break_sink,
	ddl => \&ddl,
	big => sub { special($_[0], 'rows', size(@_)); },
	big_abort => sub { special($_[0], 'abort', size(@_)); },
	nest => sub { special($_[0], 'nest', 10000); },
	giant => sub { special($_[0], 'giant', int($_[0]{giant} * (1 + $_[2]) / 64)); },
	flood => sub {
		$_[0]->aside('CALL chaos.flood(8, ' . int($_[0]{flood} * (1 + $_[2])) . ')');
		return 1;
	});

# All faults in a random order, so many times, with pauses of so many seconds on
# average: [seconds from the start, name, reader, number up to most].  A slot is
# lost before the others are disturbed: they must not be lost with it.
sub schedule
{
	my ($seed, $rounds, $pause, $most, @readers) = @_;
	my $at = 1;
	my @schedule;

	srand $seed;
	for (1 .. $rounds)
	{
		my %place = map { $_ => rand } sort keys %fault;

		$place{slot_lost} = 0;
		for my $name (sort { $place{$a} <=> $place{$b} } keys %place)
		{
			push @schedule, [ $at, $name, $readers[ rand @readers ], $most * rand ];
			$at += $pause * (0.5 + rand);
		}
	}
	return @schedule;
}

sub count { return scalar keys %fault; }

# Whether it could be done.
sub strike
{
	my ($world, $name, $reader, $number) = @_;
	my $until = time + 15;

	# Who has not yet been told of a new slot would not know it any more.
	$world->turn
	  while ($reader->{recreated} || defined $reader->ended) && time < $until;
	return 0 if time >= $until;
	return $fault{$name}->($world, $reader, $number, $name) // 1;
}

sub walsender
{
	my ($world, $reader) = @_;

	return $world->try_sql("SELECT active_pid FROM pg_replication_slots
		WHERE slot_name = '" . $reader->slot . "' AND active") || 0;
}

sub pause
{
	my ($world, $pids, $seconds) = @_;

	kill 'STOP', @$pids;
	$world->after($seconds, sub { kill 'CONT', @$pids; });
	return 1;
}

# Who reads the slot of several readers is stopped, in whatever it does there,
# and comes back when another one has it.
sub take_over
{
	my ($world) = @_;
	my ($any) = grep { $_->is_fenced } $world->readers or return 0;
	my $name = $world->try_sql('SELECT application_name FROM pg_stat_activity WHERE pid = '
		. walsender($world, $any));
	my $reader = $world->{reader}{ $name || 'none' } // return 0;
	my @pids = ($reader->pid, $reader->client_pids);

	kill 'STOP', @pids;
	$world->try_sql('SELECT pg_terminate_backend(' . walsender($world, $any) . ')');
	$world->after(4, sub { kill 'CONT', @pids; });
	return 1;
}

sub proxy_for
{
	my ($world, $reader, $mode, $seconds) = @_;

	$reader->proxy($mode);
	$world->after($seconds, sub { $reader->proxy('pass'); });
	return 1;
}

sub fill_disk
{
	my ($world, $reader, $number) = @_;

	$reader->say('full on');
	$world->after(1 + 3 * $number, sub { $reader->say('full off') unless $reader->{child}->ended; });
	return 1;
}

# For all readers at once, without a word to anybody.
sub cut_network
{
	my ($world, $reader, $number) = @_;

	wire('cut') or return 0;
	$world->after(1 + 14 * $number, sub { wire('mend'); });
	return 1;
}

sub wire
{
	my ($order) = @_;

	open my $orders, '>', $ENV{ETF_NETWORK} // return 0 or return 0;
	print {$orders} "$order\n";
	return close $orders;
}

sub break_sink
{
	my ($world, $reader, $number) = @_;

	$reader->say('raise on');
	$world->after(0.5 + 2 * $number,
		sub { $reader->say('raise off') unless $reader->{child}->ended; });
	return 1;
}

# What the server remembers of slots may be older afterwards.
sub forgets
{
	my ($world) = @_;

	my %slot = map { $_->slot => 1 } $world->readers;

	$world->{judge}->event($_, 'restarted') for sort keys %slot;
	return;
}

sub crash
{
	my ($world, $reader) = @_;
	my $pid = walsender($world, $reader) || return 0;

	forgets($world);
	kill 'KILL', $pid;
	$world->wait_for_server;
	return 1;
}

# A stopped process would hold up a shutdown for ever.  A fast one sends to each
# reader what there is first, which may be the largest transaction.
sub restart
{
	my ($world, $mode) = @_;
	my $limit = 40 + int($world->{big} / 50_000);
	local $ENV{PGCTLTIMEOUT} = $limit;

	$world->do_due('inf');
	forgets($world);
	$world->{node}->stop($mode, fail_ok => 1)
	  or push @{ $world->{unfounded} }, "$mode shutdown took more than $limit s"
	  and $world->{node}->stop('immediate');
	$world->{node}->start;
	return 1;
}

# Only a reader that was just reading knows its place without having stored it.
sub drop
{
	my ($world, $reader, $again) = @_;

	return 0 if $reader->is_fenced;
	return 0 if $again && $reader->{kind} ne 'otp' && !walsender($world, $reader);
	# A walsender that is stopped, or writes into nothing, does not let it go.
	defined $world->try_sql("SELECT chaos.drop_slot('$reader->{name}')")
	  or return 0;
	return 1 unless $again;
	$reader->{recreated} = 1;
	$world->new_slot($reader->{name});
	return 1;
}

# One more segment of WAL, unless another slot, or the oracle's, is more than so
# many bytes behind; whether it could be made.
sub switch_wal
{
	my ($world, $name, $bytes) = @_;
	my $made = $world->try_sql("SELECT pg_switch_wal() WHERE NOT EXISTS (
		SELECT FROM pg_replication_slots WHERE slot_name <> '$name'
		AND wal_status <> 'lost' AND pg_current_wal_lsn() - restart_lsn > $bytes)");

	# The slots of the others follow at checkpoints.
	$world->try_sql("SET statement_timeout = '10s'; CHECKPOINT");
	$world->check;
	return $made;
}

sub is_lost
{
	my ($world, $reader) = @_;

	return $world->try_sql("SELECT count(*) FROM pg_replication_slots
		WHERE slot_name = '$reader->{name}' AND wal_status = 'lost'");
}

# The slot of a stopped reader falls behind max_slot_wal_keep_size, the others go
# on.  (With its client alone stopped it would get itself another one.)  The
# walsender that has to let it go tells its reader, and the checkpoint waits: for
# as long as the reader is stopped, if its socket is full.
sub lose
{
	my ($world, $reader) = @_;
	my @pids = ($reader->pid, $reader->client_pids);
	my $until = time + 40;
	my $lost = 0;

	return 0 if $reader->is_fenced;
	# Who is cut off would be lost as well.
	$world->do_due('inf');
	sleep 0.1 while time < $until && !switch_wal($world, $reader->{name}, 64 << 20);
	return 0 if time >= $until;
	kill 'STOP', @pids;
	$world->try_sql("ALTER SYSTEM SET max_slot_wal_keep_size = '160MB'");
	$world->{node}->reload;
	while (time < $until && !$lost)
	{
		switch_wal($world, $reader->{name}, 96 << 20);
		$lost = is_lost($world, $reader);
	}
	kill 'CONT', @pids;
	sleep 0.1 while time < $until + 20 && !($lost ||= is_lost($world, $reader));
	$world->try_sql('ALTER SYSTEM RESET max_slot_wal_keep_size');
	$world->{node}->reload;
	return $lost ? 1 : 0;
}

sub ddl
{
	my ($world, $reader, $number) = @_;
	my $seed = int 1e6 * $number;
	my $random = sub { return ($seed = ($seed * 1103515245 + 12345) % 2**31) / 2**31; };

	$world->aside(ChaosDdl::script(40, $random, 1 .. 3));
	return 1;
}

# The largest transaction of a kind comes once, smaller ones whenever it is their
# turn again.
sub size
{
	my ($world, $reader, $number, $name) = @_;
	my $largest = $world->{big};

	return $world->{had}{$name}++ && $largest > 50000 ? 50000 : $largest;
}

sub special
{
	my ($world, $kind, $n) = @_;

	$world->aside("CALL chaos.one(9, '$kind', $n)");
	return 1;
}

1;
