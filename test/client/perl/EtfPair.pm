# Two slots on one WAL, one of each plugin, and what the client prints of them.
#
#	my $pair = EtfPair->new($etf);	# publication "everything", both slots
#	$etf->sql(...);
#	$pair->same('name', 'rows=tuple');
package EtfPair;

use strict;
use warnings;

use EtfCommand;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

sub new
{
	my ($class, $etf, $db) = @_;
	my $self = bless { etf => $etf, db => $db // 'postgres' }, $class;

	$etf->sql('CREATE PUBLICATION everything FOR ALL TABLES', $db)
	  if !$etf->sql('SELECT 1 FROM pg_publication', $db);
	$etf->sql('CREATE TABLE IF NOT EXISTS etf_marks (mark text)', $db) if $etf->version < 14;
	$etf->sql("SELECT pg_create_logical_replication_slot('ours', 'pg_etf_decoding'),
		pg_create_logical_replication_slot('theirs', 'pgoutput')", $db);
	return $self;
}

sub drop
{
	my ($self) = @_;

	for my $slot (qw(ours theirs))
	{
		$self->{etf}->wait_until_idle($slot);
		$self->{etf}->drop_slot($slot, $self->{db});
	}
	return;
}

sub command
{
	my ($self, $slot, @options) = @_;

	return (
		$ENV{ETF_CLIENT}, '--dbname', $self->{etf}->node->connstr($self->{db}),
		'--slot', $slot, '--print=erlang',
		(map { ref $_ ? map { ('-o', $_) } split / /, $$_ : $_ } @options),
		$slot eq 'theirs' ? ('-o', 'publication_names=everything') : ());
}

# What a slot has up to now, as one line for a frame.  Options of the plugin
# come as a reference to "name=value name=value".
sub frames
{
	my ($self, $slot, @options) = @_;
	my ($status, $out, $err) =
	  EtfCommand::run($self->command($slot, '--peek', '--endpos',
			$self->{etf}->end_of_wal, @options));

	is($status, 0, "$slot is read") or diag $err;
	return [ split /\n/, $out ];
}

# The place of the difference is what matters, not all else.
sub equal
{
	my ($name, $ours, $theirs) = @_;

	cmp_ok(scalar @$ours, '>', 0, "$name: there are frames");
	is(scalar @$theirs, scalar @$ours, "$name: as many frames");
	for my $i (0 .. $#$ours)
	{
		my ($one, $other) = ($ours->[$i], $theirs->[$i] // '');
		next if $one eq $other;

		my $from = 0;
		$from++ while substr($one, 0, $from + 1) eq substr $other, 0, $from + 1;
		$from = $from > 60 ? $from - 60 : 0;
		fail("$name: frame $i");
		diag length $_ > $from ? substr $_, $from, 160 : 'shorter'
		  for $one, $other;
		return;
	}
	return pass("$name: the same frames");
}

sub same
{
	my ($self, $name, @options) = @_;

	return equal($name, map { $self->frames($_, @options) } qw(ours theirs));
}

# Read the slot of pgoutput while things happen.
sub live
{
	my ($self, @options) = @_;
	my %run = (out => '', err => '');

	$run{handle} = IPC::Run::start(
		[ $self->command('theirs', '-v', @options) ],
		'<', \undef, '>', \$run{out}, '2>', \$run{err});
	$self->{run} = \%run;
	return $self->wait_for(err => qr/read with pgoutput/);
}

sub wait_for
{
	my ($self, $stream, $pattern, $times) = @_;
	my $run = $self->{run};
	my $until = time + 60;

	while (time < $until)
	{
		$run->{handle}->pump_nb;
		return 1 if (() = $run->{$stream} =~ /$pattern/g) >= ($times // 1);
		sleep 0.02;
	}
	diag "no $pattern in: ", substr $run->{$stream}, -2000;
	return 0;
}

# Something that both slots tell, and its text once: before 14 pgoutput has no
# messages.
sub mark
{
	my ($self, $text) = @_;
	my $etf = $self->{etf};

	$etf->sql($etf->version < 14 ? "INSERT INTO etf_marks VALUES ('$text')" :
		  "SELECT pg_logical_emit_message(true, '$text', '')", $self->{db});
	return $self->wait_for(out => qr/<<"$text">>/, ++$self->{run}{marks}{$text});
}

# Everything up to now is read.
sub settle { return $_[0]->mark('settled'); }

# All that was read, as frames() has it; up to now, if it goes on.
sub finish
{
	my ($self) = @_;
	my $run = $self->{run};

	ok($self->settle, 'all is read');
	$run->{handle}->signal('TERM');
	$run->{handle}->finish;
	return [ split /\n/, $run->{out} ];
}

sub same_live
{
	my ($self, $name, @options) = @_;
	my $theirs = $self->finish;

	equal($name, $self->frames('ours', @options), $theirs);
	return $self->{run}{err};
}

1;
