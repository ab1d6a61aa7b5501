# Transactions in progress, as a server sends them that says just what a test
# needs: what is kept, what is delivered, what is confirmed.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfFrames;
use FakeServer;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

$SIG{PIPE} = 'IGNORE';

my $dir = PostgreSQL::Test::Utils::tempdir();

# What a stream is made of, then its end, and the client's last words about it.
sub print_all
{
	my ($frames, @options) = @_;
	my $server = FakeServer->new(
		stream => [ map({ frame($_) } @$frames), message('c', '') ]);
	my ($out, $err) = ('', '');

	IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname', $server->{conninfo},
			'--slot=s', '--no-loop', '--control=off', '--print=erlang',
			"--spool-dir=$dir", @options ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
	is_deeply([ glob "$dir/*" ], [], 'no file is to be seen');
	return wantarray ? ($out, $err) : $out;
}

# The ids of each transaction, without the cuts of frames.
sub ids
{
	my ($text) = @_;

	return map { [ /\{insert,1,\{(\d+)\}\}/g ] } split /\n/, $text;
}

subtest 'what comes out is what the server sends whole' => sub {
	my @streamed = (stream_frame('first', 7, 7, 0, 1, 2),
		stream_frame('more', 7, 8, 2, 3, 4),
		stream_frame('first', 20, 20, 0, 50),
		stream_frame('more', 7, 9, 4, 5),
		stream_abort(7, 9), stream_abort(7, 8),
		tx_frame('whole', 30, 0x2000, 0, 90),
		stream_frame('more', 7, 7, 5, 6, 7),
		stream_frame('more', 20, 21, 1, 51),
		stream_commit(20, 0x2100), stream_commit(7, 0x2200));
	my @whole = (tx_frame('whole', 30, 0x2000, 0, 90),
		tx_frame('first', 20, 0x2100, 0, 50),
		tx_frame('last', 20, 0x2100, 1, 51),
		tx_frame('first', 7, 0x2200, 0, 1, 2),
		tx_frame('last', 7, 0x2200, 2, 6, 7));
	my $out = print_all(\@streamed, '--streaming');

	is($out, print_all(\@whole), 'byte for byte');
	is_deeply([ ids($out) ], [ [90], [50], [51], [ 1, 2 ], [ 6, 7 ] ],
		'in the order of the commits');
};

# The same from a file, as pg_recvlogical writes it.
subtest 'a file' => sub {
	my $path = "$dir/../streams.$$";
	my $read = sub {
		my (@options) = @_;
		my ($out, $err) = ('', '');

		IPC::Run::run([ $ENV{ETF_CLIENT}, "--read=$path", @options ],
			'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
		return ($out, $err, $? >> 8);
	};
	my @frames = (stream_frame('first', 7, 7, 0, 1, 2),
		stream_frame('more', 7, 8, 2, 3), tx_frame('whole', 30, 0x2000, 0, 90),
		stream_frame('first', 9, 9, 0, 1), stream_abort(7, 8), stream_abort(9, 9),
		stream_commit(7, 0x2200), stream_frame('first', 10, 10, 0, 1));

	append_to_file($path, join "\n", @frames, '');
	my ($out) = $read->('--print=json', "--spool-dir=$dir");
	is_deeply([ $out =~ /"id":(\d+)/g ], [ 90, 1, 2 ],
		'what is committed, in order of the commits') or diag $out;
	like($out, qr/"id":2\},"commit_lsn":"0\/2200","index":1,/, 'at its place');
	my (undef, $err, $status) =
	  $read->('--print=json', "--spool-dir=$dir", '--spool-bytes=10');
	is($status, 16, 'a limit that is too low is an error');
	like($err, qr/error: .*spool_bytes, 10.*hint: .*--spool-bytes/s, 'that says so');
	append_to_file($path, stream_commit(11, 0x2300) . "\n");
	(undef, $err, $status) = $read->('--print=json', "--spool-dir=$dir");
	is($status, 10, 'an end without a begin is one, too');
	like($err, qr/ends that has not begun/, 'that says so');
	unlink $path;
};

