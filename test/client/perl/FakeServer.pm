# A server that speaks just enough of the protocol to say something wrong.
#
#	my $server = FakeServer->new(stream => [ copy_data("k") ]);
#	... pg_etf_client --dbname="$server->{conninfo}" ...
#
# What is not given is answered as PostgreSQL does: "startup" comes instead of
# the answer to the startup packet, "session", "identify", "history" and "slot"
# instead of the answers of the set-up, "stream" after START_REPLICATION; over
# the control connection "control" and "report"; and "publications", "catalogs"
# and "notes" with pgoutput, see FakePgoutput.  Each is bytes, a list of them, or
# a sub that writes to the handle it is given; it has the command as well.
package FakeServer;

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::UNIX;
use PostgreSQL::Test::Utils ();

our @EXPORT = qw(message answer copy_data frame keepalive error_response
  get_status);

sub message
{
	my ($type, $body) = @_;

	return $type . pack('N', 4 + length $body) . $body;
}

sub error_response
{
	my ($type, $sqlstate, $text) = @_;

	return message($type, "SERROR\0C$sqlstate\0M$text\0\0");
}

my $ready = message('Z', 'I');

# One row, from names and values; undef is NULL.
sub answer
{
	my (@pairs) = @_;
	my ($names, $values, $count) = ('', '', @pairs / 2);

	while (my ($name, $value) = splice @pairs, 0, 2)
	{
		$names .= "$name\0" . pack('NnNnNn', 0, 0, 25, 0xffff, 0xffffffff, 0);
		$values .= defined $value ? pack('N/a', $value) : pack('N', 0xffffffff);
	}
	return message('T', pack('n', $count) . $names)
	  . message('D', pack('n', $count) . $values)
	  . message('C', "SELECT 1\0") . $ready;
}

sub copy_data { return message('d', $_[0]); }

sub frame { return copy_data('w' . pack('Q>3', 0, 0, 0) . $_[0]); }

sub keepalive
{
	my ($lsn, $reply) = @_;

	return copy_data('k' . pack('Q>2C', $lsn, 0, $reply // 0));
}

my %normal = (
	startup => message('R', pack('N', 0))
	  . message('S', "server_version\0" . "15.20\0")
	  . message('K', pack('NN', 1, 2)) . $ready,
	session => answer(version => '150020', pid => 7, lsn => '0/2000',
		sender_timeout => 60000),
	identify => answer(systemid => '42', timeline => 1, xlogpos => '0/2000',
		dbname => 'd'),
	history => answer(filename => 'f', content => ''),
	slot => answer(slot_name => 's', slot_type => 'logical', plugin =>
		  'pg_etf_decoding', ours => 't', confirmed_flush_lsn => '0/1000',
		wal_status => 'reserved', reason => undef, set_config => '0'),
	control => answer(server => 42),
	report => answer(server_lsn => '0/2000', slot_name => 's',
		confirmed_flush_lsn => '0/1000', restart_lsn => '0/1000', active_pid => 7,
		wal_status => 'reserved'),
	stream => '');

sub new
{
	my ($class, %wrong) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	my $listener = IO::Socket::UNIX->new(Local => "$dir/.s.PGSQL.1",
		Listen => 5) or die "cannot listen: $!";
	my $self = bless { say => { %normal, %wrong },
		conninfo => "host=$dir port=1 user=u dbname=d password=p" }, $class;

	$self->{pid} = fork // die "cannot fork: $!";
	setpgrp $self->{pid}, 0;
	return $self if $self->{pid};
	$SIG{PIPE} = 'DEFAULT';
	$SIG{CHLD} = 'IGNORE';
	alarm 120;
	while (my $handle = $listener->accept)
	{
		fork or $self->serve($handle);
	}
	POSIX::_exit(0);
}

sub connstr { return $_[0]->{conninfo}; }

sub put
{
	my ($self, $handle, $what, $sql) = @_;
	my $say = $self->{say}{$what};

	return $say->($handle, $sql) if ref $say eq 'CODE';
	$handle->syswrite($_) for ref $say ? @$say : $say;
	return;
}

sub get
{
	my ($handle, $size) = @_;
	my $bytes = '';

	while (length $bytes < $size)
	{
		$handle->sysread($bytes, $size - length $bytes, length $bytes)
		  or POSIX::_exit(0);
	}
	return $bytes;
}

# What the next status update says: written and flushed.
sub get_status
{
	my ($handle) = @_;

	for (;;)
	{
		my ($type, $length) = unpack 'aN', get($handle, 5);
		my $body = get($handle, $length - 4);

		return (unpack 'aQ>2', $body)[ 1, 2 ] if $type eq 'd' && $body =~ /^r/;
	}
}

# Until the client has gone, or what is said is said without an end.
sub serve
{
	my ($self, $handle) = @_;
	my %step = (qr/server_version_num/ => 'session',
		qr/^IDENTIFY/ => 'identify', qr/^TIMELINE_HISTORY/ => 'history',
		qr/^SELECT s\.slot/ => 'slot', qr/ AS server\0/ => 'control',
		qr/ AS server_lsn/ => 'report',
		qr/^SELECT pg_catalog\.getdatabaseencoding/ => 'publications',
		qr/^WITH RECURSIVE (?!published)/ => 'catalogs', qr/^WITH RECURSIVE published/ => 'notes',
		qr/^START_REPLICATION/ => 'stream');

	alarm 60;
	get($handle, unpack('N', get($handle, 4)) - 4);
	$self->put($handle, 'startup');
	for (;;)
	{
		my ($type, $length) = unpack 'aN', get($handle, 5);
		my $sql = get($handle, $length - 4);

		next if $type ne 'Q';
		for my $pattern (grep { $sql =~ $_ } keys %step)
		{
			$handle->syswrite(message('W', "\0\0\0"))
			  if $step{$pattern} eq 'stream';
			$self->put($handle, $step{$pattern}, $sql);
		}
	}
}

sub DESTROY
{
	my ($self) = @_;

	return unless $self->{pid};
	kill 'KILL', -$self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

1;
