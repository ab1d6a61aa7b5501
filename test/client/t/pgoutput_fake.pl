# pgoutput as a server sends it that says just what a test needs: the order of
# messages, errors in the middle of a transaction, streams.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use FakePgoutput;
use FakeServer;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

$SIG{PIPE} = 'IGNORE';

my $dir = PostgreSQL::Test::Utils::tempdir();
my %status = (config => 3, protocol => 10);

# A stream of these messages, and its end.
sub stream_of { return [ map({ frame($_) } @_), message('c', '') ]; }

# What is printed of a server that says this, what is said, and how it ends.
sub read_from
{
	my ($server, @options) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname', $server->{conninfo},
			'--slot=s', '--no-loop', '--print=erlang', "--spool-dir=$dir",
			'-opublication_names=p', '-orows=tuple', '-omessages=on', @options ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
	return ($out, $err, $? >> 8);
}

sub says
{
	my ($name, $words, $messages, @options) = @_;
	my (undef, $err, $code) =
	  read_from(FakePgoutput::server(stream => stream_of(@$messages)), @options);

	is($code, $status{protocol}, "$name: an error");
	like($err, qr/pgoutput: .*$words/, "$name: which");
	return;
}

subtest 'the order of messages' => sub {
	my ($out, $err) = read_from(FakePgoutput::server(stream => stream_of(
				pg_abort(9, 9), pg_begin(7, 0x2000), pg_origin('elsewhere'), pg_type(20002, 'mood'),
				pg_relation(), pg_insert(1, 10), pg_message('p', 'c'), pg_insert(2, 20),
				pg_relation(id => 23, w => 23), pg_insert(3, 30), pg_commit(0x2000))));

	like($out, qr/^\{tx,whole,\{7,8192,8200,/, 'one transaction') or diag $err;
	like($out, qr/origin => <<"elsewhere">>.*origin_lsn => 5|origin_lsn => 5.*origin => <<"elsewhere">>/,
		'of another server');
	like($out, qr/relation,.*<<"v">>.*\{1,10\}.*message.*\{2,20\}.*relation,.*<<"w">>.*\{3,30\}/s,
		'a table is described again when it has changed, and before its row');
	says('a row of a table that was not described', 'was not announced',
		[ pg_begin(7, 0x2000), pg_insert(1) ]);
	says('a row of other columns', 'was not announced',
		[ pg_begin(7, 0x2000), pg_relation(), pg_insert(1, 2, 3) ]);
	says('a row outside of transactions', 'was not announced',
		[ pg_begin(7, 0x2000), pg_relation(), pg_commit(0x2000), pg_insert(1) ]);
	says('an origin behind a row', 'an origin comes within',
		[ pg_begin(7, 0x2000), pg_relation(), pg_insert(1), pg_origin('elsewhere') ]);
	says('two begins', 'begins within another',
		[ pg_begin(7, 0x2000), pg_begin(8, 0x2100) ]);
	says('another end', 'ends that did not begin',
		[ pg_begin(7, 0x2000), pg_commit(0x2100) ]);
	says("a prepared transaction, '$_'", 'not asked for', [ $_ . pack 'Q>4', 1 .. 4 ])
	  for qw(b P K r);
};

# A server says it when it comes to the row.
subtest 'errors at which decoding ends' => sub {
	my %hint = (
		'Set format to auto' => [ '42883', 'no binary output function', 'getTypeBinaryOutputInfo' ],
		'made after the slot' => [ '42704', 'publication "p" does not exist', 'get_publication_oid' ],
		'label of an enum' => [ '22P03', 'invalid internal value for enum: 4711', 'enum_send' ],
		'too large for pgoutput' => [ 'XX000', 'invalid memory alloc request size 1073741827', 'palloc' ]);
	my @large = (
		[ 'XX000', 'invalid memory alloc request size 1073741827', 'MemoryContextSizeFailure' ],
		[ 'XX000', 'invalid memory alloc request size 1073741827', 'repalloc' ],
		[ '54000', 'out of memory', 'enlargeStringInfo' ],
		[ '54000', 'string buffer exceeds maximum allowed length', 'enlargeStringInfo' ]);

	for ((map { [ $_, $hint{$_} ] } sort keys %hint),
		map { [ 'too large for pgoutput', $_ ] } @large)
	{
		my ($words, $error) = @$_;
		my (undef, $err, $code) = read_from(FakePgoutput::server(stream => [
			map({ frame($_) } pg_begin(7, 0x2000), pg_relation(), pg_insert(1)),
			ended_by(@$error) ]), '--format=binary');

		is($code, $status{config}, "$error->[1]: ends");
		like($err, qr/error: .*\Q$error->[1]\E/, "$error->[1]: in the server's words");
		like($err, qr/hint: .*$words/, "$error->[1]: and what to do");
	}
};

subtest 'a two-phase slot' => sub {
	my (undef, $err, $code) = read_from(FakePgoutput::server(
			slot => answer(slot_name => 's', slot_type => 'logical', plugin => 'pgoutput',
				ours => 't', confirmed_flush_lsn => '0/1000', two_phase => 't')));

	is($code, $status{config}, 'is refused');
	like($err, qr/of pgoutput is a two-phase slot/, 'so');
};

# A client behind a Port, its server, and the commands that begin its streams.
sub start
{
	my ($say, %setting) = @_;
	my $log = "$dir/../started.$$";
	my %said = map { $setting{$_} ? ($_ => delete $setting{$_}) : () } qw(control catalogs notes);

	unlink $log;
	my $server = FakePgoutput::server(
		%said,
		stream => sub {
			my ($handle, $sql) = @_;

			append_to_file($log, "$sql\n");
			my $number = () = slurp_file($log) =~ /\n/g;
			$say->($handle, $number, $sql);
			get_status($handle) while 1;
		});
	return (EtfClient->start($server, reconnect_min => 50, reconnect_max => 200,
			spool_dir => "<<\"$dir\">>", credit_events => 1000, credit_bytes => 1000000,
			%setting,
			options => '#{publication_names => <<"p">>, rows => tuple, dialect => compact'
			  . ($setting{options} // '') . '}'),
		$server, $log);
}

sub put_messages
{
	my ($handle, @messages) = @_;

	$handle->syswrite(frame($_)) for @messages;
	return;
}

sub hang_up
{
	my ($handle) = @_;

	sleep 1;
	close $handle;
	POSIX::_exit(0);
}

# One that nobody has heard of: the message waits for the answer, as does all
# that comes behind it.
subtest 'catalogs that come late' => sub {
	my $asked = "$dir/../asked.$$";
	my ($client, $server) = start(sub {
		my ($handle) = @_;

		put_messages($handle, pg_begin(6, 0x1f00), pg_relation(), pg_insert(1), pg_commit(0x1f00),
			pg_begin(7, 0x2000), pg_relation(id => 23, m => 20002), pg_insert(2, \'ok'),
			pg_insert(3, \'ok'), pg_commit(0x2000));
	}, format => 'text', catalogs => sub {
		my ($handle, $sql) = @_;

		append_to_file($asked, '.');
		return $handle->syswrite(FakePgoutput::no_catalogs()) if $sql !~ /20002/;
		hang_up($handle) if length slurp_file($asked) == 2;
		sleep 3;
		$handle->syswrite(answer(what => 't', oid => 20002, name => 'mood', kind => 'e',
				part => 0, delimiter => ',', typmod => -1, sends => 't', extension => undef,
				field => undef, field_type => undef, field_typmod => undef, attnum => undef));
	});

	$client->expect(qr/^\{frame,tx,whole,7936,7944,0,1,\[1\]\}/, 'what is known comes');
	$client->silent(qr/^\{frame/, 2, 'what has to be asked for does not');
	$client->expect(qr/^\{frame,tx,whole,8192,8200,0,2,\[2,3\]\}/,
		'until it is answered, over another connection');
	$client->is_clean('in order');
	is($client->stop, 0, 'a clean end');
	unlink $asked;
};

# Each takes longer than a look at the slot may, and less than connect_timeout.
for my $slow (qw(control catalogs))
{
	subtest "$slow: slow to answer" => sub {
		my $asked = "$dir/../slow.$$";
		my %answer = (control => answer(server => 42), catalogs => FakePgoutput::no_catalogs());
		my ($client, $server) = start(sub {
			put_messages($_[0], pg_begin(7, 0x2000), pg_relation(), pg_insert(1), pg_commit(0x2000));
		}, connect_timeout => 30000, $slow => sub {
			append_to_file($asked, '.');
			sleep 7;
			$_[0]->syswrite($answer{$slow});
		});

		$client->expect(qr/^\{frame,tx,whole,8192,8200,0,1,\[1\]\}/, 'is waited for', 60);
		is_deeply([ grep { /reconnecting|^\{log,warning/ } @{ $client->{skipped} } ], [], 'without a word');
		is(length slurp_file($asked), 1, 'and asked once');
		is($client->stop, 0, 'a clean end');
		unlink $asked;
	};
}

# A question for a type takes their place; so does the end of the connection.
for my $case ([ 'with their connection', 1 ], [ 'to another question', 0 ])
{
	my ($how, $hangs_up) = @$case;

	subtest "notes that are lost $how" => sub {
		my $asked = "$dir/../notes.$$";
		my ($client, $server) = start(sub {
			my ($handle) = @_;

			sleep 1;
			put_messages($handle, pg_begin(7, 0x2000), pg_relation(id => 23, m => 20002),
				pg_insert(2, \'ok'), pg_commit(0x2000)) if !$hangs_up;
		}, format => 'text', notes => sub {
			my ($handle) = @_;

			append_to_file($asked, '.');
			hang_up($handle) if $hangs_up && length slurp_file($asked) == 1;
			sleep 2 if length slurp_file($asked) == 1;
			$handle->syswrite(answer(kind => 'generated', count => 1, names => 'public.gen'));
		}, catalogs => sub { $_[0]->syswrite(FakePgoutput::no_catalogs()) });

		$client->expect(qr/^\{log,warning,.*generated columns.*public\.gen/, 'come all the same');
		$client->silent(qr/^\{log,warning,.*generated columns/, 2, 'and once');
		is(length slurp_file($asked), 2, 'asked for again');
		is($client->stop, 0, 'a clean end');
		unlink $asked;
	};
}

# Each ends its connection, which is needed for other things.
subtest 'notes that nobody can tell' => sub {
	my $asked = "$dir/../notes.$$";
	my ($client, $server) = start(sub { }, notes => sub {
		append_to_file($asked, '.');
		$_[0]->syswrite(error_response('E', '42P01', 'no such table') . message('Z', 'I'));
	});

	$client->silent(qr/^\{status,disconnected/, 18, 'the stream goes on');
	is(length slurp_file($asked), 3, 'are asked for three times');
	is($client->stop, 0, 'a clean end');
	unlink $asked;
};

# Frames of the transaction are out when the server finds that it has no binary
# form: it comes anew, as text, and nothing of it twice.
subtest 'no binary form, within a transaction' => sub {
	my ($client, $server, $log) = start(sub {
		my ($handle, $number, $sql) = @_;

		if ($sql =~ /binary/)
		{
			put_messages($handle, pg_begin(7, 0x2000), pg_relation(),
				map({ pg_insert($_) } 1 .. 40));
			return $handle->syswrite(ended_by('42883',
					'no binary output function available for type aclitem', 'getTypeBinaryOutputInfo'));
		}
		put_messages($handle, pg_begin(7, 0x2000), pg_relation(),
			map({ pg_insert(\"$_", undef) } 1 .. 50), pg_commit(0x2000));
	}, options => ', frame_bytes => 200');

	$client->expect(qr/^\{frame,tx,first,8192,0,0,/, 'the first part comes');
	$client->expect(qr/^\{log,warning,.*no binary output function.*values as text/s, 'it says why');
	$client->expect(qr/^\{rewind,8192\}/, 'it begins again');
	$client->expect(qr/^\{frame,tx,first,8192,0,0,/, 'from its first event');
	is_deeply($client->rows_until(50)->[-1], 50, 'to the last one');
	like(slurp_file($log), qr/binary 'true'.*\n.*publication_names 'p'\)/, 'asked for once');
	$client->say('ack');
	is($client->stat('flushed_lsn'), 0x2008, 'its end is confirmed');
	$client->is_clean('credit and order are kept');
	is($client->stop, 0, 'a clean end');
};

# What was delivered is passed over; but the server has told of the table.
subtest 'a stream that comes again' => sub {
	my @stream = (pg_stream(7, 1, 7 => pg_relation(), 7 => pg_insert(1), 8 => pg_insert(2)),
		pg_stream(7, 0, 7 => pg_insert(3)), pg_stream_commit(7, 0x2000));
	my ($client, $server) = start(sub {
		my ($handle, $number) = @_;

		put_messages($handle, @stream);
		hang_up($handle) if $number == 1;
		put_messages($handle, pg_begin(9, 0x2100), pg_insert(4), pg_commit(0x2100));
	}, streaming => 'true');

	$client->expect(qr/^\{frame,tx,whole,8192,8200,0,3,\[1,2,3\]\}/, 'it comes, its end is known');
	$client->expect(qr/^\{frame,tx,whole,8448,8456,0,1,\[4\]\}/, 'then what is behind it');
	is_deeply([ grep { /^\{frame/ } @{ $client->{skipped} } ], [], 'and not once more');
	is($client->stat('open_streams'), 0, 'nothing is left of it');
	$client->is_clean('credit and order are kept');
	is($client->stop, 0, 'a clean end');
};

# The same, of several frames: while they are passed over, they are read.
subtest 'a long stream that comes again' => sub {
	my @stream = (pg_stream(7, 1, 7 => pg_relation(), map { (7 => pg_insert($_)) } 1 .. 60),
		pg_stream(7, 0, 7 => pg_insert(61)), pg_stream_commit(7, 0x2000));
	my ($client, $server, $log) = start(sub {
		my ($handle, $number) = @_;

		put_messages($handle, @stream);
		hang_up($handle) if $number == 1;
		put_messages($handle, pg_begin(9, 0x2100), pg_insert(62), pg_commit(0x2100));
	}, streaming => 'true', options => ', frame_bytes => 200');

	$client->expect(qr/^\{frame,tx,first,8192,8200,0,/, 'its first part comes');
	is_deeply($client->rows_until(61)->[-1], 61, 'and its last');
	$client->expect(qr/^\{frame,tx,whole,8448,8456,0,1,\[62\]\}/, 'then what is behind it');
	is_deeply([ grep { /^\{frame|^\{rewind|warning/ } @{ $client->{skipped} } ], [], 'and not once more');
	like(slurp_file($log), qr/streaming[^\n]*\n[^\n]*streaming[^\n]*\n\z/, 'streaming goes on');
	is($client->stat('open_streams'), 0, 'nothing is left of it');
	$client->is_clean('credit and order are kept');
	is($client->stop, 0, 'a clean end');
};

subtest 'streams' => sub {
	my @frames = (pg_stream(7, 1, 7 => pg_origin('elsewhere'), 8 => pg_relation(), 8 => pg_insert(1)),
		pg_stream(20, 1, 20 => pg_relation(), 20 => pg_insert(50)), pg_abort(7, 8),
		pg_begin(30, 0x2000), pg_relation(), pg_insert(90), pg_commit(0x2000),
		pg_stream(7, 0, 7 => pg_relation(), 7 => pg_insert(2), 9 => pg_insert(3)),
		pg_stream(40, 1), pg_stream_commit(40, 0x2080),
		pg_stream(41, 1), pg_stream(41, 0, 41 => pg_relation(), 41 => pg_insert(60)),
		pg_stream_commit(20, 0x2100), pg_abort(41, 41), pg_abort(99, 98),
		pg_stream_commit(7, 0x2200));
	my ($out, $err) =
	  read_from(FakePgoutput::server(stream => stream_of(@frames)), '--streaming');

	is_deeply([ map { [ /\{insert,1,\{(\d+)/g ] } split /\n/, $out ], [ [90], [50], [ 2, 3 ] ],
		'in the order of the commits, without what is void') or diag $err;
	like($out, qr/origin => <<"elsewhere">>/, 'with their origin');
	is_deeply([ glob "$dir/*" ], [], 'no file is to be seen');
	says('not asked for', 'not asked for', [ pg_stream(7, 1) ]);
	says('not begun', 'ends that has not begun', [ pg_stream_commit(7, 0x2000) ], '--streaming');
	says('within a transaction', 'within another', [ pg_begin(6, 0x1f00), pg_stream(7, 1) ],
		'--streaming');
	says('what is not of a stream', 'does not belong', [ (pg_stream(7, 1))[0], pg_begin(8, 0x2000) ],
		'--streaming');
};

# A type of a user's may have any bytes; of ours this would be a bug, and told.
subtest 'a value that is not what its type has' => sub {
	my ($out, $err) = read_from(FakePgoutput::server(stream => stream_of(pg_begin(7, 0x2000),
				pg_relation(id => 23, v => 20), map({ pg_insert($_, 10) } 1 .. 3),
				pg_commit(0x2000))), '--format=binary', '-v');

	like($out, qr/\{1,\{unparsed,<<0,0,0,10>>\}\}/, 'comes as it is') or diag $err;
	my @told = $err =~ /warning: (.*)/g;
	is_deeply(\@told, [ 'column "v" of table "public.t": a value is not what type "int8" '
		  . 'is known to have, such ones come as {unparsed, Bytes}' ], 'and is told, once');
};

# The server keeps them then.
subtest 'what cannot be kept' => sub {
	my ($client, $server, $log) = start(sub {
		my ($handle, $number, $sql) = @_;
		my @rows = map { pg_insert($_) } 1 .. 100;

		put_messages($handle, $sql =~ /streaming/
			? (pg_stream(7, 1, map({ (7, $_) } pg_relation(), @rows)), pg_stream_commit(7, 0x2000))
			: (pg_begin(7, 0x2000), pg_relation(), @rows, pg_commit(0x2000)));
	}, streaming => 'true', spool_bytes => 1000);

	$client->expect(qr/^\{log,warning,.*spool_bytes, 1000.*without streaming/, 'a warning');
	$client->expect(qr/^\{frame,tx,whole,8192,8200,0,100,/, 'the transaction comes');
	like(slurp_file($log), qr/proto_version '2', streaming 'on'.*\n.*proto_version '1'/,
		'asked for once');
	is($client->stop, 0, 'a clean end');
};

subtest 'what cannot be read again' => sub {
	my ($client, $server) = start(sub {
		my ($handle, $number, $sql) = @_;
		my @rows = map { pg_insert($_) } 1 .. 100;

		put_messages($handle, $sql =~ /streaming/
			? (pg_stream(7, 1, map({ (7, $_) } pg_relation(), @rows)), pg_stream_commit(7, 0x2000))
			: (pg_begin(7, 0x2000), pg_relation(), @rows, pg_commit(0x2000)));
	}, streaming => 'true', credit_events => 3, options => ', frame_bytes => 100');

	$client->expect(qr/^\{frame,tx,first,8192,8200,0,/, 'a part comes');
	my ($file) = grep { (readlink($_) // '') =~ /^\Q$dir\E/ }
	  glob '/proc/' . $client->client_pid . '/fd/*';
	truncate $file, 1 or die "$file: $!";
	$client->say('{credit, 1000, 1000000}');
	$client->expect(qr/^\{log,warning,.*cannot read: Input\/output error; reconnecting/, 'a warning');
	$client->expect(qr/^\{rewind,8192\}/, 'the transaction begins again');
	is($client->rows_until(100)->[-1], 100, 'to its end');
	$client->is_clean('credit and order are kept');
	is($client->stop, 0, 'a clean end');
};

done_testing();
