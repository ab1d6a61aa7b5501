# A server with writers and readers, and a judge who is told what happens.
# What concerns the server and who writes to it is in ChaosServer.
#
#	my $world = ChaosWorld->new(seed => 1, readers => { c1 => 'otp' });
#	$world->write($_) for 1 .. 3;
#	$world->turn while ...;
#	$world->settle(60);
package ChaosWorld;

use strict;
use warnings;

use ChaosJudge;
use ChaosReader;
use EtfTest;
use FindBin;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

use parent qw(ChaosServer);

my $conf = <<'CONF';
restart_after_crash = on
wal_sender_timeout = 10s
max_wal_size = 1GB
checkpoint_timeout = 1min
autovacuum = on
shared_buffers = 64MB
max_connections = 60
log_min_messages = warning
logical_decoding_work_mem = 4MB
CONF

# seed, readers (name => kind), keep for the judge, direct: without proxies,
# patch: further parameters of a reader.
sub new
{
	my ($class, %param) = @_;
	my $etf = EtfTest->new('chaos', conf => $conf . ($param{conf} // ''));
	my $self = bless {
		etf => $etf, node => $etf->node, writers => {}, told => [],
		dir => PostgreSQL::Test::Utils::tempdir(), checked => time,
		seed => $param{seed} // 0, behind => $param{behind} // 16 << 20,
		judge => ChaosJudge->new($param{keep} ? 'keep' : ()), %param
	}, $class;

	$self->{node}->safe_psql('postgres', slurp_file("$FindBin::Bin/../chaos.sql"));
	$self->sql('SELECT chaos.add_writer(w) FROM generate_series(1, 9) w');
	# What readers of the server's own plugin need, before their slots.
	$self->sql('CREATE PUBLICATION readers FOR ALL TABLES') if $ENV{PG_ETF_PLUGIN};
	$self->sql("SELECT pg_create_logical_replication_slot('oracle', 'pgoutput')");
	$self->add_slot($_, $param{readers}{$_}) for sort keys %{ $param{readers} };
	return $self;
}

sub readers { return map { $_[0]->{reader}{$_} } sort keys %{ $_[0]->{reader} }; }

# The reader of a slot, or several: "fenced:3".
sub add_slot
{
	my ($self, $slot, $what) = @_;
	my ($kind, $count) = split /:/, $what;
	my @names = $count ? map { $slot . chr(96 + $_) } 1 .. $count : ($slot);
	my @readers = map { $self->new_reader($_, $slot, $kind) } @names;
	my $lsn = $self->new_slot($slot) // die "no slot $slot";

	$self->{judge}->ask('consumer', $slot, $readers[0]->rules, $readers[0]->history);
	$self->{judge}->event($slot, 'life', 'new', $lsn);
	$self->make_sink($slot, $lsn) if $kind eq 'fenced';
	$_->start($lsn) for @readers;
	return;
}

sub new_reader
{
	my ($self, $name, $slot, $kind) = @_;

	return $self->{reader}{$name} = ChaosReader->new(
		name => $name, slot => $slot, kind => $kind, dir => $self->{dir},
		socket => $self->socket_path, database => 'postgres',
		direct => $self->{direct}, %{ $self->{patch}{$slot} // {} });
}

# Where several readers of a slot write, and in which order they did.
sub make_sink
{
	my ($self, $slot, $lsn) = @_;

	$self->sql('CREATE DATABASE sink');
	$self->{node}->safe_psql('sink', <<"SQL");
CREATE TABLE pg_etf_positions (slot varchar(63) PRIMARY KEY, lsn bigint, next_index bigint);
INSERT INTO pg_etf_positions SELECT '$slot', pg_lsn '$lsn' - pg_lsn '0/0', 0;
CREATE TABLE effect (id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), event text);
SQL
	$self->{sink} = { slot => $slot, read => 0 };
	return;
}

# What was done there since the last time.
sub read_sink
{
	my ($self) = @_;
	my $sink = $self->{sink} // return 1;
	my $file = "$self->{dir}/effects";
	my ($out, $status) = ('');

	eval {
		$status = $self->{node}->psql('sink', <<"SQL", stdout => \$out);
BEGIN ISOLATION LEVEL REPEATABLE READ;
\\copy (SELECT (extract(epoch FROM at) * 1000000)::bigint || '|' || event FROM effect WHERE id > $sink->{read} ORDER BY id) TO '$file'
SELECT coalesce(max(id), 0) FROM effect;
COMMIT
SQL
	};
	return 0 if ($status // 1) != 0;
	$self->{judge}->ask('effects', $sink->{slot}, $file);
	$sink->{read} = $out;
	return 1;
}

# Where it begins.
sub new_slot
{
	my ($self, $name) = @_;
	my $plugin = $ENV{PG_ETF_PLUGIN} // 'pg_etf_decoding';

	return $self->try_sql(<<"SQL");
SET statement_timeout = '60s';
SELECT chaos.drop_slot(slot_name) FROM pg_replication_slots
	WHERE slot_name = '$name' \\g /dev/null
SELECT pg_create_logical_replication_slot('$name', '$plugin') \\g /dev/null
SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '$name'
SQL
}

# Writers end with the server; readers end by faults, or because they are told.
sub revive
{
	my ($self) = @_;

	$self->revive_writers;
	for my $reader ($self->readers)
	{
		my $status = $reader->ended // next;

		$reader->is_fenced ? $self->restart_fenced($reader, $status)
		  : $status == 3 ? $self->begin_epoch($reader)
		  : $self->restart_reader($reader);
	}
	return;
}

sub restart_reader
{
	my ($self, $reader) = @_;

	$self->{judge}->event($reader->{name}, 'life', 'same');
	$reader->start;
	return;
}

# It waits for the slot, or goes on with it: what it was told, and an end by
# itself, are without a reason.
sub restart_fenced
{
	my ($self, $reader, $status) = @_;

	push @{ $self->{unfounded} }, "$reader->{name} ended with status $status"
	  if $status == 3 || $status == 4;
	$reader->start;
	return;
}

# It has been told that the stream cannot go on, so somebody looks after it:
# there must have been a reason.
sub begin_epoch
{
	my ($self, $reader) = @_;
	my $name = $reader->{name};
	my $healthy = $self->try_sql("SELECT count(*) FROM pg_replication_slots
		WHERE slot_name = '$name' AND wal_status <> 'lost'") // return;
	my $lsn = $self->new_slot($name) // return;

	push @{ $self->{unfounded} }, "$name was told of an end without a reason"
	  if $healthy && !$reader->{recreated};
	$reader->{recreated} = 0;
	$self->{judge}->event($name, 'life', 'new', $lsn);
	$reader->start($lsn);
	return;
}

## Watching

# What the server has confirmed, for the judge.
sub observe
{
	my ($self) = @_;
	my $list = $self->try_sql(q{SELECT slot_name, confirmed_flush_lsn
		FROM pg_replication_slots WHERE slot_name LIKE 'c%'
		AND confirmed_flush_lsn IS NOT NULL}) // return;

	for my $line (split /\n/, $list)
	{
		my ($name, $lsn) = split /\|/, $line;
		my ($reader) = grep { $_->slot eq $name } $self->readers;

		# A slot made anew belongs to the epoch that is not begun yet.
		next if !$reader || $reader->{recreated}
		  || (defined $reader->ended && !$reader->is_fenced);
		$self->{judge}->event($name, 'confirmed', $lsn);
	}
	return;
}

# Judge what has happened up to now; whether the oracle could be asked.
sub check
{
	my ($self) = @_;
	my $file = "$self->{dir}/oracle";

	$self->read_sink or return 0;
	$self->{judge}->ask('cut');
	my $status = $self->try_sql(<<"SQL") // return 0;
\\copy (SELECT encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes('oracle', NULL, NULL, 'proto_version', '1', 'publication_names', 'ledger')) TO '$file'
SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'oracle'
SQL
	die 'the slot of the oracle is lost' if $status eq 'lost';
	$self->{judge}->ask('oracle', $file);
	$self->forget_oracle($file);
	$self->{report} = [ $self->{judge}->ask('check') ];
	$self->{checked} = time;
	return 1;
}

# The oracle's slot follows what has been read, to the end of the last commit.
sub forget_oracle
{
	my ($self, $file) = @_;
	my $last;

	open my $lines, '<', $file or die "$file: $!";
	while (my $line = <$lines>) { $last = $line if $line =~ /^43/; }
	close $lines or die "$file: $!";
	return unless defined $last;
	my ($high, $low) = $last =~ /^43..[0-9a-f]{16}([0-9a-f]{8})([0-9a-f]{8})/;

	$self->try_sql(
		"SELECT pg_replication_slot_advance('oracle', '$high/$low')");
	return;
}

sub found { return grep { / FOUND / } @{ $_[0]->{report} // [] }; }

# Readers whose client has counted otherwise than what has come.
sub accounts
{
	my ($self) = @_;

	return map { "$_ and its client count differently" } grep {
		my $out = "$self->{dir}/$_.out";
		-e $out && slurp_file($out) =~ /pg_etf_client (has sent|may send)/;
	} sort keys %{ $self->{reader} };
}

# How many transactions a reader has not handled yet.
sub open_transactions
{
	my ($self, $name) = @_;
	my ($line) = grep { /^$name: / } @{ $self->{report} };

	return $line =~ / (\d+) open/ ? $1 : die "no report of $name";
}

# Something that is due in so many seconds.
sub after
{
	my ($self, $seconds, $what) = @_;

	$self->{later} = [ sort { $a->[0] <=> $b->[0] } @{ $self->{later} // [] },
		[ time + $seconds, $what ] ];
	return;
}

sub do_due
{
	my ($self, $until) = @_;

	while (@{ $self->{later} // [] } && $self->{later}[0][0] <= $until)
	{
		(shift @{ $self->{later} })->[1]->();
	}
	return;
}

# One step of the world's course.
sub turn
{
	my ($self) = @_;

	$self->do_due(time);
	$self->revive;
	$self->observe;
	$self->check if time > $self->{checked} + ($self->{check_every} // 3);
	sleep 0.2;
	return;
}

# Nothing is written any more: all readers get to the end within so many
# seconds.
sub settle
{
	my ($self, $seconds) = @_;
	my $until = time + $seconds;

	$self->do_due('inf');
	$self->stop_writers;
	do
	{
		$self->revive;
		$self->observe;
		sleep 0.3;
	} while (!($self->check && $self->all_handled) && time < $until);
	return $self->all_handled;
}

sub all_handled
{
	my ($self) = @_;

	return !grep { $self->open_transactions($_->slot) } $self->readers;
}

# Clean ends, then the verdict; returns the report.
sub finish
{
	my ($self) = @_;

	$_->stop(20) for $self->readers;
	$self->observe;
	$self->check;
	return $self->{report} = [ $self->{judge}->ask('finish') ];
}

1;
