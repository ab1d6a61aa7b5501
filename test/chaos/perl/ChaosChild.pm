# A program that is talked to: lines to its stdin, what it says in a file.
package ChaosChild;

use strict;
use warnings;

use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

# Lines of the program go to a file, or come back when that is undef.
sub start
{
	my ($class, $file, @command) = @_;
	my $self = bless {}, $class;

	pipe(my $in, $self->{to}) or die "pipe: $!";
	pipe($self->{from}, my $out) or die "pipe: $!";
	$self->{to}->autoflush;
	$self->{pid} = fork // die "fork: $!";
	if ($self->{pid} == 0)
	{
		open STDIN, '<&', $in or die "stdin: $!";
		if (defined $file) { open STDOUT, '>>', $file or die "$file: $!"; }
		else { open STDOUT, '>&', $out or die "stdout: $!"; }
		open STDERR, '>&', \*STDOUT if defined $file;
		close $self->{$_} for qw(to from);
		exec @command or die "$command[0]: $!";
	}
	return $self;
}

sub pid { return $_[0]->{pid}; }

sub say
{
	my ($self, $line) = @_;

	local $SIG{PIPE} = 'IGNORE';
	print { $self->{to} } "$line\n";
	return;
}

sub line
{
	my ($self) = @_;
	my $line = readline($self->{from}) // die 'the program has gone';

	chomp $line;
	return $line;
}

# Whether it has ended; then {status} is its exit status, or 128 + signal.
sub ended
{
	my ($self) = @_;

	return 1 if defined $self->{status};
	return 0 if waitpid($self->{pid}, WNOHANG) == 0;
	$self->{status} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return 1;
}

sub signal
{
	my ($self, $signal) = @_;

	kill $signal, $self->{pid} unless $self->ended;
	return;
}

# Ends by itself in so many seconds, or is killed.
sub finish
{
	my ($self, $seconds) = @_;
	my $until = time + $seconds;

	close $self->{to};
	sleep 0.05 while !$self->ended && time < $until;
	return 1 if $self->ended;
	$self->signal('KILL');
	sleep 0.01 until $self->ended;
	return 0;
}

1;
