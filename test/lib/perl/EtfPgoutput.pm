# Reads what pgoutput writes, protocols 1 to 4, as lines that truth.erl makes
# of our frames, too.
#
#	my $reader = EtfPgoutput->new(binary => 0);
#	$reader->take($_) for @messages;
#	$reader->lines;
#
# Streams are kept until they commit and then are ordinary transactions.
package EtfPgoutput;

use strict;
use warnings;

my %reads = (
	B => \&begin,
	C => \&commit,
	O => \&origin,
	R => \&relation,
	Y => \&type,
	I => \&insert,
	U => \&update,
	D => \&delete,
	T => \&truncate,
	M => \&message,
	S => \&stream_start,
	E => \&stream_stop,
	A => \&stream_abort,
	c => \&stream_commit,
	b => \&begin_prepare,
	P => \&prepare,
	p => \&prepare,
	K => \&commit_prepared,
	r => \&rollback_prepared);

# relations: OID to description; streams: xid to { relations, events }, where an
# event is [ xid, line ]; stream: the one whose block is read; open: the
# transaction that is read.
sub new
{
	my ($class) = @_;

	return bless { relations => {}, streams => {}, lines => [] }, $class;
}

sub lines { return $_[0]->{lines}; }

sub take
{
	my ($self, $bytes) = @_;
	my $kind = substr $bytes, 0, 1, '';
	my $read = $reads{$kind} or die "pgoutput: message '$kind'";

	$self->{in} = $bytes;
	$self->{xid} = $self->{stream} && $kind =~ /[RYIUDTM]/ ? $self->int32 : 0;
	$read->($self);
	die "pgoutput: rest of '$kind'" if length $self->{in};
	return;
}

sub bytes
{
	my ($self, $count) = @_;

	die 'pgoutput: too short' if length $self->{in} < $count;
	return substr $self->{in}, 0, $count, '';
}

sub int8 { return unpack 'C', $_[0]->bytes(1); }
sub int16 { return unpack 'n', $_[0]->bytes(2); }
sub int32 { return unpack 'N', $_[0]->bytes(4); }

sub lsn { return sprintf '%X/%X', unpack 'NN', $_[0]->bytes(8); }

sub string
{
	my ($self) = @_;

	$self->{in} =~ s/\A([^\0]*)\0//s or die 'pgoutput: string without end';
	return $1;
}

