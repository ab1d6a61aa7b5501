# A pg_recvlogical that runs while its walsender is looked at.
#
#	my $receiver = EtfReceiver->start($etf, 's', exclude_tables => 'public.t');
#	EtfReceiver::wait_until_sent($etf, 's');
#	$receiver->stop;
package EtfReceiver;

use strict;
use warnings;

use IPC::Run;

sub start
{
	my ($class, $etf, $slot, %option) = @_;
	my $run = IPC::Run::start(
		[ $etf->recv_command($slot, undef, '/dev/null', %option) ],
		'>', \my $out, '2>', \my $err);

	return bless { etf => $etf, slot => $slot, run => $run }, $class;
}

# Everything up to now.
sub wait_until_sent
{
	my ($etf, $slot) = @_;
	my $lsn = $etf->end_of_wal;

	return $etf->node->poll_query_until('postgres',
		"SELECT bool_or(sent_lsn >= '$lsn') FROM pg_stat_replication r
		 JOIN pg_replication_slots s ON r.pid = s.active_pid
		 WHERE slot_name = '$slot'");
}

# It confirms every so many seconds only, so it is asked to end.
sub stop
{
	my ($self) = @_;

	$self->{run}->signal('INT');
	$self->{run}->finish;
	$self->{etf}->wait_until_idle($self->{slot});
	return;
}

1;
