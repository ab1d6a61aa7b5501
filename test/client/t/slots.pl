# Slots that are made, left, looked at: none stays behind, none is read by
# mistake, and nothing is confirmed that should not be.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('slots');
my $node = $etf->node;
my @credit = (credit_events => 100000, credit_bytes => 1000000000);

$etf->sql('CREATE TABLE t (id int PRIMARY KEY)');
$etf->sql('CREATE ROLE reader LOGIN REPLICATION');

# Run the printer; its status, stdout and stderr.
sub client
{
	my ($out, $err) = ('', '');

	IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'),
			@_ ], '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
	return ($? >> 8, $out, $err);
}

sub slots
{
	return $etf->sql('SELECT count(*) FROM pg_replication_slots');
}

sub wait_for_end { return $etf->wait_until_idle('s'); }

subtest 'a slot is dropped when its stream does not start' => sub {
	my @wrong = (options => '#{dialect => nonsense}');
	my $client = EtfClient->start($node, create => 'if_missing', @wrong);

	$client->expect(qr/^\{fatal,config,.*dialect/, 'a bad option of the plugin');
	is($client->exit_status, 3, 'with the status of config');
	is(slots(), 0, 'the slot that was made is gone');
	$etf->slot('s');
	$client = EtfClient->start($node, create => 'if_missing', @wrong);
	$client->expect(qr/^\{fatal,config/, 'the same with a slot that was there');
	$client->exit_status;
	is(slots(), 1, 'that stays');
	$etf->drop_slot('s');

	my @print = qw(--slot=s --create-slot --print=json);
	my ($status, $out, $err) = client(@print, '-o', 'dialect=nonsense');
	is($status, 3, 'printed');
	is(slots(), 0, 'the slot that was made is gone');
	$etf->slot('s');
	($status) = client(@print, '--if-not-exists', '-o', 'dialect=nonsense');
	is($status, 3, 'printed from a slot that was there');
	is(slots(), 1, 'that stays');
	($status, $out, $err) = client(@print, '--tables=public.t,orders');
	is($status, 2, 'a table without a schema');
	like($err, qr/"orders" has no schema: did you mean "public\.orders"\?/,
		'is told before anything is made');
	$etf->drop_slot('s');
};

subtest 'a temporary slot is never a permanent one' => sub {
	$etf->slot('s');
	$etf->sql('INSERT INTO t VALUES (1)');
	my $before = $etf->confirmed('s');
	my ($status, $out, $err) = client(qw(--slot=s --temporary --print));

	is($status, 3, 'refused');
	like($err, qr/"s" exists and is not temporary.*--peek/s,
		'with what to do instead');
	is($out, '', 'nothing is printed');
	my $client = EtfClient->start($node, create => 'temporary');
	$client->expect(qr/^\{fatal,config,.*is not temporary/s,
		'nor over the Port');
	$client->exit_status;
	is($etf->confirmed('s'), $before, 'it is where it was');
	$etf->drop_slot('s');

	my @run = ($ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'),
		'--temporary', '--print=json');
	($out, $err) = ('', '');
	my $run = IPC::Run::start(\@run, '<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout(60));
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM
		pg_replication_slots WHERE temporary AND active
		AND slot_name LIKE 'pg\_etf\_client\_%'});
	$etf->sql('INSERT INTO t VALUES (2)');
	$run->pump until $out =~ /\n/;
	like($out, qr/"id":2/, 'without a name it gets one of its own');
	$run->signal('INT');
	ok($run->finish, 'Ctrl-C');
	is(slots(), 0, 'and nothing stays');
};

subtest 'peek' => sub {
	$etf->slot('s');
	my $before = $etf->confirmed('s');
	$etf->sql("INSERT INTO t VALUES ($_)") for 11 .. 13;
	my @peek = ('--slot=s', '--peek', '--print=json', '--status-interval=200ms');
	foreach my $round (1, 2)
	{
		my ($status, $out, $err) =
		  client(@peek, '--endpos=' . $etf->end_of_wal);

		is($status, 0, "round $round: a clean end");
		is(() = $out =~ /"id":1[123]/g, 3, "round $round: all of it");
		is($err, '', "round $round: without a word");
		wait_for_end();
		is($etf->confirmed('s'), $before, "round $round: nothing is confirmed");
	}
	my $client = EtfClient->start($node, @credit, peek => 'true',
		status_interval => 100);
	$client->say('{auto, ack}');
	is_deeply($client->rows_until(13), [ 11 .. 13 ], 'over the Port');
	$etf->sql('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots');
	$client->expect(qr/^\{status,connected,.*reconnects => 1/s, 'again');
	$etf->sql('INSERT INTO t VALUES (14)');
	is_deeply($client->rows_until(14), [14], 'a process sees nothing twice');
	$node->stop('fast');
	$client->expect(qr/^\{status,disconnected/, 'a shutdown does not wait');
	$client->quit;
	$node->start;
	is($etf->confirmed('s'), $before, 'and nothing is confirmed');
	$etf->drop_slot('s');
};

# Delivered, not acknowledged, and then without a stream.
sub parked
{
	my (@settings) = @_;
	my $client = EtfClient->start($node, credit_events => 1,
		credit_bytes => 100000, max_stall => 200, @settings);

	$client->expect(qr/^\{frame/, 'a frame is delivered');
	$client->expect(qr/^\{status,disconnected,.*stalled/, 'then it is parked');
	wait_for_end();
	return $client;
}

sub flushed
{
	my ($client, $lsn) = @_;

	$client->say("{send, {flushed, $lsn}}");
	is($client->stop, 0, 'a clean stop');
	$client->quit;
	return;
}

subtest 'what was acknowledged without a stream is confirmed' => sub {
	my $at = "SELECT confirmed_flush_lsn - '0/0'::pg_lsn FROM pg_replication_slots";
	my $end;

	$etf->slot('s');
	$etf->sql("INSERT INTO t VALUES ($_)") for 21 .. 25;
	my $client = parked(conninfo => '<<"'
		  . $node->connstr('postgres') . ' user=reader">>');
	$client->say('frames');
	$client->expect(qr/^\{frames,1,(\d+)/, 'its end');
	$end = $client->{match}[0];
	flushed($client, $end);
	is($etf->sql($at), $end, 'while parked');

	$client = parked(control => 'false');
	$client->say('frames');
	$client->expect(qr/^\{frames,1,(\d+)/, 'its end');
	$end = $client->{match}[0];
	flushed($client, $end);
	is($etf->sql($at), $end, 'without a control connection until then');

	$client = parked();
	$client->say('frames');
	$client->expect(qr/^\{frames,1,(\d+)/, 'its end');
	$end = $client->{match}[0];
	my $other = EtfClient->start($node);
	$other->expect(qr/^\{status,connected/, 'somebody else reads');
	flushed($client, $end);
	cmp_ok($etf->sql($at), '<', $end, 'then the slot is left alone');
	$other->quit;
	wait_for_end();

	$client = parked();
	$client->say('frames');
	$client->expect(qr/^\{frames,1,(\d+)/, 'its end');
	$end = $client->{match}[0];
	$etf->sql(q{SELECT pg_replication_slot_advance('s', pg_current_wal_lsn())});
	my $beyond = $etf->sql($at);
	flushed($client, $end);
	is($etf->sql($at), $beyond, 'and never moved back');

	$etf->drop_slot('s');
};

subtest 'a slow server has until stop_timeout to confirm it' => sub {
	$etf->slot('s');
	$etf->sql("INSERT INTO t VALUES ($_)") for 26, 27;
	my $client = parked(stop_timeout => 30000);
	my $its = q{FROM pg_stat_activity WHERE application_name = 'pg_etf_client'};
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $its"), 'it is connected');
	my $control = $etf->sql("SELECT pid $its");

	$client->say('frames');
	$client->expect(qr/^\{frames,1,(\d+)/, 'its end');
	my $end = $client->{match}[0];
	kill STOP => $control;
	$client->say("{send, {flushed, $end}}");
	$client->say('{send, stop}');
	$client->silent(qr/^\{(?:log|exit)/, 7, 'it is waited for');
	kill CONT => $control;
	is($client->exit_status, 0, 'a clean stop');
	is($etf->sql(q{SELECT confirmed_flush_lsn - '0/0'::pg_lsn FROM pg_replication_slots}),
		$end, 'confirmed');
	$client->quit;
	$etf->drop_slot('s');
};

$etf->stop;
done_testing();
