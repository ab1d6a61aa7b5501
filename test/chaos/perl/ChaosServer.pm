# The server of a ChaosWorld, and who writes to it.
package ChaosServer;

use strict;
use warnings;

use ChaosChild;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

sub sql { return $_[0]->{node}->safe_psql('postgres', $_[1]); }

# The same where the server may be away: then undef.
sub try_sql
{
	my ($self, $sql) = @_;
	my ($out, $err) = ('', '');
	my $status = eval {
		$self->{node}->psql('postgres', $sql, stdout => \$out, stderr => \$err);
	} // 1;

	return $status == 0 ? $out : undef;
}

sub socket_path
{
	my ($self) = @_;

	return $self->{node}->host . '/.s.PGSQL.' . $self->{node}->port;
}

sub client_of
{
	my ($self, $file, $sql) = @_;

	return ChaosChild->start("$self->{dir}/$file", 'psql', '-XqAt', '-d',
		$self->{node}->connstr('postgres'), '-c', 'SET lock_timeout = 0', '-c', $sql);
}

# A writer that writes until it is stopped.
sub write
{
	my ($self, $w, $call) = @_;

	$call //= "CALL chaos.write($self->{seed}, $w, 0.02, $self->{behind})";
	$self->{writers}{$w} = { call => $call };
	$self->start_writer($self->{writers}{$w});
	return;
}

sub start_writer
{
	my ($self, $writer) = @_;

	$writer->{child} = $self->client_of('writers.out', $writer->{call});
	$writer->{started} = time;
	return;
}

# Statements beside all that, one after the other; their errors are no news.
sub aside
{
	my ($self, $sql) = @_;
	my $file = "$self->{dir}/aside." . ++$self->{asides};

	append_to_file($file, $sql);
	push @{ $self->{aside} }, ChaosChild->start("$self->{dir}/aside.out", 'psql',
		'-XqAt', '-d', $self->{node}->connstr('postgres'), '-f', $file);
	return;
}

# After a crash the server comes back by itself.
sub wait_for_server
{
	my ($self) = @_;

	for (1 .. 300)
	{
		sleep 0.1;
		return 1 if defined $self->try_sql('SELECT 1');
	}
	die 'the server does not come back';
}

sub stop_writers
{
	my ($self) = @_;

	# What was begun beside may end, unless that takes too long.
	my $until = time + ($self->{patience} // 20);
	sleep 0.1
	  while time < $until && grep { !$_->ended } @{ $self->{aside} // [] };
	$self->try_sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE query LIKE 'CALL chaos.%'});
	$_->{child}->finish(20) for values %{ $self->{writers} };
	$_->finish(1) for @{ delete $self->{aside} // [] };
	$self->{writers} = {};
	return;
}

# They end with the server.
sub revive_writers
{
	my ($self) = @_;

	for my $writer (values %{ $self->{writers} })
	{
		$self->start_writer($writer)
		  if $writer->{child}->ended && time > $writer->{started} + 0.5;
	}
	return;
}

1;
