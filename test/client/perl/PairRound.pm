# A round of test/plugin/random, whose WAL is read from a slot of each plugin.
#
# Its regime says when tables and types are made and altered: "still": before
# the slots are there; "followed": while the client reads, and has read all that
# came before; "lagging": long before it reads.
package PairRound;

use strict;
use warnings;

use parent 'RandomRound';

use EtfPair;
use RandomCatalog;
use RandomSession;

sub new
{
	my ($class, $etf, $template, $seed, $steps, $regime) = @_;
	my $self = RandomRound::new($class, $etf, undef, $template, $seed, $steps);

	$self->{db} = "${regime}_$seed";
	$self->{regime} = $regime;
	return $self;
}

sub follows { return $_[0]->{regime} eq 'followed'; }

# Three sessions; one in all three places, where there is to be no other.
sub prepare
{
	my ($self) = @_;
	my ($etf, $db) = @{$self}{qw(etf db)};

	$etf->sql("CREATE DATABASE $db TEMPLATE $self->{template}");
	$etf->sql("CREATE SCHEMA s$_", $db) for 1 .. 3;
	$self->{all} =
	  [ map { RandomSession->new($etf, $db) } $self->follows ? 1 : 1 .. 3 ];
	$self->{sessions} = [ (@{ $self->{all} }) x 3 ];
	$self->{catalog} = RandomCatalog->new($self->{sessions}[0]);
	$self->begin if $self->{regime} eq 'still';
	$self->{pair} = EtfPair->new($etf, $db);
	return;
}

# Columns that pgoutput has otherwise, see docs/types.md, are left out.
sub statement
{
	my ($self, $session, $sql, $definition) = @_;

	return 0 if $definition && $sql =~ /\breg(?:class|type)\b/;
	$sql =~ s/ GENERATED ALWAYS AS .*? STORED//g;
	$self->{pair}->settle if $definition && $self->{pair}{run};
	$self->{partitioned}{ $_->{oid} } = 1
	  for grep { $_->{kind} eq 'p' } @{ $session->{tables} // [] };
	return $self->SUPER::statement($session, $sql, $definition);
}

# What is not committed has not been read, either.
sub work
{
	my ($self, $session) = @_;
	local $self->{share} = 0 if $self->follows && $session->{open};

	return $self->SUPER::work($session);
}

sub run
{
	my ($self, @options) = @_;

	$self->{pair}->live(@options) or die 'the client does not read'
	  if $self->follows;
	$self->begin if $self->{regime} ne 'still';
	$self->{share} = $self->{regime} eq 'still' ? 0 : 0.1 + rand 0.3;
	$self->step for 1 .. $self->{steps};
	for my $session (@{ $self->{all} })
	{
		$self->commit($session) if $session->{open};
		$session->stop;
	}
	return;
}

# The frames of both.
sub frames
{
	my ($self, @options) = @_;
	my $pair = $self->{pair};

	return map { $pair->frames($_, @options) } qw(ours theirs)
	  if !$self->follows;
	my $theirs = $pair->finish;

	return ($pair->frames('ours', @options), $theirs);
}

sub clean
{
	my ($self) = @_;

	$self->{pair}->drop;
	$self->{etf}->sql("DROP DATABASE $self->{db}");
	return;
}

1;
