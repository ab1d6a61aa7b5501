# The mirror of truth: one slot's WAL, decoded by pgoutput and by our plugin,
# which have to tell the same changes.
#
#	my $truth = EtfTruth->new($etf, 's');
#	$etf->sql('INSERT ...');
#	$truth->agree('contract', publication_names => 'p');
#
# What is read once is not read again: the slot moves on.
package EtfTruth;

use strict;
use warnings;

use EtfOracle;
use EtfPgoutput;
use EtfTest;
use Test::More;

# Values as pgoutput has them.
my %as_text = (
	numeric => 'text', json => 'text', float4 => 'shortest', timetz => 'offset');

# Options that a version's pgoutput does not know are not given to it.
my %since = (streaming => 14, messages => 14, two_phase => 15, origin => 16);

sub new
{
	my ($class, $etf, $slot) = @_;

	$etf->slot($slot);
	return bless { etf => $etf, slot => $slot }, $class;
}

sub copy
{
	my ($self, $plugin) = @_;

	$self->{etf}->sql("SELECT pg_copy_logical_replication_slot(
		'$self->{slot}', 'truth', false, '$plugin')");
	return 'truth';
}

# Lines, or the error in their place.
sub pgoutput
{
	my ($self, %option) = @_;
	my $etf = $self->{etf};
	my $reader = EtfPgoutput->new;
	my %known = map { $_ => $option{$_} }
	  grep { $etf->version >= ($since{$_} // 13) } keys %option;
	my $slot = $self->copy('pgoutput');
	my ($status, $hex, $error) = $etf->node->psql('postgres',
		"SELECT encode(data, 'hex') FROM "
		  . EtfTest::slot_call('peek', $slot, proto_version => 1, %known));

	$etf->drop_slot($slot);
	return [ only_error($error) ] if $status;
	$reader->take(pack 'H*', $_) for split /\n/, $hex;
	return $reader->lines;
}

sub ours
{
	my ($self, %option) = @_;
	my $etf = $self->{etf};
	my $slot = $self->copy('pg_etf_decoding');
	my $file = eval { $etf->recv($slot, undef, %as_text, %option) };
	my $error = $@;

	$etf->wait_until_idle($slot);
	$etf->drop_slot($slot);
	return [ only_error($error) ] if $error;
	return [ split /\n/, $etf->oracle->ask(
			'truth', EtfOracle::quote($file), EtfTest::checks(%option)) ];
}

# The primary message alone: context and position differ.
sub only_error
{
	my ($text) = @_;

	return $text =~ /ERROR:\s+(.*)/ ? "error $1" : "error: $text";
}

# The lines of one side where it begins to differ from the other.
sub around
{
	my ($lines, $other) = @_;
	my $i = 0;

	$i++ while $i < @$lines && $lines->[$i] eq ($other->[$i] // '');
	return grep { defined } map { $lines->[ $_ < 0 ? @$lines : $_ ] } $i - 5 .. $i + 5;
}

# Both decode what came since the last call.  "ours" and "pgoutput" are options
# of one side only.  Returns the lines without the heads of transactions.
sub agree
{
	my ($self, $name, %option) = @_;
	my %ours = %{ delete $option{ours} // {} };
	my %theirs = %{ delete $option{pgoutput} // {} };
	my $expected = $self->pgoutput(%option, %theirs);
	my $got = $self->ours(%option, %ours);

	$self->move_on;
	is_deeply($got, $expected, "$name: as pgoutput")
	  or diag join "\n", 'ours:', around($got, $expected), 'pgoutput:',
	  around($expected, $got);
	return [ grep { !/^tx / } @$got ];
}

# Leave what has come so far.
sub move_on
{
	my ($self) = @_;

	$self->{etf}->sql("SELECT pg_replication_slot_advance('$self->{slot}',
		pg_current_wal_flush_lsn())");
	return;
}

1;
