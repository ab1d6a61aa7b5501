# The client for people: what it prints, confirms, and says.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfCommand;
use EtfTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('print');
my $node = $etf->node;
my @client =
  ($ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'), '--slot', 's');
sub client { return EtfCommand::run(@client, @_); }

$etf->sql('CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, d timestamptz)');
$etf->sql('CREATE TABLE other (id int); ALTER TABLE other REPLICA IDENTITY FULL');

sub changes
{
	$etf->sql('TRUNCATE t');
	$etf->sql("INSERT INTO t VALUES (1, E'\\u00fc\"\\n', 1.50, '2026-01-02 03:04:05+00'), (2, NULL, NULL, NULL)");
	$etf->sql('INSERT INTO other VALUES (1)');
	$etf->sql('UPDATE t SET id = 3 WHERE id = 2');
	$etf->sql('DELETE FROM t WHERE id = 3');
	return $etf->end_of_wal;
}

subtest 'JSON, one line for each change' => sub {
	client('--create-slot');
	my $end = changes();
	my ($status, $out, $err) = client('--print=json', '--endpos', $end);

	is($status, 0, 'it ends at endpos');
	is($err, '', 'without a word');
	my @lines = map { s/,"commit_lsn".*//r } split /\n/, $out;
	is_deeply(
		\@lines,
		[
			'{"op":"truncate","schema":"public","table":"t"',
			'{"op":"insert","schema":"public","table":"t","record":{"id":1,"v":"'
			  . "\xc3\xbc"
			  . '\"\n","n":"1.50","d":"2026-01-02T03:04:05.000000Z"}',
			'{"op":"insert","schema":"public","table":"t","record":{"id":2,"v":null,"n":null,"d":null}',
			'{"op":"insert","schema":"public","table":"other","record":{"id":1}',
			'{"op":"update","schema":"public","table":"t","old":{"id":2},"record":{"id":3,"v":null,"n":null,"d":null}',
			'{"op":"delete","schema":"public","table":"t","old":{"id":3}'
		],
		'the changes') or diag $out;
	my ($line) = grep { /"id":2,/ } split /\n/, $out;
	like($line, qr/"commit_lsn":"[0-9A-F]+\/[0-9A-F]+","index":1,"xid":\d+,"commit_time":"20/,
		'their places');
	($status, $out) = client('--print=json', '--endpos', $end);
	is($out, '', 'what was printed is confirmed');
};

subtest 'places are unique, also those of messages outside a transaction' => sub {
	$etf->sql(join ';',
		map { "BEGIN; INSERT INTO other VALUES ($_);"
			  . " SELECT pg_logical_emit_message(false, 'p', 'x'); COMMIT" } 1 .. 9);
	my ($status, $out) = client('--print=json', '-o', 'messages=on', '--endpos',
		$etf->end_of_wal);
	my @places = $out =~ /"commit_lsn":"(.*?)","index":0/g;
	my @alone = $out =~ /"op":"message".*"commit_lsn":"(.*?)","index":0,"end_lsn"/g;
	my %seen;

	is(scalar(@places), 18, 'each is there') or diag $out;
	is(scalar(grep { $seen{$_}++ } @places), 0, 'at a place of its own') or diag $out;
	is(scalar(@alone), 9, 'messages tell where they end') or diag $out;
};

subtest 'what became of a table' => sub {
	$etf->sql('CREATE TABLE made (id int PRIMARY KEY); ALTER TABLE made ADD n int DEFAULT 3; DROP TABLE made');
	my ($status, $out) = client('--print=json', '-o', 'ddl=tables', '--endpos',
		$etf->end_of_wal);
	my @lines = grep { /"op":"schema"/ } split /\n/, $out;

	is(scalar(@lines), 3, 'three lines') or diag $out;
	like($lines[0], qr/"before":null,"after":\{"schema":"public","table":"made",.*"name":"id"/, 'it is created');
	like($lines[1], qr/"flags":\["default",\["missing",3\]\]/, 'altered');
	like($lines[2], qr/"after":null,"commit_lsn"/, 'and dropped');
};

subtest 'commands' => sub {
	$etf->sql(q{SELECT etf_enable_ddl(); SET client_min_messages = error;
		COMMENT ON TABLE t IS 'x "y"'; GRANT SELECT ON t TO PUBLIC; SELECT etf_disable_ddl()});
	my ($status, $out) = client('--print=json', '-o', 'ddl=commands', '--endpos', $etf->end_of_wal);
	my @lines = grep { /"op":"ddl"/ } split /\n/, $out;

	is(scalar(@lines), 2, 'two lines') or diag $out;
	like($lines[0], qr/^\{"op":"ddl","tag":"COMMENT","text":".*x\ \\"y\\".*","objects":\[\{"type":"table",
		"identity":"public\.t","oid":\d+\}\],"user":"\w+","commit_lsn":"[^"]+","index":0,/x, 'a comment');
	like($lines[1], qr/"objects":\[\{"type":"TABLE","identity":"","oid":0\}\]/, 'a privilege');
};

# The server has nothing more to say, and the status interval is 10 s.
subtest 'the end comes at once' => sub {
	my @slow;

	for my $run (1 .. 8)
	{
		$etf->sql("INSERT INTO t SELECT $run * 1000 + g, repeat('x', 900)"
			  . ' FROM generate_series(1, 60) g');
		my $end = $etf->end_of_wal;
		my $started = time;
		IPC::Run::run([ @client, '--endpos', $end ], '|', ['cat'], '>',
			'/dev/null', IPC::Run::timeout(60));
		push @slow, time - $started if time - $started > 5;
	}
	is_deeply(\@slow, [], 'whatever leaves when');
};

subtest 'options of printing' => sub {
	my $end = changes();
	my $err;
	my ($status, $out) = client('--print=json', '--endpos', $end,
		'--tables=public.oth*', '--transactions');

	like($out, qr/\A\{"op":"begin","xid":\d+,.*\n\{"op":"insert",.*"other".*\n\{"op":"commit",.*\n\z/,
		'only these tables; begin and commit');
	$end = changes();
	($status, $out) = client('--print=json', '--endpos', $end,
		'--option', 'rows=tuple');
	like($out, qr/"old":\{"id":2\},"record":\{"id":3,"v":null/,
		'rows as tuples get their names back');
	$end = changes();
	($status, $out) = client('--print=erlang', '--endpos', $end);
	like($out, qr/^\{tx,whole,\{\d+,\d+,\d+,\d+\},0,2,#\{\},\[\{insert,.*\]\}\.$/m,
		'Erlang');
	$end = changes();
	($status, $out) = client('--print', '--endpos', $end);
	like($out, qr/^\{:tx, :whole, .*Decimal.*DateTime|~U\[/m, 'Elixir');
	$end = changes();
	($status, $out, $err) = client('--print=json', '--endpos', $end,
		'--stats-interval', '100ms', '--verbose');
	like($err, qr/^\{"state":"\w+","frames":\d+,.*"rss":\d+\}$/m,
		'statistics as JSON lines on stderr');
	like($err, qr/info: connected/, 'and more words when asked');
};

# Names that LIKE and SQL would read in another way are among them.
subtest 'patterns that match nothing' => sub {
	$etf->sql(q{CREATE TABLE "we%ird_'\\" (id int)});
	$etf->sql('CREATE TABLE parts (id int) PARTITION BY LIST (id); '
		  . 'CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)');
	my ($out, $err) = ('', '');
	my $client = IPC::Run::start([ @client, '--json', '-o', 'exclude_columns=public.t.*,public.t.nosuch', '--tables',
			q{public.t, public.oth*,nosuch.*, public.parts ,public.parts_1,}
			  . q{public.we%ird\_'\\\\,public.we_ird*,pub*.x} ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));

	$client->pump until $err =~ /"public\.t\.nosuch"/;
	$client->signal('TERM');
	$client->finish;
	is_deeply([ $err =~ /warning: include_tables: no table matches "(.*?)"/g ],
		[ 'nosuch.*', 'public.parts', 'public.we_ird*', 'pub*.x' ],
		'are told') or diag $err;
	is_deeply([ $err =~ /warning: (exclude_columns: .*)/g ],
		['exclude_columns: no column matches "public.t.nosuch" (use schema.table.column)'],
		'and a column that would be sent') or diag $err;
	$etf->sql(q{DROP TABLE "we%ird_'\\", parts});
};

subtest 'files of pg_recvlogical' => sub {
	changes();
	my $file = $etf->recv('s', undef, rows => 'tuple');
	my ($status, $out, $err) = client('--read', $file, '--print=json');

	is($status, 0, 'read');
	like($out, qr/"op":"insert","schema":"public","table":"t","record":\{"id":1,/,
		'and shown');
	is(scalar(split /\n/, $out), 6, 'all of it');
	my $frames = slurp_file($file);
	my $read = '';
	IPC::Run::run([ @client, '--read', '-', '--print=json' ], '<', \$frames, '>',
		\$read);
	is($read, $out, 'the same from stdin');
	open my $cut, '>:raw', "$file.cut" or die;
	print $cut substr $frames, 0, -20;
	close $cut or die;
	($status, $out, $err) = client('--read', "$file.cut", '--print=json');
	is($status, 10, 'a file that is cut is an error');
	like($err, qr/the frame at byte \d+ cannot be shown/, 'with its place');
	like($err, qr/hint: The file ends inside a frame/, 'and its reason');
	($status, $out, $err) = client('--read', '/nonexistent');
	like($err, qr/nonexistent: No such file.*--read needs a file/s, 'no file');
};

# The client in the background, and what it has printed so far.
sub printing
{
	my $out = '';
	my $client = IPC::Run::start([ @client, '--print=json', @_ ], '<', \undef,
		'>', \$out, IPC::Run::timeout(60));

	return ($client, \$out);
}

subtest 'where it begins' => sub {
	$etf->sql('INSERT INTO other VALUES (51)');
	my $start = $etf->end_of_wal;
	$etf->sql('INSERT INTO other VALUES (52)');
	my ($status, $out) = client('--print=json', '--startpos', $start,
		'--endpos', $etf->end_of_wal);

	is($status, 0, '--startpos');
	unlike($out, qr/"id":51/, 'what lies before is not printed');
	like($out, qr/"id":52/, 'what follows is');

	my $printed;
	(my $client, $printed) = printing('--slot=brief', '--temporary');
	ok($node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM '
			  . "pg_stat_replication WHERE state = 'streaming'"),
		'--temporary');
	is($etf->sql("SELECT temporary FROM pg_replication_slots WHERE "
			  . "slot_name = 'brief'"), 't', 'makes a slot');
	$etf->sql('INSERT INTO other VALUES (53)');
	$client->pump until $$printed =~ /"id":53/;
	$client->signal('TERM');
	$client->finish;
	ok($node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_replication_slots WHERE slot_name = 'brief'"),
		'that ends with it');
};

subtest 'signals and pipes' => sub {
	for my $signal ('TERM', 'INT')
	{
		my ($client, $out) = printing();

		$etf->sql('INSERT INTO other VALUES (42)');
		$client->pump until $$out =~ /"id":42/;
		$client->signal($signal);
		$client->finish;
		is($?, 0, "SIG$signal is a clean end");
		is($etf->sql('SELECT count(*) FROM '
				  . "pg_logical_slot_peek_binary_changes('s', NULL, NULL)"), 0,
			'which confirms what was printed');
	}

	$etf->sql('INSERT INTO other SELECT generate_series(1, 100000)');
	my $begin = time;
	system("'$client[0]' '$client[1]' '$client[2]' --slot s --print=json | head -n 1 >/dev/null");
	cmp_ok(time - $begin, '<', 20, 'a closed pipe is an end, too');
	isnt($etf->sql("SELECT count(*) FROM pg_logical_slot_peek_binary_changes("
			  . "'s', NULL, NULL)"), 0, 'which confirms nothing unprinted');
};

subtest 'a line that was cut' => sub {
	my $file = PostgreSQL::Test::Utils::tempdir() . '/out';

	client('--json', '--endpos', $etf->end_of_wal);
	for my $case ([ '', 1 ], [ qq({"op":"ins), 2 ], [ qq({"op":"insert"}\n), 2 ])
	{
		my ($before, $lines) = @$case;

		$etf->write_text($file, $before);
		$etf->sql('INSERT INTO other VALUES (61)');
		open my $out, '>>', $file or die;
		IPC::Run::run([ @client, '--json', '--endpos', $etf->end_of_wal ],
			'<', \undef, '>', $out, IPC::Run::timeout(60));
		close $out or die;
		my @lines = split /\n/, slurp_file($file), -1;
		is(scalar @lines, $lines + 1, "'$before' and a line");
		like($lines[-2], qr/^\{"op":"insert",.*\}$/, 'which is whole');
	}
};

subtest 'a server that comes and goes' => sub {
	my ($out, $err) = ('', '');
	my $client = IPC::Run::start(
		[ @client, '--json', '--reconnect-min=1ms', '--reconnect-max=200ms' ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(120));

	$node->poll_query_until('postgres',
		'SELECT count(*) = 1 FROM pg_stat_replication');
	$node->stop('fast');
	$client->pump until $err =~ /reconnecting in/;
	sleep 3;
	$node->start;
	$client->pump until $err =~ /info: connected again to postgres on .*"s"/;
	$client->signal('TERM');
	$client->finish;
	my %times;
	$times{$_}++ for $err =~ /warning: .* in [\d.]+ s: (.*)/g;
	is_deeply([ grep { $times{$_} > 1 } keys %times ], [],
		'each reason is told once') or diag $err;
};

subtest 'tables whose deletes tell nothing' => sub {
	$etf->slot('k');
	$etf->sql('CREATE TABLE keyless (id int); INSERT INTO keyless VALUES (1)');
	my $end = changes();
	my $said = qr/table "public"\."keyless" has no replica identity/;
	my @read = ('--slot=k', '--print=json', '--endpos', $end);
	my (undef, undef, $err) = client(@read, '--peek', '-o', 'relations=frame');

	is(scalar(() = $err =~ /$said/g), 1, 'are told, once');
	unlike($err, qr/"t" has no replica identity/, 'others are not');
	(undef, undef, $err) = client(@read, '-o', 'actions=insert');
	unlike($err, $said, 'nor where only inserts are read');
	$etf->sql('DROP TABLE keyless');
	$etf->drop_slot('k');
};

done_testing();
