# Random transactions of several sessions, with savepoints in savepoints, some
# rolled back, some prepared: what was streamed comes to the same as what is
# sent at the commit, whether it is decoded meanwhile or later.
use strict;
use warnings;

use EtfRandom;
use EtfLive;
use EtfSession;
use EtfStreams;
use EtfTest;
use EtfTypes;
use List::Util 'shuffle';
use Test::More;

my $seed = $ENV{PG_ETF_SEED} // int rand 2**31;
my $transactions = $ENV{PG_ETF_FULL} ? 200 : 25;
my $etf = EtfTest->new('streaming_random',
	conf => "logical_decoding_work_mem = 64kB\nmax_replication_slots = 20");

if ($etf->version < 14)
{
	$etf->stop;
	plan skip_all => 'streaming is since PostgreSQL 14';
}

diag "PG_ETF_SEED=$seed";
srand $seed;
EtfTypes::setup($etf);

my $families = EtfTypes::families($etf);
my $names = 0;

# A session with tables of its own.
sub start_session
{
	my ($family) = @_;
	my $table = EtfRandom->new($family, $families->{$family});
	my $bulk = "bulk_$family";

	$etf->run_text($table->create . "CREATE TABLE $bulk (a int, v text);");
	return { table => $table, bulk => $bulk, script => [],
		session => EtfSession->new($etf) };
}

sub bulk
{
	my ($self) = @_;

	return sprintf "INSERT INTO %s SELECT i, repeat(md5(i::text), %d)
		FROM generate_series(1, %d) i;", $self->{bulk}, 1 + int rand 30, 1 + int rand 150;
}

sub definition
{
	my ($self) = @_;
	my $column = 'c' . int rand 3;

	return "ALTER TABLE $self->{bulk} "
	  . (rand() < 0.5 ? "ADD COLUMN IF NOT EXISTS $column text DEFAULT 'd';"
		: "DROP COLUMN IF EXISTS $column;");
}

# Never right before a savepoint that is rolled back: the server may take the
# message to be behind its first row, and lose both.
sub message
{
	my ($self) = @_;

	return sprintf "SELECT pg_logical_emit_message(true, 'm', repeat('x', %d)),
		pg_logical_emit_message(false, 'gap', '');", int rand 3000;
}

sub savepoint
{
	my ($self, $depth) = @_;
	my $name = 's' . ++$names;
	my @ids = @{ $self->{table}{ids} };
	my @sql = ("SAVEPOINT $name;", block($self, $depth + 1));
	my $dice = rand;

	return (@sql, "RELEASE $name;") if $dice < 0.4;
	return @sql if $dice < 0.5;
	$self->{table}{ids} = \@ids;
	return (@sql, "ROLLBACK TO $name;", $dice < 0.75 ? "RELEASE $name;" : ());
}

sub block
{
	my ($self, $depth) = @_;

	return map {
		my $dice = rand;

		  $dice < 0.35 && $depth < 5 ? savepoint($self, $depth)
		  : $dice < 0.55 ? bulk($self)
		  : $dice < 0.65 ? message($self)
		  : $dice < 0.7 ? definition($self)
		  : map { $self->{table}->change } 1 .. 3
	} 1 .. 1 + int rand 5;
}

# Where some are rolled back, tables that are altered and truncated can be beyond
# what a server decodes before the end ("could not map filenode"), at the same
# place as with pgoutput: what is prepared; since 18 what is streamed, too.
my $prepared = 0;
my $alters = $etf->version < 18;

sub prepare
{
	my ($end, @sql) = @_;
	my $gid = 'g' . ++$names;

	return (@sql, "PREPARE TRANSACTION '$gid';", "$end PREPARED '$gid';");
}

sub transaction
{
	my ($self) = @_;
	my @ids = @{ $self->{table}{ids} };
	my @sql = ('BEGIN;', grep { $alters || !/^(?:ALTER|TRUNCATE)/ } block($self, 0));
	my $dice = rand;

	return (@sql, 'COMMIT;') if $dice < 0.5;
	return prepare('COMMIT', @sql) if $prepared && $dice < 0.65;
	$self->{table}{ids} = \@ids;
	return (@sql, 'ROLLBACK;') if !$prepared || $dice < 0.85;
	return prepare('ROLLBACK', @sql);
}

# A statement of any of them at a time.
sub run
{
	my (@sessions) = @_;
	my $left = $transactions * @sessions;

	while ($left > 0)
	{
		my $self = $sessions[ int rand @sessions ];

		$self->{script} = [ grep { $_ ne '' } transaction($self) ]
		  if !@{ $self->{script} };
		$self->{session}->sql(shift @{ $self->{script} });
		$left-- if !@{ $self->{script} };
	}
	for my $self (@sessions)
	{
		$self->{session}->sql($_) for @{ $self->{script} };
		$self->{session}->quit;
	}
	return;
}

my $streams = EtfStreams->new($etf, 's');

# Read while sessions over these tables run, and later.
sub compare
{
	my ($families, @forms) = @_;

	$etf->sql("SELECT pg_copy_logical_replication_slot('s', 'live$_')") for 0 .. $#forms;
	my @receivers =
	  map { EtfLive->new($etf, "live$_", streaming => 'on', %{ $forms[$_] }) } 0 .. $#forms;

	run(map { start_session($_) } @$families);
	for my $i (0 .. $#forms)
	{
		my %form = %{ $forms[$i] };
		my $name = join ' ', map { "$_=$form{$_}" } sort keys %form;
		my $live = $receivers[$i]->finish;

		$streams->same($name, %form);
		$streams->compare("$name, meanwhile", $streams->read_copy(%form), $live, %form);
		$etf->drop_slot("live$i");
	}
	$streams->move_on;
	return;
}

my @families = shuffle sort keys %$families;

compare([ @families[ 0 .. 2 ] ], { messages => 'on' },
	{ rows => 'tuple', dialect => 'compact', frame_bytes => 500 });

# Two-phase decoding begins where it is asked for, if a slot can be turned.
$prepared = 1;
$alters = 0;
compare([ @families[ 3 .. 4 ] ], { relations => 'frame' },
	$etf->version >= 15 ? { messages => 'on', two_phase => 'on', dialect => 'erlang' } : ());

$etf->stop;
done_testing();
