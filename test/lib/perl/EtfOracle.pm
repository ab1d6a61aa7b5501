# A running BEAM (test/lib/beam/oracle.erl) that reads and judges frames.
package EtfOracle;

use strict;
use warnings;

use IPC::Open2;
use PostgreSQL::Test::Utils ();
use Test::More ();

sub new
{
	my ($class, $dir) = @_;
	my $self = bless { answer => "$dir/answer" }, $class;
	local $ENV{ERL_CRASH_DUMP} = "$dir/erl_crash.dump";

	$self->{pid} = open2(
		$self->{from}, $self->{to},
		'erl', '-noshell', '-pa', $ENV{ETF_BEAM}, '-s', 'oracle', 'main');
	return $self;
}

# A Perl value as an Erlang term: hash as map with atom keys, array as list,
# "quoted" as string, anything else as it is.
sub term
{
	my ($value) = @_;

	return '#{' . join(',', map { "$_ => " . term($value->{$_}) }
		  sort keys %$value) . '}'
	  if ref $value eq 'HASH';
	return '[' . join(',', map { term($_) } @$value) . ']'
	  if ref $value eq 'ARRAY';
	return $value;
}

sub quote
{
	my ($text) = @_;

	$text =~ s/(["\\])/\\$1/g;
	return "\"$text\"";
}

# Returns (answer, undef) or (undef, error).
sub try
{
	my ($self, $name, @args) = @_;
	my $line;

	print { $self->{to} } '{'
	  . join(', ', $name, (map { term($_) } @args), quote($self->{answer}))
	  . "}.\n";
	$self->{to}->flush;
	$line = readline($self->{from});
	die "the BEAM has gone" if !defined $line;
	chomp $line;
	return (undef, $line) if $line ne 'ok';
	return (PostgreSQL::Test::Utils::slurp_file($self->{answer}), undef);
}

sub ask
{
	my ($self, @command) = @_;
	my ($answer, $error) = $self->try(@command);

	Test::More::diag($error) if defined $error;
	die "the BEAM refuses: $command[0]" if defined $error;
	return $answer;
}

sub stop
{
	my ($self) = @_;

	close $self->{to};
	waitpid $self->{pid}, 0;
	return;
}

1;
