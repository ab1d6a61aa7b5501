# One slot's WAL, decoded whole and while transactions are in progress, which
# has to come to the same.
#
#	my $streams = EtfStreams->new($etf, 's');
#	$etf->sql('BEGIN; ...');
#	my $lines = $streams->alike('contract');
#
# What is read once is not read again: the slot moves on.
package EtfStreams;

use strict;
use warnings;

use EtfOracle;
use EtfTest;
use Test::More;

# Where the server can send every change at once.
my %immediate = (
	16 => 'logical_replication_mode', 17 => 'debug_logical_replication_streaming');

# Its setting, or nothing.
sub immediate
{
	my ($etf) = @_;

	return $immediate{ $etf->version > 17 ? 17 : $etf->version };
}

sub new
{
	my ($class, $etf, $slot) = @_;
	my $setting = immediate($etf);

	$etf->slot($slot);
	return bless { etf => $etf, slot => $slot, setting => $setting }, $class;
}

sub can_be_immediate { return defined $_[0]->{setting}; }

# A file of all that came since the slot moved, by a copy of it.
sub read_copy
{
	my ($self, %option) = @_;
	my $etf = $self->{etf};
	my $mode = delete $option{immediate};
	local $ENV{PGOPTIONS} = $mode ? "-c $self->{setting}=immediate" : '';

	$etf->sql("SELECT pg_copy_logical_replication_slot('$self->{slot}', 'copy')");
	my $file = $etf->recv('copy', undef, %option);
	$etf->drop_slot('copy');
	return $file;
}

sub move_on
{
	my ($self) = @_;

	$self->{etf}->sql("SELECT pg_replication_slot_advance('$self->{slot}',
		pg_current_wal_flush_lsn())");
	return;
}

sub compare
{
	my ($self, $name, $whole, $file, %option) = @_;
	my ($count, $error) = $self->{etf}->oracle->try('alike_whole',
		EtfOracle::quote($whole), EtfOracle::quote($file),
		EtfTest::checks(%option));

	is($error, undef, "$name: the same transactions");
	return;
}

# Returns the file of what was streamed.
sub same
{
	my ($self, $name, %option) = @_;
	my $whole = $self->read_copy(%option);
	my %streaming = (%option, streaming => 'on');
	my $streamed = $self->read_copy(%streaming);

	$self->compare($name, $whole, $streamed, %option);
	$self->compare("$name, at once", $whole,
		$self->read_copy(%streaming, immediate => 1), %option)
	  if $self->can_be_immediate;
	return $streamed;
}

# Returns the lines of what was streamed.
sub alike
{
	my ($self, $name, %option) = @_;
	my $streamed = $self->same($name, %option);

	$self->move_on;
	return $self->{etf}->show($streamed, %option);
}

1;
