# Messages of pgoutput, written without a server: for FakeServer.
#
#	my $server = FakePgoutput::server(stream => [
#		map { frame($_) } pg_begin(7, 0x2000), pg_relation(), pg_insert(1), pg_commit(0x2000) ]);
#
# Each function returns one.  Rows are those of table 1, "t", with the columns
# "id" and "v", integers both, in binary.
package FakePgoutput;

use strict;
use warnings;

use Exporter 'import';
use FakeServer;

our @EXPORT = qw(pg_begin pg_commit pg_origin pg_type pg_relation pg_insert
  pg_message pg_stream pg_abort pg_stream_commit ended_by no_rows);

sub pg_begin { return 'B' . pack 'Q>q>N', $_[1], 1, $_[0]; }
sub pg_commit { return 'C' . pack 'CQ>Q>q>', 0, $_[0], $_[0] + 8, 1; }
sub pg_origin { return 'O' . pack 'Q>Z*', 5, $_[0]; }
sub pg_type { return 'Y' . pack 'NZ*Z*', $_[0], 'public', $_[1]; }

# Columns by name and type; those of "t", if there are none.
sub pg_relation
{
	my (@columns) = @_ ? @_ : (id => 23, v => 23);
	my $all = '';
	my $count = @columns / 2;

	while (my ($name, $type) = splice @columns, 0, 2)
	{
		$all .= pack 'CZ*Nl>', $name eq 'id' ? 1 : 0, $name, $type, -1;
	}
	return 'R' . pack('NZ*Z*an', 1, 'public', 't', 'd', $count) . $all;
}

# Undef is NULL; a reference is to a text.
sub pg_insert
{
	my (@values) = @_ > 1 ? @_ : ($_[0], undef);

	return 'I' . pack('Nan', 1, 'N', scalar @values) . join '', map {
		!defined $_ ? 'n' : ref $_ ? pack('aN/a', 't', $$_) : pack 'aNl>', 'b', 4, $_
	} @values;
}

sub pg_message { return 'M' . pack 'CQ>Z*N/a', 1, 0x1000, @_; }

# A block: messages with the (sub)transaction that each is of.
sub pg_stream
{
	my ($xid, $first, @messages) = @_;
	my @block;

	while (my ($subxid, $message) = splice @messages, 0, 2)
	{
		substr($message, 1, 0) = pack 'N', $subxid if $message !~ /^O/;
		push @block, $message;
	}
	return ('S' . pack('NC', $xid, $first), @block, 'E');
}

sub pg_abort { return 'A' . pack 'NN', @_; }

sub pg_stream_commit
{
	my ($xid, $lsn) = @_;

	return 'c' . pack 'NCQ>Q>q>', $xid, 0, $lsn, $lsn + 8, 1;
}

# How a server's function ends the stream.
sub ended_by
{
	my ($sqlstate, $text, $function) = @_;

	return message('E', "SERROR\0C$sqlstate\0M$text\0R$function\0\0");
}

# An answer of these columns.
sub no_rows
{
	return message('T', pack('n', scalar @_)
		  . join '', map { "$_\0" . pack 'NnNnNn', 0, 0, 25, 0xffff, 0xffffffff, 0 } @_)
	  . message('C', "SELECT 0\0") . message('Z', 'I');
}

my @catalogs = qw(what oid name kind part delimiter typmod sends extension field
  field_type field_typmod attnum);

sub no_catalogs { return no_rows(@catalogs); }

# What a FakeServer says that has a slot of pgoutput, and no types of its own.
sub server
{
	my (%wrong) = @_;

	return FakeServer->new(
		# The control connection is opened to a server that says which one it is.
		session => answer(version => '150020', pid => 7, lsn => '0/2000',
			sender_timeout => 60000, server => 42),
		slot => answer(slot_name => 's', slot_type => 'logical', plugin => 'pgoutput',
			ours => 't', confirmed_flush_lsn => '0/1000', wal_status => 'reserved',
			reason => undef, set_config => '0'),
		publications => answer(ascii => 'f', set_config => 'UTF8', missing => undef),
		catalogs => no_catalogs(),
		notes => no_rows(qw(kind count names)),
		%wrong);
}

1;