subtest 'streams that leave nothing' => sub {
	my @frames = (stream_frame('first', 7, 7, 0, 1), stream_abort(7, 7),
		stream_abort(99, 99), stream_abort(99, 98),
		stream_frame('first', 8, 9, 0, 1), stream_abort(8, 9),
		stream_commit(8, 0x2000), tx_frame('whole', 30, 0x2100, 0, 90));

	is_deeply([ ids(print_all(\@frames, '--streaming')) ], [ [90] ],
		'are not mentioned');
	is_deeply([ ids(print_all(\@frames, '--streaming', '-oskip_empty=off')) ],
		[ [], [90] ], 'unless empty transactions are wanted');
};

subtest 'a stream begun anew is another one' => sub {
	my @frames = (stream_frame('first', 7, 7, 0, 1, 2),
		stream_frame('first', 7, 7, 0, 3), stream_commit(7, 0x2000));

	is_deeply([ ids(print_all(\@frames, '--streaming')) ], [ [3] ],
		'what was kept is void');
};

subtest 'the end that was asked for' => sub {
	my @frames = (stream_frame('first', 7, 7, 0, 1),
		stream_frame('first', 8, 8, 0, 2),
		stream_commit(7, 0x2000), stream_commit(8, 0x2100));

	is_deeply([ ids(print_all(\@frames, '--streaming', '--endpos=0/2008')) ],
		[ [1] ], 'is that of a commit');
};

subtest 'what the server cannot mean' => sub {
	my %frames = ('not begun' => [ stream_frame('more', 7, 7, 0, 1) ],
		'left out' => [ stream_frame('first', 7, 7, 0, 1),
			stream_frame('more', 7, 7, 2, 1) ],
		'ends that has not begun' => [ stream_commit(7, 0x2000) ],
		'within a transaction' => [ tx_frame('first', 7, 0x2000, 0, 1),
			stream_frame('first', 8, 8, 0, 1) ],
		'before what came' => [ tx_frame('whole', 7, 0x2000, 0, 1),
			stream_frame('first', 8, 8, 0, 1), stream_commit(8, 0x1ff0) ]);

	for my $text (sort keys %frames)
	{
		my (undef, $err) = print_all($frames{$text}, '--streaming');

		like($err, qr/error: frames are out of order: .*\Q$text\E/, $text);
	}
	like((print_all([ stream_frame('first', 7, 7, 0, 1) ]))[1],
		qr/not asked for/, 'a stream that was not asked for');
};

# A client behind a Port, its server, and what the server was told: a line for
# each connection, with the options that it asked for.
sub start
{
	my ($say, %setting) = @_;
	my $log = "$dir/../started.$$";
	my $connections = 0;
	my $server;

	unlink $log;
	$server = FakeServer->new(
		stream => sub {
			my ($handle, $sql) = @_;
			append_to_file($log, "$sql\n");
			my $number = () = slurp_file($log) =~ /\n/g;
			$say->($handle, $number, $sql);
			get_status($handle) while 1;
		});
	return (EtfClient->start($server, control => 'false',
			streaming => 'true', spool_dir => "<<\"$dir\">>",
			reconnect_min => 50, reconnect_max => 200, %setting),
		$server, $log);
}

sub put_frames
{
	my ($handle, @frames) = @_;

	$handle->syswrite(frame($_)) for @frames;
	return;
}

# How many events were sent, once there are so many.
sub sent
{
	my ($client, $events) = @_;
	my $until = time + 60;
	my $sent = $client->stat('sent_events');

	while ($sent < $events && time < $until)
	{
		sleep 1;
		$sent = $client->stat('sent_events');
	}
	return $sent;
}

