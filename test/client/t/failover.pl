# A primary dies, its standby is promoted, and the stream goes on there.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfStandby;
use EtfTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('one', conf => 'wal_sender_timeout = 5s');
my $one = $etf->node;
my @credit = (credit_events => 1000000, credit_bytes => 1000000000);
my @eager = (reconnect_min => 50, reconnect_max => 500, connect_timeout => 3000);

$etf->sql('CREATE TABLE t (id int PRIMARY KEY)');

# The command line, on a server.
sub run_client
{
	my ($node, @args) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'),
			EtfTest::plugin_arguments(), @args ], '<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout(60));
	return ($? >> 8, $out, $err);
}

sub insert
{
	my ($node, $from, $to) = @_;

	$node->safe_psql('postgres',
		join '', map { "INSERT INTO t VALUES ($_);\n" } $from .. $to);
	return;
}

sub failover_of
{
	my ($node, $slot) = @_;

	return $node->safe_psql('postgres', 'SELECT failover FROM '
		  . "pg_replication_slots WHERE slot_name = '$slot'");
}

subtest 'properties that a server does not have' => sub {
	my @newer = (
		[ 'failover', 17, '--failover' ],
		[ 'two_phase', 14, '--two-phase' ]);

	for my $case (grep { $etf->version < $_->[1] } @newer)
	{
		my ($property, $since, $option) = @$case;
		my ($status, $out, $err) =
		  run_client($one, '--slot', 's', '--create-slot', $option);

		is($status, 3, "$option: exit status of config");
		like($err, qr/\Q$property\E needs PostgreSQL $since, the server is/,
			'says why');
		like($err, qr/Create the slot without \Q$property\E/,
			'and what to do');
		my $client = EtfClient->start($one, create => 'if_missing',
			$property => 'true');
		$client->expect(qr/^\{fatal,config,.*$property needs PostgreSQL/,
			'the Port as well');
		is($client->exit_status, 3, 'with the same status');
		$client->quit;
	}
	is($etf->sql('SELECT count(*) FROM pg_replication_slots'), 0,
		'no slot is made');
};

if ($etf->version < 17)
{
	note 'slots follow a failover since PostgreSQL 17';
	$etf->stop;
	done_testing();
	exit;
}

my $two = EtfStandby->new($one, 'two', synchronize => 1);
my $three;

subtest 'slots with failover' => sub {
	my ($status, $out, $err) =
	  run_client($one, '--slot', 'made', '--create-slot', '--failover');

	is($status, 0, '--create-slot --failover') or diag $err;
	is(failover_of($one, 'made'), 't', 'the slot has it');
	$etf->drop_slot('made');

	$etf->slot('plain');
	my $client = EtfClient->start($one, @credit, slot => '<<"plain">>',
		create => 'if_missing', failover => 'true');
	$client->expect(qr/^\{log,warning,<<"slot \\"plain\\".* not a failover slot/,
		'a slot that is there without it is told of');
	is($client->stop, 0, 'and read');
	$client->quit;
};

subtest 'the primary dies, the standby is promoted' => sub {
	my $hosts = EtfStandby::hosts($one, $two);
	my $client = EtfClient->start($one, @credit, @eager, connection => $hosts,
		create => 'if_missing', failover => 'true');
	# Its slot does not wait for the standby: what it takes may get lost.
	my $plain = EtfClient->start($one, @eager, connection => $hosts,
		slot => '<<"plain">>');

	$plain->expect(qr/^\{status,connected,/, 'a slot without failover');
	$client->expect(qr/^\{status,connected,(?=.*timeline => 1).*plugin => ${\ EtfTest::plugin()}/,
		'a slot with failover, made through the Port');
	is(failover_of($one, 's'), 't', 'the slot has it');
	$client->say('{auto, ack}');
	ok(EtfStandby::wait_until_synchronized($two, 's', $one),
		'the standby keeps it');

	my $file = $etf->write_text($etf->new_file,
		join '', map { "INSERT INTO t VALUES ($_);\n" } 1 .. 200000);
	my $writer = IPC::Run::start(
		[ 'psql', '-XqAt', '-d', $one->connstr('postgres'), '-f', $file ],
		'<', \undef, '>', \my $out, '2>', \my $err);
	my @rows = @{ $client->rows_until(500) };
	is($rows[-1], 500, 'changes come while a session writes');
	$one->stop('immediate');
	$writer->finish;
	$two->promote;
	insert($two, 1000001, 1000100);
	push @rows, @{ $client->rows_until(1000100, 60) };

	my @there = split /\n/,
	  $two->safe_psql('postgres', 'SELECT id FROM t ORDER BY id');
	cmp_ok(scalar @there, '>=', 600, 'what the new primary has');
	is_deeply(\@rows, \@there, 'came once, and in order');
	ok((grep { /^\{status,connected,.*timeline => 2/ } @{ $client->{seen} }),
		'from the new timeline');
	$client->is_clean('no hole in the indexes');
	is($client->stop, 0, 'stop');
	$client->quit;

	$plain->expect(
		qr/^\{fatal,slot_missing,.*slot \\"plain\\" no longer exists/s,
		'the slot without failover is missed at once');
	is($plain->exit_status, 5, 'with the status of slot_missing');
	$plain->quit;

	my $confirmed = $two->safe_psql('postgres', 'SELECT confirmed_flush_lsn '
		  . "FROM pg_replication_slots WHERE slot_name = 's'");
	$client = EtfClient->start($two, @credit);
	insert($two, 1000101, 1000101);
	$client->expect(qr/^\{frame,tx,whole,.*\[1000101\]/,
		'another process begins behind what was confirmed');
	ok(!(grep { /^\{frame/ } @{ $client->{skipped} }), 'nothing comes twice');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->quit;
};

# From now on the standby gets nothing.
sub cut_off
{
	my ($standby, $primary, $name) = @_;

	$standby->append_conf('postgresql.conf',
		q{primary_conninfo = 'host=/nowhere'});
	$standby->reload;
	$primary->poll_query_until('postgres', 'SELECT NOT active FROM '
		  . "pg_replication_slots WHERE slot_name = '$name'");
	return;
}

subtest 'the consumer has what the new primary does not' => sub {
	$three = EtfStandby->new($two, 'three', synchronize => 1);
	my $hosts = EtfStandby::hosts($two, $three);
	my $client = EtfClient->start($two, @credit, @eager, connection => $hosts);
	my @ends;

	# As long as the primary waits for the standby, this cannot happen.
	$two->append_conf('postgresql.conf', q{synchronized_standby_slots = ''});
	$two->reload;
	$client->expect(qr/^\{status,connected,.*timeline => 2/, 'connected');
	ok(EtfStandby::wait_until_synchronized($three, 's', $two),
		'the standby keeps the slot');
	insert($two, 2000001, 2000001);
	$client->expect(qr/^\{frame,tx,whole,\d+,(\d+),.*\[2000001\]/, 'a row');
	push @ends, $client->{match}[0];
	$two->wait_for_replay_catchup($three);
	cut_off($three, $two, 'three');
	insert($two, 2000002, 2000002);
	$client->expect(qr/^\{frame,tx,whole,\d+,(\d+),.*\[2000002\]/,
		'one that the standby does not get');
	push @ends, $client->{match}[0];

	# It sees the new primary only when that is far beyond the position.
	kill 'STOP', $client->client_pid;
	$two->stop('immediate');
	$three->promote;
	insert($three, 3000001, 3001000);
	kill 'CONT', $client->client_pid;
	$client->expect(
		qr/^\{fatal,gap,.*of timeline 2, but the server branched off at .* to timeline 3: they were lost in a failover/s,
		'is told, and not left out', 60);
	is($client->exit_status, 11, 'with the status of gap');
	$client->quit;

	my @stored = (@credit, create => 'none');
	$client = EtfClient->start($three, @stored, startpos => $ends[1],
		timeline => 2);
	$client->expect(qr/^\{fatal,gap,.*lost in a failover/s,
		'a stored position with its timeline: the same');
	$client->quit;
	$client = EtfClient->start($three, @stored, startpos => $ends[0],
		timeline => 2);
	$client->expect(qr/^\{frame,tx,whole,.*\[3000001\]/,
		'one that is part of the history is good');
	ok(!(grep { /^\{frame/ } @{ $client->{skipped} }), 'nothing comes twice');
	$client->say('{auto, ack}');
	insert($three, 3001001, 3001001);
	$client->expect(qr/^\{frame,.*\[3001001\]/, 'the rest');
	is($client->stop, 0, 'stop');
	$client->quit;
	$client = EtfClient->start($three, @stored, startpos => $ends[0]);
	$client->expect(qr/^\{fatal,gap,.*the slot starts at/s,
		'a slot that is ahead of the stored position');
	$client->quit;
	$client = EtfClient->start($three, @stored, startpos => 1 << 60);
	$client->expect(qr/^\{fatal,gap,.*is ahead of the server/s,
		'a stored position ahead of the server');
	$client->quit;
	$client = EtfClient->start($three, @stored, startpos => 1 << 20,
		timeline => 7);
	$client->expect(
		qr/^\{fatal,wrong_server,.*is on timeline 3, but the consumer has changes of timeline 7/s,
		'a primary from before a failover');
	$client->quit;
};

subtest 'a standby that is not promoted yet' => sub {
	my $four = EtfStandby->new($three, 'four', synchronize => 1);

	my $client = EtfClient->start($three, @credit);
	$client->say('{auto, ack}');
	ok(EtfStandby::wait_until_synchronized($four, 's', $three),
		'the standby keeps the slot');
	is($client->stop, 0, 'the reader of the primary stops');
	$client->quit;
	$client = EtfClient->start($four, @credit, @eager);
	$client->expect(
		qr/^\{status,reconnecting,(?=.*class => slot_active).*synchronized from the primary/s,
		'is waited for');
	$three->stop('fast');
	$four->promote;
	insert($four, 4000001, 4000001);
	$client->expect(qr/^\{frame,tx,whole,.*\[4000001\]/,
		'and read when it is promoted');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->quit;
};

done_testing();
