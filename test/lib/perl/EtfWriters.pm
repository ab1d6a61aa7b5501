# Tables, and those who write to them while they are read.
#
#	my $writers = EtfWriters->new($etf, big => 40000, wide => 500, small => 300);
#	$writers->start(clients => 2, rate => 60);
#	$writers->stop;
#
# "big" is of more than one range, for 9000 rows at least, and its changes carry
# whole rows; those of "wide" leave large values out; "small" has FULL.  One of so many
# transactions as "truncate" says empties "small", and fills it again.  With
# "every" only each so manieth row of "big" stays, but is large: ranges of few
# rows and many bytes.
package EtfWriters;

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep);

# A row of "big" fills a page, as far as fillfactor goes.
my $tables = <<'SQL';
	CREATE TABLE big (id int PRIMARY KEY, v text, w int) WITH (fillfactor = 10);
	ALTER TABLE big ALTER v SET STORAGE PLAIN;
	INSERT INTO big SELECT i, repeat('b', 400), 0 FROM generate_series(1, %big%) i;
	CREATE TABLE wide (id int PRIMARY KEY, v text, w int) WITH (fillfactor = 10);
	ALTER TABLE wide ALTER v SET STORAGE EXTERNAL;
	INSERT INTO wide SELECT i, repeat(i::text, 2000), 0 FROM generate_series(1, %wide%) i;
	CREATE TABLE small (id int PRIMARY KEY, v text, w int);
	ALTER TABLE small REPLICA IDENTITY FULL;
	INSERT INTO small SELECT i, i::text, 0 FROM generate_series(1, %small%) i;
	CREATE SEQUENCE ids START 100000;
	DELETE FROM big WHERE id % %every% <> 0;
	UPDATE big SET v = repeat('b', 2000) WHERE %every% > 1;
	ANALYZE;
	CHECKPOINT
SQL

my $script = <<'SQL';
\set i random(1, :big)
\set j random(1, :wide)
\set k random(1, :small)
\set op random(1, 10)
BEGIN;
UPDATE big SET w = w + 1 WHERE id = :i;
UPDATE wide SET w = w + 1 WHERE id = :j;
\if :op < 4
INSERT INTO small VALUES (nextval('ids'), 'new', 1);
INSERT INTO big VALUES (nextval('ids'), 'new', 1);
\elif :op = 4
DELETE FROM small WHERE id = :k;
UPDATE wide SET id = nextval('ids') WHERE id = :j;
UPDATE big SET id = nextval('ids') WHERE id = :i;
\elif :op = 5
SAVEPOINT a;
DELETE FROM wide WHERE id = :j;
ROLLBACK TO a;
\elif :op = 6
UPDATE wide SET v = repeat('n', 30000) WHERE id = :j;
\endif
COMMIT;
SQL

my $truncate = <<'SQL';
BEGIN;
TRUNCATE small;
INSERT INTO small SELECT i, 'again', 0 FROM generate_series(1, :small) i;
COMMIT;
SQL

sub new
{
	my ($class, $etf, %rows) = @_;
	my $often = delete $rows{truncate};
	my $self = bless {
		scripts => [ '-f', $etf->write_text("$etf->{dir}/writer.sql", $script) . '@' . ($often // 1) ],
		command => [ 'pgbench', '-n', $etf->node->connstr('postgres') ]
	}, $class;

	$rows{every} //= 1;
	push @{ $self->{scripts} }, '-f', $etf->write_text("$etf->{dir}/truncate.sql", $truncate) if $often;
	$etf->sql($tables =~ s/%(\w+)%/$rows{$1}/gr);
	push @{ $self->{command} }, '-D', "$_=$rows{$_}" for qw(big wide small);
	return $self;
}

sub tables { return qw(big wide small); }

# "count" transactions of each of the "clients"; or "rate" a second of all, until
# they are stopped, and again when the server was away.
sub start
{
	my ($self, %how) = @_;
	my @command = (
		@{ $self->{command} }, '-c', $how{clients}, @{ $self->{scripts} },
		$how{rate} ? ('-R', $how{rate}, '-T', 3600) : ('-t', $how{count}));

	$self->{pid} = fork() // die "fork: $!";
	return if $self->{pid} > 0;
	open STDOUT, '>', '/dev/null';
	open STDERR, '>&', \*STDOUT;
	POSIX::_exit(write_rows(\@command, $how{rate}));
}

sub write_rows
{
	my ($command, $again) = @_;
	my $pid;

	local $SIG{TERM} = sub { kill INT => $pid if $pid; waitpid $pid, 0 if $pid; POSIX::_exit(0) };
	do
	{
		$pid = fork() // return 1;
		exec { $command->[0] } @$command or POSIX::_exit(127) if $pid == 0;
		waitpid $pid, 0;
		$pid = 0;
		sleep 0.1 if $again;
	} while ($again);
	return 0;
}

sub finish
{
	my ($self) = @_;

	waitpid delete $self->{pid}, 0 if $self->{pid};
	return;
}

sub stop
{
	my ($self) = @_;

	kill TERM => $self->{pid} if $self->{pid};
	$self->finish;
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!);

	$self->stop;
	return;
}

1;