# Events of the transaction or of the stream's block that is being read.
sub event
{
	my ($self, $line) = @_;

	push @{ ($self->{stream} // $self->{open})->{events} },
	  [ $self->{xid}, $line ];
	return;
}

# A transaction without events says nothing, whether or not it was sent.
sub finish
{
	my ($self, $transaction, @head) = @_;
	my @lines = map { $_->[1] } @{ $transaction->{events} };

	push @{ $self->{lines} }, "@head", @lines if @lines || $head[0] ne 'tx';
	return;
}

sub begin
{
	my ($self) = @_;
	my $lsn = $self->lsn;

	$self->lsn;
	$self->{open} = { events => [], head => [ 'tx', $self->int32, $lsn ] };
	return;
}

sub commit
{
	my ($self) = @_;

	$self->bytes(25);
	$self->finish($self->{open}, @{ $self->{open}{head} });
	return;
}

sub origin
{
	my ($self) = @_;

	$self->lsn;
	$self->string;
	return;
}

sub column
{
	my ($self) = @_;
	my %column = (key => $self->int8, name => $self->string);

	$self->bytes(8);
	return \%column;
}

# A stream has descriptions of its own: it may have altered a table.
sub relation
{
	my ($self) = @_;
	my $oid = $self->int32;
	my $name = ($self->string || 'pg_catalog') . '.' . $self->string;
	my $identity = $self->bytes(1);

	($self->{stream} // $self)->{relations}{$oid} = {
		name => $name, identity => $identity,
		columns => [ map { $self->column } 1 .. $self->int16 ] };
	return;
}

sub type
{
	my ($self) = @_;

	$self->int32;
	$self->string;
	$self->string;
	return;
}

sub table
{
	my ($self) = @_;
	my $oid = $self->int32;

	return ($self->{stream} && $self->{stream}{relations}{$oid})
	  // $self->{relations}{$oid} // die "pgoutput: table $oid is not told";
}

sub value
{
	my ($self) = @_;
	my $kind = $self->bytes(1);

	return $kind eq 't' ? "'" . $self->bytes($self->int32) . "'"
	  : { n => 'null', u => 'unchanged' }->{$kind} // die "pgoutput: value '$kind'";
}

sub tuple
{
	my ($self) = @_;

	return [ map { $self->value } 1 .. $self->int16 ];
}

# A row of all columns, or of those that are in the key.
sub row
{
	my ($table, $tuple, $kind) = @_;
	my @columns = @{ $table->{columns} };

	die "pgoutput: columns of $table->{name}" if @columns != @$tuple;
	return join ' ', map { "$columns[$_]{name}=$tuple->[$_]" }
	  grep { $kind ne 'K' || $columns[$_]{key} } 0 .. $#columns;
}

sub old_row
{
	my ($table, $tuple, $kind) = @_;

	return ($kind eq 'K' ? 'key ' : 'full ') . row($table, $tuple, $kind);
}

sub insert
{
	my ($self) = @_;
	my $table = $self->table;

	$self->bytes(1);
	$self->event("insert $table->{name} " . row($table, $self->tuple, 'N'));
	return;
}

# What did not change is filled in from the old row, as our plugin does.
sub update
{
	my ($self) = @_;
	my $table = $self->table;
	my $kind = $self->bytes(1);
	my $old = $kind eq 'N' ? undef : $self->tuple;

	$self->bytes(1) if $old;
	my $new = $self->tuple;
	for my $i ($old ? 0 .. $#$new : ())
	{
		$new->[$i] = $old->[$i]
		  if $new->[$i] eq 'unchanged' && $old->[$i] ne 'null';
	}
	$self->event("update $table->{name} "
		  . ($old ? old_row($table, $old, $kind) : 'nil') . ' to '
		  . row($table, $new, 'N'));
	return;
}

sub delete
{
	my ($self) = @_;
	my $table = $self->table;
	my $kind = $self->bytes(1);

	$self->event("delete $table->{name} " . old_row($table, $self->tuple, $kind));
	return;
}

sub truncate
{
	my ($self) = @_;
	my $count = $self->int32;
	my $flags = $self->int8;
	my @names = sort map { $self->table->{name} } 1 .. $count;

	$self->event(join ' ', 'truncate', join(',', @names),
		$flags & 1 ? 'cascade' : (), $flags & 2 ? 'restart_identity' : ());
	return;
}

sub message
{
	my ($self) = @_;
	my $transactional = $self->int8;

	$self->lsn;
	my $line = $self->string . ' ' . $self->bytes($self->int32);
	$transactional ? $self->event("message $line")
	  : push @{ $self->{lines} }, "now $line";
	return;
}

sub stream_start
{
	my ($self) = @_;
	my $xid = $self->int32;

	$self->{streams}{$xid} = { relations => {}, events => [] } if $self->int8;
	$self->{stream} = $self->{streams}{$xid} // die "pgoutput: stream $xid";
	return;
}

sub stream_stop
{
	my ($self) = @_;

	$self->{stream} = undef;
	return;
}

# Since protocol 4, and if asked for, the place and the time follow.
sub stream_abort
{
	my ($self) = @_;
	my ($xid, $sub) = ($self->int32, $self->int32);
	my $stream = $self->{streams}{$xid};

	$self->bytes(16) if length $self->{in};
	delete $self->{streams}{$xid} if $sub == $xid;
	$stream->{events} = [ grep { $_->[0] != $sub } @{ $stream->{events} } ]
	  if $stream;
	return;
}

sub finish_stream
{
	my ($self, $xid, @head) = @_;
	my $stream = delete $self->{streams}{$xid} // die "pgoutput: stream $xid";

	%{ $self->{relations} } =
	  (%{ $self->{relations} }, %{ $stream->{relations} });
	$self->finish($stream, @head);
	return;
}

sub stream_commit
{
	my ($self) = @_;
	my $xid = $self->int32;

	$self->int8;
	my $lsn = $self->lsn;
	$self->bytes(16);
	$self->finish_stream($xid, 'tx', $xid, $lsn);
	return;
}

sub begin_prepare
{
	my ($self) = @_;

	$self->bytes(28);
	$self->string;
	$self->{open} = { events => [] };
	return;
}

# Of a transaction that was sent just before, or of a stream.
sub prepare
{
	my ($self) = @_;

	$self->int8;
	my $lsn = $self->lsn;
	$self->bytes(16);
	my $xid = $self->int32;
	my @head = ('prepare', $xid, $lsn, $self->string);
	$self->{streams}{$xid} ? $self->finish_stream($xid, @head)
	  : $self->finish($self->{open}, @head);
	return;
}

sub commit_prepared
{
	my ($self) = @_;

	$self->int8;
	my $lsn = $self->lsn;
	$self->bytes(16);
	push @{ $self->{lines} },
	  join ' ', 'commit_prepared', $self->int32, $lsn, $self->string;
	return;
}

sub rollback_prepared
{
	my ($self) = @_;

	$self->int8;
	$self->lsn;
	my $lsn = $self->lsn;
	$self->bytes(16);
	push @{ $self->{lines} },
	  join ' ', 'rollback_prepared', $self->int32, $lsn, $self->string;
	return;
}

1;
