# A receiver that runs beside the sessions whose changes it gets.
#
#	my $receiver = EtfLive->new($etf, 's', streaming => 'on');
#	$session->sql('BEGIN; ...');
#	$receiver->wait_until_decoded;
#	my $file = $receiver->finish;
package EtfLive;

use strict;
use warnings;

use IPC::Run;

sub new
{
	my ($class, $etf, $slot, %option) = @_;
	my $file = $etf->new_file;
	my $self = bless { etf => $etf, slot => $slot, file => $file }, $class;

	$self->{run} = IPC::Run::start(
		[ $etf->recv_command($slot, undef, $file, %option), '--status-interval', '1' ],
		'>', \$self->{out}, '2>', \$self->{err});
	$self->wait_for('pid > 0');
	return $self;
}

sub wait_for
{
	my ($self, $condition) = @_;

	$self->{etf}->node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_replication JOIN pg_replication_slots
			ON active_pid = pid WHERE slot_name = '$self->{slot}' AND $condition")
	  or die "receiver of $self->{slot} is behind: see the server's log";
	return;
}

# What sessions wrote is flushed by the next commit only.
sub flushed
{
	my ($self) = @_;

	$self->{etf}->sql(q{SELECT pg_logical_emit_message(true, 'flush', '')});
	return $self->{etf}->end_of_wal;
}

sub wait_until_decoded
{
	my ($self) = @_;

	$self->wait_for("sent_lsn >= '@{[$self->flushed]}'");
	return;
}

# All of it, in a file.
sub finish
{
	my ($self) = @_;

	$self->wait_for("write_lsn >= '@{[$self->flushed]}'");
	$self->{run}->signal('INT');
	$self->{run}->finish;
	$self->{etf}->wait_until_idle($self->{slot});
	return $self->{file};
}

1;
