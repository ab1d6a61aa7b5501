# Prepared transactions: what is delivered, once, and what is confirmed.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfFrames;
use EtfTest;
use FakeServer;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

$SIG{PIPE} = 'IGNORE';

my @slot = (slot_name => 's', slot_type => 'logical', plugin =>
	  'pg_etf_decoding', ours => 't', confirmed_flush_lsn => '0/1000',
	wal_status => 'reserved', reason => undef, set_config => '0');

sub print_all
{
	my ($frames, $two_phase, @options) = @_;
	my $server = FakeServer->new(slot => answer(@slot, two_phase => $two_phase),
		stream => [ map({ frame($_) } @$frames), message('c', '') ]);
	my ($out, $err) = ('', '');

	IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname', $server->{conninfo},
			'--slot=s', '--no-loop', '--control=off', @options ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
	return ($out, $err);
}

subtest 'lines of JSON' => sub {
	my @frames = (prepare_frame('first', 7, 0x2000, 0, 1),
		prepare_frame('last', 7, 0x2000, 1, 2), prepare_frame('whole', 8, 0x2100, 0),
		decision('commit_prepared', 7, 0x2200),
		decision('rollback_prepared', 8, 0x2300));
	my ($out) = print_all(\@frames, 't', '--two-phase', '--print=json', '--transactions');
	my @lines = map { s/,"(?:commit_time|end_lsn)":".*?"//gr } split /\n/, $out;

	is_deeply(\@lines, [
		'{"op":"begin","xid":7,"commit_lsn":"0/2000","prepared":"g7"}',
		'{"op":"insert","schema":"public","table":"t","record":{"id":1},"commit_lsn":"0/2000","index":0,"xid":7,"prepared":"g7"}',
		'{"op":"insert","schema":"public","table":"t","record":{"id":2},"commit_lsn":"0/2000","index":1,"xid":7,"prepared":"g7"}',
		'{"op":"prepare","xid":7,"commit_lsn":"0/2000","prepared":"g7"}',
		'{"op":"begin","xid":8,"commit_lsn":"0/2100","prepared":"g8"}',
		'{"op":"prepare","xid":8,"commit_lsn":"0/2100","prepared":"g8"}',
		'{"op":"commit_prepared","xid":7,"commit_lsn":"0/2200","prepared":"g7"}',
		'{"op":"rollback_prepared","xid":8,"commit_lsn":"0/2300","prepared":"g8"}' ],
		'name what may be rolled back') or diag $out;
};

subtest 'a slot and a setting that do not fit' => sub {
	like((print_all([], 't'))[1], qr/error: slot "s" is a two-phase slot, and two_phase is off\n.*hint: Set two_phase/,
		'a two-phase slot is not read without it');
	like((print_all([], 'f', '--two-phase'))[1],
		qr/warning: slot "s" becomes a two-phase slot, for good/,
		'one that becomes a two-phase slot is a warning');
	like((print_all([ prepare_frame('whole', 7, 0x2000, 0, 1) ], 'f'))[1],
		qr/not asked for/, 'nobody gets what was not asked for');
};

# The slot is at 0/1000: what ends before was prepared before the slot looked.
subtest 'what comes again, and what comes late' => sub {
	my $log = PostgreSQL::Test::Utils::tempdir() . '/started';
	my $server = FakeServer->new(slot => answer(@slot, two_phase => 't'),
		session => answer(version => '150020', pid => 7, lsn => '0/9000',
			sender_timeout => 60000),
		stream => sub {
			my ($handle, $sql) = @_;
			append_to_file($log, "$sql\n");
			my $number = () = slurp_file($log) =~ /\n/g;

			# Only what was confirmed meanwhile does not come again.
			$handle->syswrite(frame(prepare_frame('whole', 7, 0x2000, 0, 1)))
			  if $number == 1;
			$handle->syswrite(frame($_))
			  for (prepare_frame('whole', 5, 0x800, 0, 5, 6),
				decision('commit_prepared', 5, 0x2100));
			$handle->syswrite(frame($_)) for $number == 1
			  ? prepare_frame('first', 4, 0x700, 0, 7)
			  : (prepare_frame('first', 4, 0x700, 0, 7),
				prepare_frame('last', 4, 0x700, 1, 8),
				decision('commit_prepared', 4, 0x2200),
				tx_frame('whole', 9, 0x2300, 0, 9));
			if ($number == 1)
			{
				sleep 2;
				POSIX::_exit(0);
			}
			get_status($handle) while 1;
		});
	my $client = EtfClient->start($server, control => 'false', two_phase => 'true',
		credit_events => 100, credit_bytes => 100000, reconnect_min => 50);

	$client->expect(qr/^\{frame,prepare,whole,8192,8200,0,1,\[1\]\}/, 'a prepared one');
	$client->expect(qr/^\{frame,prepare,whole,2048,2056,0,2,\[5,6\]\}/, 'a late one');
	$client->expect(qr/^\{frame,commit_prepared,whole,8448,/, 'and its commit');
	$client->expect(qr/^\{frame,prepare,first,1792,1800,0,1,\[7\]\}/, 'half a late one');
	$client->say('{send, {flushed, 8200}}');
	$client->expect(qr/^\{status,disconnected,/, 'the connection ends');
	$client->expect(qr/^\{rewind,1792\}/, 'that one begins again');
	is_deeply([ grep { /^\{(frame|log)/ } @{ $client->{skipped} } ], [],
		'what was delivered does not come again');
	$client->expect(qr/^\{frame,prepare,first,1792,1800,0,1,\[7\]\}/, 'with its first part');
	$client->expect(qr/^\{frame,prepare,last,1792,1800,1,1,\[8\]\}/, 'to its end');
	$client->say('{send, {flushed, 1800}}');
	$client->expect(qr/^\{frame,commit_prepared,whole,8704,/, 'its commit');
	$client->expect(qr/^\{frame,tx,whole,8960,/, 'and on');
	is($client->stat('flushed_lsn'), 8200, 'a late one moves no position');
	is_deeply([ grep { /^\{log/ } @{ $client->{skipped} } ], [],
		'and acknowledging it is no reason to warn');
	is($client->stat('sent_events'), 9, 'decisions cost an event each');
	$client->say('ack');
	is($client->stat('flushed_lsn'), 0x2308, 'the last end is confirmed');
	$client->is_clean('credit and order are kept');
	is($client->stop, 0, 'a clean end');
};

my $etf = EtfTest->new('two_phase');

if ($etf->version < 14)
{
	$etf->stop;
	done_testing();
	exit;
}

# Whoever is lost between PREPARE and the decision.
subtest 'between PREPARE and the decision' => sub {
	my %setting = (two_phase => 'true', streaming => 'true',
		credit_events => 1000, credit_bytes => 1000000);

	$etf->sql('CREATE TABLE t (id int PRIMARY KEY)');
	my $client = EtfClient->start($etf->node, create => 'if_missing', %setting);
	$client->expect(qr/^\{status,connected,/, 'connected');
	for my $id (1 .. 3)
	{
		$etf->sql("BEGIN; INSERT INTO t VALUES ($id); PREPARE TRANSACTION 'p$id'");
		$client->expect(qr/^\{frame,prepare,whole,\d+,(\d+),0,1,\[$id\]\}/, "number $id");
		$client->say('ack') if $id < 3;
	}
	my $confirmed = sub { return $etf->confirmed('s'); };
	my $until = time + 60;
	sleep 1 while $client->stat('unacknowledged') > 1 && time < $until;
	is($client->stop, 0, 'a stop confirms what is acknowledged');
	$etf->node->restart;

	$client = EtfClient->start($etf->node, %setting);
	$client->expect(qr/^\{frame,prepare,whole,\d+,\d+,0,1,\[3\]\}/,
		'only what was not acknowledged comes again');
	kill 'KILL', $client->client_pid;
	$client->expect(qr/^\{exit,/, 'a client is killed');
	$etf->sql("COMMIT PREPARED 'p1'");
	$etf->sql("ROLLBACK PREPARED 'p2'");
	$etf->sql("COMMIT PREPARED 'p3'");
	$client = EtfClient->start($etf->node, %setting);
	$client->expect(qr/^\{frame,prepare,whole,\d+,\d+,0,1,\[3\]\}/, 'again');
	$client->expect(qr/^\{frame,commit_prepared,.*<<112,49>>/, 'the first is committed');
	$client->expect(qr/^\{frame,rollback_prepared,.*<<112,50>>/, 'the second is not');
	$client->expect(qr/^\{frame,commit_prepared,.*<<112,51>>/, 'the third is');
	$client->say('ack');
	is($client->stop, 0, 'a clean end');
};

$etf->stop;
done_testing();
