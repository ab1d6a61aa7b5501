# One psql that is talked to a statement at a time.  All sessions of a round
# are driven by one program, so a statement that waits for a lock waits for
# nothing: lock_timeout ends it, the same way whenever the seed is the same.
package RandomSession;

use strict;
use warnings;

use IPC::Open2;

my $settings = <<'SQL';
SET search_path = '';
SET client_min_messages = error;
SET lock_timeout = '20ms';
SET statement_timeout = '30s';
SET timezone = 'UTC';
SQL

sub new
{
	my ($class, $etf, $db) = @_;
	my $self = bless {
		open => 0, savepoints => [], seen => -1
	}, $class;

	local $ENV{PGCLIENTENCODING} = 'UTF8';
	$self->{pid} = open2(
		$self->{from}, $self->{to}, 'sh', '-c', 'exec "$@" 2>&1', 'psql',
		'psql', '-XqAt', '-d', $etf->node->connstr($db));
	$self->run($settings);
	return $self;
}

# Returns (SQLSTATE, lines of output); 00000 is success.
sub run
{
	my ($self, $sql) = @_;
	my @lines;

	local $SIG{ALRM} = sub { die "no answer to: $sql" };
	alarm 60;
	print { $self->{to} } "$sql\n\\echo :SQLSTATE =end=\n";
	$self->{to}->flush;
	for (;;)
	{
		my $line = readline($self->{from}) // die "psql has gone after: $sql";

		chomp $line;
		if ($line =~ /^(\w{5}) =end=$/)
		{
			alarm 0;
			return ($1, @lines);
		}
		push @lines, $line;
	}
}

sub stop
{
	my ($self) = @_;

	close $self->{to};
	waitpid $self->{pid}, 0;
	return;
}

1;
