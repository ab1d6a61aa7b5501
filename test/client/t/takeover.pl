# Several readers of one slot: they stand by, take over, and know when another
# has read on.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfRelay;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $etf = EtfTest->new('takeover', conf => 'log_connections = on');
my $node = $etf->node;
my @credit = (credit_events => 100000, credit_bytes => 1000000000);
my @standby = (@credit, standby => 'true');

$etf->sql('CREATE TABLE t (id int PRIMARY KEY)');

sub insert
{
	$etf->sql("INSERT INTO t VALUES ($_[0])");
	return;
}

sub walsenders
{
	return $etf->sql("SELECT count(*) FROM pg_stat_activity
		WHERE backend_type = 'walsender'");
}

sub holder
{
	return $etf->sql('SELECT active_pid FROM pg_replication_slots');
}

sub lsn
{
	my ($sql) = @_;

	return $etf->sql("SELECT $sql - '0/0'::pg_lsn");
}

sub confirmed
{
	return $etf->sql("SELECT confirmed_flush_lsn - '0/0'::pg_lsn
		FROM pg_replication_slots WHERE slot_name = 's'");
}

sub errors
{
	my @lines = grep { /ERROR/ } split /\n/, slurp_file($node->logfile);

	return \@lines;
}

# It reads all there is, and confirms it.
sub reader
{
	my (@settings) = @_;
	my $client = EtfClient->start($node, @standby, @settings);

	$client->expect(qr/^\{status,connected/, 'a reader has the slot');
	$client->say('{auto, ack}');
	return $client;
}

sub reads
{
	my ($client, $id, $name) = @_;

	insert($id);
	$client->expect(qr/^\{frame,tx,whole,.*\[$id\]/, $name);
	$node->poll_query_until('postgres',
		'SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) <= 1000
			FROM pg_replication_slots');
	return;
}

sub waits
{
	my ($client, $pid) = @_;

	return $client->expect(
		qr/^\{status,standby,.*holder_pid => $pid/s, 'another stands by');
}

# The question where to start, and the slot's position that comes with it.
sub asked
{
	my ($client, $name) = @_;

	$client->expect(qr/^\{standby,free,.*confirmed_lsn => (\d+)/, $name);
	return $client->{match}[0];
}

sub ends
{
	my ($client, $status, $name) = @_;

	is($client->exit_status, $status, $name);
	$client->quit;
	return;
}

subtest 'a busy slot is waited for, and the position asked for again' => sub {
	$etf->slot('s');
	my $first = reader();
	my $second =
	  EtfClient->start($node, @standby, startpos => confirmed());

	waits($second, holder());
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM
		pg_stat_activity WHERE backend_type = 'walsender'});
	reads($first, $_, "the reader goes on: $_") for 1 .. 3;
	$second->silent(qr/^\{(fatal|status,(?!slot)|standby)/, 1.5,
		'the other says nothing meanwhile');
	is(walsenders(), 1, 'and takes no walsender');
	is($second->stat('state'), 'standby', 'but tells its state');
	is($first->stop, 0, 'the reader ends');
	my $seen = asked($second, 'the slot is free: where to start?');

	is($seen, confirmed(), 'it knows where the slot is');
	insert(4);
	$second->silent(qr/^\{frame/, 0.5, 'nothing starts without an answer');
	is(walsenders(), 0, 'there is no stream yet');
	$second->say("{send, {go, $seen, $seen}}");
	$second->expect(qr/^\{status,connected,.*start_lsn => $seen/s,
		'it starts there');
	is_deeply($second->rows_until(4), [4], 'with what follows');
	is_deeply(errors(), [], 'no ERROR in the log of the server');
	$first->quit;
	is($second->stop, 0, 'stop');
	$second->quit;
};

subtest 'what is stored counts, a hole in it is a gap' => sub {
	my $old = confirmed();
	my $first = reader();
	my $second = EtfClient->start($node, @standby);

	waits($second, holder());
	reads($first, 11, 'the reader goes on');
	$first->stop;
	$first->quit;
	my $seen = asked($second, 'free');
	$second->say("{send, {go, $old, $old}}");
	my $again = asked($second, 'an answer to an older question: asked again');

	is($again, $seen, 'with the newer position');
	$second->say("{send, {go, $old, $again}}");
	$second->expect(qr/^\{fatal,gap,.*the slot starts at/s,
		'what is stored is behind the slot for certain');
	ends($second, 11, 'with the status of gap');
	$second = EtfClient->start($node, @standby, startpos => $old);
	$seen = asked($second, 'a stored position behind a free slot: asked again');
	$second->say("{send, {go, 0, $seen}}");
	$second->expect(qr/^\{status,connected,.*start_lsn => $seen/s,
		'nothing stored any more: it starts at the slot');
	$second->say("{send, {go, $old, $old}}");
	insert(12);
	$second->expect(qr/^\{frame,.*\[12\]/, 'an answer too late is none');
	$second->stop;
	$second->quit;
};

# Its connection is gone, and it sleeps while another is faster.
subtest 'another was faster after a lost connection' => sub {
	my $slow =
	  reader(reconnect_min => 3000, reconnect_max => 3000, standby => 'true');

	reads($slow, 21, 'it reads');
	my $fast = EtfClient->start($node, @standby);
	waits($fast, holder());
	$etf->sql('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots');
	my $seen = asked($fast, 'free');
	$fast->say("{send, {go, 0, $seen}}");
	$fast->expect(qr/^\{status,connected/, 'the faster one has it');
	$slow->expect(qr/^\{fatal,slot_moved,.*is read by another process/s,
		'the slower one gives up what it has');
	ends($slow, 17, 'with the status of slot_moved');
	$fast->stop;
	$fast->quit;
};

subtest 'another came and went' => sub {
	my $slow = reader(reconnect_min => 3000, reconnect_max => 3000);

	reads($slow, 31, 'it reads');
	my $fast = EtfClient->start($node, @standby);
	waits($fast, holder());
	$etf->sql('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots');
	my $seen = asked($fast, 'free');
	$fast->say("{send, {go, 0, $seen}}");
	$fast->expect(qr/^\{status,connected/, 'another has it');
	$fast->say('{auto, ack}');
	reads($fast, 32, 'and reads on');
	$fast->stop;
	$fast->quit;
	# 13 counts nothing by which a slot read on differs from one made anew.
	my ($class, $status, $said) = $etf->version < 14
	  ? ('gap', 11, 'was recreated') : ('slot_moved', 17, 'has moved from .* to ');
	$slow->expect(qr/^\{fatal,$class,.*$said/s,
		'the first one knows that it was there');
	ends($slow, $status, "with the status of $class");
};

subtest 'without standby: wait, but with no old position' => sub {
	my $first = reader();
	my $second = EtfClient->start($node, @credit, startpos => confirmed(),
		reconnect_min => 50, reconnect_max => 200);

	$second->expect(qr/^\{status,reconnecting,.*class => slot_active/,
		'it tries again and again');
	reads($first, 41, 'the reader goes on');
	$second->expect(qr/^\{status,reconnecting,.*class => slot_active/,
		'no position is held against a busy slot');
	$first->stop;
	$first->quit;
	$second->expect(qr/^\{fatal,slot_moved/s, 'nor an old one against a free');
	ends($second, 17, 'with the status of slot_moved');
};

subtest 'its own walsender, which the server takes for alive' => sub {
	my @relays = map { EtfRelay->new($node) } 1 .. 2;
	my $ports = join ',', map { $_->port } @relays;
	my $client = EtfClient->start($node, @standby,
		connection =>
		  qq[#{host => <<"127.0.0.1,127.0.0.1">>, port => <<"$ports">>}],
		takeover_timeout => 12000, liveness_timeout => 1000,
		connect_timeout => 1000, reconnect_min => 50, reconnect_max => 200,
		control => 'false');

	$client->expect(qr/^\{status,connected,.*wal_sender_timeout => 12000/s,
		'the timeout is of this connection');
	$client->say('{auto, ack}');
	reads($client, 51, 'it reads');
	my $pid = holder();
	$relays[0]->freeze;
	$client->expect(qr/^\{status,reconnecting/, 'one way is gone');
	insert(52);
	waits($client, $pid);
	$client->expect(qr/^\{status,connected,/, 'the slot is free again', 60);
	is_deeply($client->rows_until(52), [52], 'it goes on where it was');
	$client->stop;
	$client->quit;
};

subtest 'a network that swallows everything' => sub {
	my $relay = EtfRelay->new($node);
	my $lost = EtfClient->start($node, @standby, $relay->settings,
		takeover_timeout => 2000);

	$lost->expect(qr/^\{status,connected/, 'a reader, far away');
	my $second = EtfClient->start($node, @standby);
	waits($second, holder());
	my $frozen = time;
	$relay->freeze;
	my $seen = asked($second, 'the server gives up who has vanished');
	cmp_ok(time - $frozen, '<', 10, 'in the time that was asked for');
	$second->say("{send, {go, 0, $seen}}");
	$second->expect(qr/^\{status,connected/, 'another takes over');
	$second->stop;
	$second->quit;
	$relay->thaw;
	$lost->quit;
};

subtest 'the server ends while a client stands by' => sub {
	my $first = reader();
	my $second = EtfClient->start($node, @standby, reconnect_min => 50,
		reconnect_max => 500);

	waits($second, holder());
	$node->restart;
	$second->expect(qr/^\{status,reconnecting/, 'it says so');
	insert(61);
	is_deeply($first->rows_until(61), [61], 'the reader is back')
	  if $first->wait_for(qr/^\{status,connected/, 5);
	$first->quit;
	$second->quit;
	$etf->wait_until_idle('s');
};

subtest 'a server that refuses the control connection is not pressed' => sub {
	plan skip_all => '13 refuses the stream as well' if $etf->version < 14;
	$etf->sql('CREATE ROLE one LOGIN REPLICATION CONNECTION LIMIT 1');
	my $conninfo = $node->connstr('postgres') . ' user=one';
	my @one = (@standby, conninfo => qq{<<"$conninfo">>});
	my $first = EtfClient->start($node, @one);

	$first->expect(qr/^\{status,connected/, 'a reader has all there may be');
	my $second = EtfClient->start($node, @one, reconnect_min => 10,
		reconnect_max => 100, circuit_after => 4);

	waits($second, holder());
	$second->expect(qr/^\{status,open_circuit,.*too many connections/s,
		'the pauses of another grow');
	$first->stop;
	$first->quit;
	$second->expect(qr/^\{standby,free|^\{status,connected/,
		'and it goes on when it may');
	$second->quit;
	$etf->wait_until_idle('s');
};

subtest 'many at once' => sub {
	my $first = reader();
	my @others = map { EtfClient->start($node, @standby) } 1 .. 3;
	my $readers = 0;

	waits($_, holder()) for @others;
	$first->stop;
	$first->quit;
	my @seen = map { asked($_, 'each is asked') } @others;
	$others[$_]->say("{send, {go, 0, $seen[$_]}}") for 0 .. 2;
	$node->poll_query_until('postgres',
		'SELECT active FROM pg_replication_slots');
	foreach my $other (@others)
	{
		$readers++ if $other->wait_for(qr/^\{(status|fatal|log)/, 2);
	}
	is($readers, 1, 'one gets it, the others go on waiting, without a word');
	$_->quit for @others;
	$etf->wait_until_idle('s');
	$etf->drop_slot('s');
};

subtest 'two that make the same slot' => sub {
	foreach my $round (1 .. 5)
	{
		my @clients = map {
			EtfClient->start($node, @standby, create => 'if_missing')
		} 1 .. 2;
		my $connected = 0;

		foreach my $client (@clients)
		{
			my $line =
			  $client->wait_for(qr/^\{(status,connected|status,standby|standby|fatal)/);

			like($line, qr/^\{st/, 'neither fails');
			$connected++ if $line =~ /connected/;
			$client->say('{send, {go, 0, ' . (1 << 62) . '}}')
			  if $line =~ /standby,free/;
		}
		$_->quit for @clients;
		$etf->wait_until_idle('s');
		$etf->drop_slot('s');
	}
};

$etf->stop;
done_testing();