subtest 'what is kept costs no credit' => sub {
	my ($client, $server) = start(sub {
		my ($handle) = @_;

		put_frames($handle,
			map({ stream_frame($_ ? 'more' : 'first', 7, 7, $_, $_) } 0 .. 99),
			stream_frame('first', 8, 8, 0, 1), stream_abort(8, 8));
		$handle->syswrite(keepalive(0x1800));
		get_status($handle) for 1 .. 2;
		put_frames($handle, stream_commit(7, 0x2000));
	});

	$client->expect(qr/^\{status,connected,/, 'connected');
	$client->expect(qr/^\{position,6144\}/,
		'a keepalive is followed while a stream is open');
	$client->silent(qr/^\{frame/, 1, 'nothing is delivered without credit');
	is($client->stat('streams'), 2, 'two streams');
	is($client->stat('streams_aborted'), 1, 'one of them is void');
	is($client->stat('open_streams'), 1, 'one is kept');
	cmp_ok($client->stat('spooled_bytes'), '>', 1000, 'in a file');
	$client->say('{auto, quiet}');
	$client->say('{credit, 30, 1000000}');
	is(sent($client, 30), 30, 'as much as there is credit for');
	$client->say('{credit, 70, 1000000}');
	is(sent($client, 100), 100, 'and then the rest');
	is($client->stat('spooled_bytes'), 0, 'the file is gone');
	is($client->stat('open_streams'), 0, 'nothing is open');
	$client->say('ack');
	is($client->stat('flushed_lsn'), 0x2008, 'its end is confirmed');
	$client->is_clean('credit and order are kept');
	is($client->stop, 0, 'a clean end');
};

subtest 'other transactions are confirmed while a stream is open' => sub {
	my $told = "$dir/../told.$$";
	my ($client, $server) = start(sub {
		my ($handle) = @_;

		put_frames($handle, stream_frame('first', 7, 7, 0, 1),
			tx_frame('whole', 30, 0x2000, 0, 90));
		for (1 .. 100)
		{
			my (undef, $flushed) = get_status($handle);

			append_to_file($told, "$flushed\n");
			last if $flushed == 0x2008;
		}
	}, credit_events => 10, credit_bytes => 100000);

	$client->expect(qr/^\{frame,tx,whole,8192,/, 'an ordinary one comes');
	$client->say('ack');
	my $until = time + 60;
	sleep 1 while slurp_file($told) !~ /^8200$/m && time < $until;
	like(slurp_file($told), qr/^8200$/m, 'the server hears of it');
	is($client->stat('open_streams'), 1, 'the stream is still open');
	is($client->stop, 0, 'a clean end');
	unlink $told;
};

subtest 'a lost connection' => sub {
	my ($client, $server) = start(sub {
		my ($handle, $number) = @_;

		if ($number == 1)
		{
			put_frames($handle, stream_frame('first', 7, 7, 0, 1, 2),
				stream_frame('more', 7, 7, 2, 3),
				stream_frame('first', 8, 8, 0, 9),
				stream_commit(7, 0x2000));
			sleep 2;
			close $handle;
			POSIX::_exit(0);
		}
		put_frames($handle, tx_frame('first', 7, 0x2000, 0, 1),
			tx_frame('last', 7, 0x2000, 1, 2, 3)) if $number == 2;
		put_frames($handle, stream_frame('first', 7, 7, 0, 1, 2),
			stream_frame('more', 7, 7, 2, 3), stream_commit(7, 0x2000),
			stream_commit(8, 0x2100)) if $number == 3;
		if ($number == 2)
		{
			sleep 2;
			close $handle;
			POSIX::_exit(0);
		}
	}, credit_events => 2, credit_bytes => 100000);

	$client->expect(qr/^\{frame,tx,first,8192,8200,0,2,\[1,2\]\}/,
		'the first part comes');
	$client->expect(qr/^\{status,disconnected,/, 'the connection ends');
	$client->say('{credit, 100, 1000000}');
	$client->expect(qr/^\{rewind,8192\}/, 'it begins again');
	$client->expect(qr/^\{frame,tx,first,8192,8200,0,1,\[1\]\}/, 'whole now');
	$client->expect(qr/^\{frame,tx,last,8192,8200,1,2,\[2,3\]\}/, 'to its end');
	$client->expect(qr/^\{fatal,protocol,.*ends that has not begun/,
		'a stream does not survive its connection');
	is_deeply([ grep { /^\{frame/ } @{ $client->{skipped} } ], [],
		'what was delivered does not come again');
	$client->is_clean('credit and order are kept');
};

# Whatever the spool meets: a warning, and the server is asked no more.
sub falls_back
{
	my ($name, $warning, %setting) = @_;
	my ($client, $server, $log) = start(sub {
		my ($handle, $number, $sql) = @_;

		put_frames($handle, tx_frame('whole', 30, 0x2000, 0, 90)) ;
		put_frames($handle, $sql =~ /streaming/
			  ? (map({ stream_frame('first', $_, $_, 0, 1) } 7, 40 .. 60),
				stream_frame('more', 7, 7, 1, 2 .. 2000), stream_commit(7, 0x2100))
			: tx_frame('whole', 7, 0x2100, 0, 1 .. 2000));
	}, credit_events => 100000, credit_bytes => 10000000, %setting);

	$client->expect(qr/^\{frame,tx,whole,8192,/, "$name: what comes before");
	$client->expect(qr/^\{log,warning,.*$warning.*without streaming/,
		"$name: a warning");
	$client->expect(qr/^\{frame,tx,whole,8448,8456,0,2000,/,
		"$name: the transaction comes");
	is_deeply([ map { /"streaming" 'on'/ ? 1 : 0 } split /\n/, slurp_file($log) ],
		[ 1, 0 ], "$name: asked for once");
	$client->is_clean("$name: credit and order are kept");
	is($client->stop, 0, "$name: a clean end");
	return;
}

subtest 'what cannot be kept' => sub {
	falls_back('too much', 'spool_bytes, 1000', spool_bytes => 1000);
	falls_back('no directory', 'nowhere: cannot make a file: No such file',
		spool_dir => '<<"/nowhere">>');

	my $program = "$dir/../few_files.$$";
	append_to_file($program, "#!/bin/sh\nulimit -n 16\nexec $ENV{ETF_CLIENT} \"\$@\"\n");
	chmod 0755, $program;
	{
		local $ENV{ETF_CLIENT} = $program;
		falls_back('too few descriptors', 'Too many open files');
	}
	unlink $program;
	append_to_file($program, "#!/bin/sh\nulimit -f 1\nexec $ENV{ETF_CLIENT} \"\$@\"\n");
	chmod 0755, $program;
	{
		local $ENV{ETF_CLIENT} = $program;
		falls_back('too long a file', 'File too large');
	}
	unlink $program;
};

# Where tables are altered in what is in progress, a server can fail.
subtest 'what the server cannot stream' => sub {
	my ($client, $server, $log) = start(sub {
		my ($handle, $number, $sql) = @_;

		return put_frames($handle, tx_frame('whole', 7, 0x2100, 0, 1, 2))
		  if $sql !~ /streaming/;
		put_frames($handle, stream_frame('first', 7, 7, 0, 1));
		$handle->syswrite(error_response('E', 'XX000', 'could not map filenode'));
	}, credit_events => 100, credit_bytes => 100000);

	$client->expect(qr/^\{log,warning,.*could not map filenode.*without streaming/, 'a warning');
	$client->expect(qr/^\{frame,tx,whole,8448,/, 'the transaction comes');
	is_deeply([ map { /"streaming" 'on'/ ? 1 : 0 } split /\n/, slurp_file($log) ],
		[ 1, 0 ], 'asked for once');
	is($client->stop, 0, 'a clean end');
};

# A disk that has lost what was written, in the middle of a replay.
subtest 'what cannot be read again' => sub {
	my ($client, $server) = start(sub {
		my ($handle, $number, $sql) = @_;

		put_frames($handle, $sql =~ /streaming/
			  ? (map({ stream_frame($_ ? 'more' : 'first', 7, 7, $_, $_) } 0 .. 9),
				stream_commit(7, 0x2000))
			: tx_frame('whole', 7, 0x2000, 0, 0 .. 9));
	}, credit_events => 3, credit_bytes => 100000);

	$client->expect(qr/^\{frame,tx,middle,8192,8200,2,1,\[2\]\}/, 'a part comes');
	my ($file) = grep { (readlink($_) // '') =~ /^\Q$dir\E/ }
	  glob '/proc/' . $client->client_pid . '/fd/*';
	truncate $file, 1 or die "$file: $!";
	$client->say('{credit, 100, 100000}');
	$client->expect(qr/^\{log,warning,.*cannot read: Input\/output error; reconnecting/,
		'a warning');
	$client->expect(qr/^\{rewind,8192\}/, 'the transaction begins again');
	$client->expect(qr/^\{frame,tx,whole,8192,8200,0,10,/, 'whole');
	$client->is_clean('credit and order are kept');
	is($client->stop, 0, 'a clean end');
};

subtest 'settings that do not go together' => sub {
	for my $option (qw(streaming two_phase))
	{
		my ($out, $err) = print_all([], "-o$option=on");

		like($err, qr/plugin option $option: use the setting/, $option);
	}
};

done_testing();
