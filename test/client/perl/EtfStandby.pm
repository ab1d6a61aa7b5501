# A physical standby of a server, which can be promoted.
#
#	my $standby = EtfStandby->new($primary_node, 'standby', synchronize => 1);
#	EtfStandby::wait_until_synchronized($standby, 's', $primary_node);
package EtfStandby;

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(sleep);

# Its physical slot on the primary has its own name.  With "synchronize" it
# keeps the primary's failover slots, which the primary lets nobody read
# beyond what it has.
sub new
{
	my ($class, $primary, $name, %param) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $conninfo = $primary->connstr('postgres');

	$primary->safe_psql('postgres',
		"SELECT pg_create_physical_replication_slot('$name')");
	$primary->backup("for_$name");
	$node->init_from_backup($primary, "for_$name", has_streaming => 1);
	$conninfo =~ s/'/''/g;
	$node->append_conf('postgresql.conf', $_)
	  for "primary_conninfo = '$conninfo'", "primary_slot_name = '$name'",
	  'hot_standby_feedback = on', $param{conf} // '';
	$node->append_conf('postgresql.conf', "sync_replication_slots = on\n"
		  . "synchronized_standby_slots = ''")
	  if $param{synchronize};
	$node->start;
	if ($param{synchronize})
	{
		$primary->append_conf('postgresql.conf',
			"synchronized_standby_slots = '$name'");
		$primary->reload;
	}
	return $node;
}

# The standby keeps a slot when it has all that the slot needs; that takes
# some movement on the primary.
sub wait_until_synchronized
{
	my ($standby, $slot, $primary) = @_;

	for (1 .. 240)
	{
		return 1
		  if $standby->safe_psql('postgres', 'SELECT count(*) FROM '
			  . "pg_replication_slots WHERE slot_name = '$slot' AND synced "
			  . 'AND NOT temporary') eq '1';
		$primary->safe_psql('postgres', 'SELECT pg_log_standby_snapshot()');
		sleep 0.25;
	}
	return 0;
}

# libpq's keywords for several servers, of which the first that writes counts.
sub hosts
{
	my (@nodes) = @_;
	my $hosts = join ',', map { $_->host } @nodes;
	my $ports = join ',', map { $_->port } @nodes;

	return qq(#{host => <<"$hosts">>, port => <<"$ports">>, )
	  . q(target_session_attrs => <<"read-write">>});
}

1;
