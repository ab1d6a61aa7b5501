# The checker of histories, in a BEAM of its own: see chaos_judge.erl.
package ChaosJudge;

use strict;
use warnings;

use ChaosChild;
use Time::HiRes qw(time);

sub new
{
	my ($class, @extra) = @_;

	return bless {
		child => ChaosChild->start(undef, 'erl', '-noshell', '-pa',
			$ENV{ETF_CHAOS}, '-s', 'chaos_judge', 'main', '-extra', @extra)
	}, $class;
}

# The answer to a command, line by line.
sub ask
{
	my ($self, @words) = @_;
	my @lines;

	$self->{child}->say(join ' ', @words);
	for (;;)
	{
		my $line = $self->{child}->line;

		return @lines if $line eq '.';
		push @lines, $line;
	}
}

# Something that happened now to a reader.
sub event
{
	my ($self, $reader, @event) = @_;

	$self->ask('event', $reader, sprintf('%d', time * 1e6), @event);
	return;
}

sub pid { return $_[0]->{child}->pid; }

sub stop
{
	my ($self) = @_;

	return $self->{child}->finish(10);
}

1;
