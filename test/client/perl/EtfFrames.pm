# Frames, written without a server: for FakeServer.
#
# Each function returns one.  Rows are those of relation 1, a table "t" with
# a column "id", in tuples.
package EtfFrames;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(tx_frame stream_frame stream_abort stream_commit prepare_frame
  decision);

sub atom { return pack 'Ca*', 119, pack 'C/a', $_[0]; }
sub binary { return pack 'CN/a', 109, $_[0]; }
sub tuple { return pack('CC', 104, scalar @_) . join '', @_; }
sub list { return @_ ? pack('CN', 108, scalar @_) . join('', @_) . 'j' : 'j'; }
sub map_of { return pack('CN', 116, @_ / 2) . join '', @_; }

# A number of up to eight bytes.
sub int64
{
	my ($value) = @_;

	return pack 'CC', 97, $value if $value < 256;
	return pack 'CCCQ<', 110, 8, 0, $value;
}

my $relation = tuple(atom('relation'), int64(1), binary('public'), binary('t'),
	atom('default'),
	list(tuple(binary('id'), int64(23), binary('int4'), int64(0),
			list(atom('key')))));

sub events
{
	my (@ids) = @_;
	my @rows = map { tuple(atom('insert'), int64(1), tuple(int64($_))) } @ids;

	return (int64(scalar @ids), list(@rows ? ($relation, @rows) : ()));
}

# {Tag, Part, Position, First, Count, Meta, Events}
sub with_events
{
	my ($tag, $part, $position, $first, $meta, @ids) = @_;
	my ($count, $events) = events(@ids);

	return "\x83"
	  . tuple(atom($tag), atom($part), $position, int64($first), $count, $meta,
		$events);
}

# Each transaction ends 8 bytes behind the begin of its commit.
sub position
{
	my ($xid, $commit) = @_;

	return tuple(int64($xid), int64($commit), int64($commit + 8), int64(0));
}

sub gid { return map_of(atom('gid'), binary($_[0])); }

sub tx_frame
{
	my ($part, $xid, $commit, $first, @ids) = @_;

	return with_events('tx', $part, position($xid, $commit), $first, map_of(),
		@ids);
}

sub prepare_frame
{
	my ($part, $xid, $prepare, $first, @ids) = @_;

	return with_events('prepare', $part, position($xid, $prepare), $first,
		gid("g$xid"), @ids);
}

sub stream_frame
{
	my ($part, $xid, $subxid, $first, @ids) = @_;

	return with_events('stream', $part,
		tuple(int64($xid), int64($subxid), int64(1)),
		$first, map_of(), @ids);
}

sub stream_abort
{
	my ($xid, $subxid) = @_;

	return "\x83"
	  . tuple(atom('stream_abort'),
		tuple(int64($xid), int64($subxid), int64(1), int64(0)));
}

sub stream_commit
{
	my ($xid, $commit) = @_;

	return "\x83"
	  . tuple(atom('stream_commit'), position($xid, $commit), map_of());
}

# commit_prepared or rollback_prepared
sub decision
{
	my ($tag, $xid, $commit) = @_;

	return "\x83" . tuple(atom($tag), position($xid, $commit), gid("g$xid"));
}

1;
