# Tables that are copied for a slot of pgoutput: the server has nothing of ours.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfCommand;
use EtfMirror;
use EtfPair;
use EtfRandom;
use EtfRelay;
use EtfTest;
use EtfTypes;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $etf = EtfTest->new('pgoutput_snapshot', conf => 'max_wal_senders = 20');
my $node = $etf->node;

sub command
{
	my ($publication, @options) = @_;

	return ($ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'), '--slot',
		's', '--plugin=pgoutput', '-o', "publication_names=$publication", @options);
}

sub client { return EtfCommand::run(command(@_)); }

# Tables and rows, in an order of their own.
sub rows_in
{
	my ($out) = @_;

	return join "\n", sort map { /"table":"(\w+)","record":(\{.*?\})/ ? "$1 $2" : () }
	  split /\n/, $out;
}

sub slots { return $etf->sql('SELECT count(*) FROM pg_replication_slots'); }

# Once, and nothing is left behind.
sub copied
{
	my ($publication, @options) = @_;
	my ($status, $out, $err) =
	  client($publication, '--temporary', '--snapshot=only', '--json', @options);

	is($status, 0, "a copy of $publication") or diag $err;
	return rows_in($out);
}

# A term in braces, whatever is in its texts.
my $term = qr/(\{(?:[^{}<]++|<<"(?:[^"\\]++|\\.)*+"(?:\/utf8)?>>|<|(?1))*+\})/;

# The rows in events of this kind, in an order of their own.
sub rows_of
{
	my ($kind, $frames) = @_;
	my @rows;

	for my $line (split /\n/, $frames)
	{
		my ($events) = $line =~ /\[(\{$kind,.*)\]\}\.?$/s or next;

		push @rows, $1 while $events =~ /$term/g;
	}
	return sort map { s/^\{$kind,//r } @rows;
}

# Before the extension goes, whose types the table has.
subtest 'a row that is read is that of its insert' => sub {
	srand($ENV{PG_ETF_SEED} // 2026);
	EtfTypes::setup($etf);
	my $families = EtfTypes::families($etf);
	my @tables = map { EtfRandom->new($_, $families->{$_}) } sort keys %$families;
	my %rows;

	$etf->sql($_->create =~ s/,\s*twice int GENERATED .*? STORED//r) for @tables;
	$etf->sql('CREATE TABLE odd (id int PRIMARY KEY, a aclitem, b bool, c char(5), i inet)');
	my $pair = EtfPair->new($etf);
	for my $table (@tables)
	{
		$etf->run_text(join "\n", map { $table->insert } 1 .. 6);
	}
	$etf->sql(q{INSERT INTO odd VALUES (1, 'postgres=r/postgres', true, 'x', '10.1.1.1'),
		(2, NULL, NULL, NULL, NULL)});
	for my $format ($etf->version < 14 ? 'text' : qw(binary text))
	{
		my @format = ('--print=erlang', '-v', '--format', $format);
		my ($status, $out, $err) = client('everything', '--temporary',
			'--snapshot=only', @format, '-o', 'relations=off');

		is($status, 0, "read as $format") or diag $err;
		my @read = rows_of(read => $out);
		my @inserted = rows_of(insert => join "\n", @{ $pair->frames('theirs',
			@format[2, 3], \'relations=off') });

		is(scalar @read, scalar @inserted, 'as many rows');
		cmp_ok(scalar @read, '>', 30, 'not few');
		my @differ = grep { $read[$_] ne $inserted[$_] } 0 .. $#inserted;
		is(scalar @differ, 0, 'which are the same')
		  or diag map { substr($_, 0, 400), "\n" } $read[$differ[0]], $inserted[$differ[0]];
	}
	$pair->drop;
	$etf->sql('DROP PUBLICATION everything');
};

$etf->sql('DROP EXTENSION pg_etf_decoding');
$etf->sql("CREATE SCHEMA shop; SET search_path = shop;
	CREATE TABLE wide (id int PRIMARY KEY, v text, secret text, twice int GENERATED ALWAYS AS (id * 2) STORED);
	INSERT INTO wide SELECT i, 'v' || i, 'secret' FROM generate_series(1, 4) i;
	CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
	CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (3);
	CREATE TABLE high (v text, gone int, id int NOT NULL);
	ALTER TABLE high DROP gone; ALTER TABLE parts ATTACH PARTITION high FOR VALUES FROM (3) TO (9);
	INSERT INTO parts SELECT i, 'p' || i FROM generate_series(1, 4) i;
	CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY);
	CREATE PUBLICATION leaves FOR TABLE parts, wide;
	CREATE PUBLICATION rooted FOR TABLE parts WITH (publish_via_partition_root)");

subtest 'what a publication has' => sub {
	my $wide = join "\n", map { qq(wide {"id":$_,"v":"v$_","secret":"secret"}) } 1 .. 4;

	is(copied('leaves'), <<"END" . $wide, 'partitions by themselves');
high {"v":"p3","id":3}
high {"v":"p4","id":4}
low {"id":1,"v":"p1"}
low {"id":2,"v":"p2"}
END
	is(copied('rooted'), join("\n", map { qq(parts {"id":$_,"v":"p$_"}) } 1 .. 4),
		'by way of the root: its name, its columns');
	is(copied('leaves,rooted', '--tables=shop.parts'),
		join("\n", map { qq(parts {"id":$_,"v":"p$_"}) } 1 .. 4), 'the topmost counts');
	is(copied('leaves', '--tables=shop.w*', '--where=id % 2 = 0'),
		join("\n", map { qq(wide {"id":$_,"v":"v$_","secret":"secret"}) } 2, 4), 'patterns and conditions');
  SKIP:
	{
		skip 'no row filters and column lists', 4 if $etf->version < 15;
		$etf->sql("SET search_path = shop;
			CREATE PUBLICATION few FOR TABLE wide (id, v) WHERE (id < 2);
			CREATE PUBLICATION others FOR TABLE wide (id, v) WHERE (id > 3 OR v = 'v3')");
		is(copied('few'), 'wide {"id":1,"v":"v1"}', 'a column list, a row filter');
		is(copied('few,others'), join("\n", map { qq(wide {"id":$_,"v":"v$_"}) } 1, 3, 4),
			'and those of two');
		$etf->sql('CREATE PUBLICATION schema FOR TABLES IN SCHEMA shop WITH (publish_via_partition_root)');
		is(copied('schema'), join("\n", (map { qq(parts {"id":$_,"v":"p$_"}) } 1 .. 4), $wide), 'a schema');
		$etf->sql('DROP PUBLICATION schema');
	}
  SKIP:
	{
		skip 'no generated columns', 2 if $etf->version < 18;
		$etf->sql('SET search_path = shop; CREATE PUBLICATION generated FOR TABLE wide WITH (publish_generated_columns = stored);
			CREATE PUBLICATION listed FOR TABLE wide (id, twice)');
		like(copied('generated'), qr/"secret":"secret","twice":2\}/, 'generated columns');
		like(copied('listed'), qr/^wide \{"id":1,"twice":2\}/, 'and one that is listed');
		$etf->sql('DROP PUBLICATION generated, listed');
	}
  SKIP:
	{
		skip 'no EXCEPT', 2 if $etf->version < 19;
		$etf->sql('CREATE PUBLICATION but_parts FOR ALL TABLES EXCEPT (TABLE shop.parts);
			CREATE PUBLICATION but_wide FOR ALL TABLES EXCEPT (TABLE shop.wide) WITH (publish_via_partition_root)');
		is(copied('but_parts', '--tables=shop.*'), $wide, 'all tables but one, with its partitions');
		is(copied('but_wide', '--tables=shop.*'), join("\n", map { qq(parts {"id":$_,"v":"p$_"}) } 1 .. 4), 'or without');
		$etf->sql('DROP PUBLICATION but_parts, but_wide');
	}
};

# What is in them changes between the snapshot and the question for it.
subtest 'publications as of the snapshot' => sub {
	my ($few, $more) = $etf->version < 15 ? ('', '') : ('(id, v) WHERE (id < 3)', '(id, secret) WHERE (id > 2)');

	$etf->sql("SET search_path = shop;
		CREATE TABLE early (id int PRIMARY KEY); INSERT INTO early VALUES (1);
		CREATE TABLE late (id int PRIMARY KEY); INSERT INTO late VALUES (1);
		CREATE PUBLICATION moving FOR TABLE early, wide $few");
	my $relay = EtfRelay->new($node, 'SET TRANSACTION SNAPSHOT');
	my $reader = IPC::Run::start(
		[ command('moving,rooted', '--temporary', '--snapshot=only', '--json'), '--dbname',
			'host=127.0.0.1 dbname=postgres port=' . $relay->port ],
		'>', \my $out, '2>', \my $err);
	ok($relay->froze, 'there is a snapshot');
	$etf->sql("SET search_path = shop; ALTER PUBLICATION moving SET TABLE late, wide $more;
		ALTER TABLE parts DETACH PARTITION high");
	$relay->thaw;
	$reader->finish;
	is($reader->result(0), 0, 'read') or diag $err;
	my $wide = join "\n", map { $etf->version < 15 ? qq(wide {"id":$_,"v":"v$_","secret":"secret"}) :
		qq(wide {"id":$_,"v":"v$_"}) } $etf->version < 15 ? 1 .. 4 : 1 .. 2;
	is(rows_in($out), join("\n", 'early {"id":1}',
		(map { qq(parts {"id":$_,"v":"p$_"}) } 1 .. 4), $wide), 'what they had then');
	$etf->sql('ALTER TABLE shop.parts ATTACH PARTITION shop.high FOR VALUES FROM (3) TO (9);
		DROP PUBLICATION moving');
};

subtest 'rights' => sub {
	$etf->sql('CREATE ROLE reader REPLICATION LOGIN; GRANT SELECT (id, v) ON shop.wide TO reader');
	my @reader = ('leaves', '--create-slot', '--snapshot', '--json', '-U', 'reader');
	my ($status, $out, $err) = client(@reader, '--tables=shop.wide');

	is($status, 3, 'a schema');
	like($err, qr/shop\.wide \(no USAGE privilege on the schema\)/, 'so');
	$etf->sql('GRANT USAGE ON SCHEMA shop TO reader');
	($status, $out, $err) = client(@reader);
	is($status, 3, 'tables');
	like($err, qr/cannot be read: (?=.*shop\.wide \(no SELECT)(?=.*shop\.low \()/, 'all of them');
	$etf->sql('ALTER TABLE shop.low ENABLE ROW LEVEL SECURITY; GRANT SELECT ON shop.low TO reader');
	($status, $out, $err) = client(@reader, '--tables=shop.low');
	like($err, qr/shop\.low \(row-level security/, 'policies');
	$etf->sql('ALTER TABLE shop.low DISABLE ROW LEVEL SECURITY');
	is(slots(), 0, 'no slot was made');
	is(copied('few', '-U', 'reader'), 'wide {"id":1,"v":"v1"}', 'some columns are enough')
	  if $etf->version >= 15;
	for my $wrong ('nonsense(', 'true) OR (true', 'true ORDER BY 1')
	{
		($status) = client('leaves', '--create-slot', '--snapshot', '--json', "--where=$wrong");
		is($status, 3, "no condition: $wrong");
	}
	($status, $out, $err) = client('leaves', '--create-slot', '--snapshot', '--json',
		'-o', 'mask_columns=shop.wide.secret:null');
	is($status, 3, 'what pgoutput cannot do');
	like($err, qr/mask_columns/, 'so');
	is(slots(), 0, 'no slot was made');
};

# The round that met them ends; the next one has what the server has.
subtest 'texts without a form in UTF-8' => sub {
	$etf->sql(q{CREATE DATABASE euc ENCODING 'EUC_JP' LOCALE 'C' TEMPLATE template0});
	$etf->sql('CREATE TABLE ascii (id int PRIMARY KEY, v text); CREATE TABLE kanji (id int PRIMARY KEY, v text);
		CREATE PUBLICATION p FOR TABLE ascii, kanji', 'euc');
	is($etf->run_text("SET client_encoding = 'EUC_JP';
		ALTER TABLE kanji ADD \"\xc6\xfc\" int DEFAULT 7; INSERT INTO ascii VALUES (1, 'plain');
		INSERT INTO kanji VALUES (1, 'plain'), (2, '\xf9\xa1'), (3, '\xc6\xfc')", 'euc'), '', 'EUC_JP');
	my %row = (
		tuple => '{read,{%d,%s,7}}',
		map => '{read,#{<<"id">> => %d,<<"v">> => %s,{unconverted,<<198,252>>} => 7}}');
	for my $rows (sort keys %row)
	{
		my ($status, $out, $err) = client('p', '--create-slot', '--snapshot=only',
			'--print=erlang', '-o', "rows=$rows", '-o', 'relations=off', '--dbname', $node->connstr('euc'));
		my $expected = join ',', sprintf($row{$rows}, 1, '<<"plain">>'),
		  sprintf($row{$rows}, 2, '{unconverted,<<249,161>>}'), sprintf($row{$rows}, 3, '{unconverted,<<198,252>>}');

		is($status, 0, "rows=$rows: read") or diag $err;
		like($err, qr/another snapshot.*no equivalent in encoding "UTF8"/, 'in two rounds');
		$out =~ s/\{read,\d+,/{read,/g;
		like($out, qr/\Q[$expected]\E/, 'the rows');
		$etf->wait_until_idle('s');
		$etf->drop_slot('s', 'euc');
	}
};

# Of more than one range.
$etf->sql("CREATE TABLE big (id int PRIMARY KEY, v text, w int) WITH (fillfactor = 10);
	INSERT INTO big SELECT i, repeat('b', 900), 0 FROM generate_series(1, 9500) i;
	CREATE TABLE small (id int PRIMARY KEY, v text, w int);
	INSERT INTO small SELECT i, i::text, 0 FROM generate_series(1, 200) i;
	CREATE SEQUENCE ids START 100000; VACUUM ANALYZE;
	CREATE PUBLICATION p FOR TABLE big, small");
my $script = "$etf->{dir}/writer.sql";
$etf->write_text($script, <<'SQL');
\set i random(1, 9500)
\set j random(1, 200)
BEGIN;
UPDATE big SET w = w + 1 WHERE id = :i;
UPDATE small SET id = nextval('ids') WHERE id = :j;
INSERT INTO small VALUES (nextval('ids'), 'new', 1);
COMMIT;
SQL

subtest 'and then the changes' => sub {
	is($etf->sql("SELECT pg_relation_size('big') > 64 * 1024 * 1024"), 't', 'a table of two ranges');
	my $writers = IPC::Run::start(
		[ 'pgbench', '-n', '-c', 2, '-t', 200, '-f', $script, $node->connstr('postgres') ],
		'>', \my $told, '2>', \my $warned);
	my $file = $etf->new_file;
	my $reader = IPC::Run::start(
		[ command('p', '--create-slot', '--snapshot', '--json', '--status-interval=1') ],
		'>', $file, '2>', \my $said);
	$writers->finish;
	my $end = $etf->end_of_wal;
	ok($node->poll_query_until('postgres',
		"SELECT confirmed_flush_lsn >= '$end' FROM pg_replication_slots WHERE slot_name = 's'"),
		'all is read');
	$reader->signal('TERM');
	$reader->finish;
	is($reader->result(0), 0, 'a clean end') or diag $said;
	my $mirror = EtfMirror->new(strict => 1);
	$mirror->apply($_) for split /\n/, slurp_file($file);
	is(join("\n", @{ $mirror->{wrong} }), '', 'each row once, then its changes');
	is($mirror->differs($etf, $_), '', "$_ is the same") for qw(big small);
	my ($status, $out, $err) = client('p', '--create-slot', '--snapshot', '--json');
	is($status, 3, 'nothing has kept what was read: not once more');
	like($err, qr/slot "s" was there before/, 'so');
};

# Over the Port the consumer keeps it.
subtest 'what is done is not read again' => sub {
	plan skip_all => 'a table is one range' if $etf->version < 14;
	my $kept = "$etf->{dir}/state";
	my @settings = (snapshot => 'on', options =>
		'#{rows => tuple, dialect => compact, publication_names => p}');
	my $own = '#{jobs => 1, store => consumer}';
	my $client = EtfClient->start($node, @settings);

	$client->say('{send, {backfill, mine, #{}}}');
	$client->expect(qr/^\{fatal,config,.*backfill_store/s, 'not on the server, without the extension');
	$client->quit;
	$client = EtfClient->start($node, @settings);
	$client->say('{auto, refill}');
	$client->say('{credit, 500, 500000}');
	$client->say("{send, {backfill, mine, $own}}");
	$client->expect(qr/^\{backfill,close,<<"mine">>,.*chunk => 3,/s, 'three ranges of two tables');
	$client->say("{send, {backfill_done, mine, $_}}") for 1, 3;
	$client->expect(qr/^\{backfill,table_done,<<"mine">>,.*public\.small/s, 'one is done, one half');
	for (1 .. 100)
	{
		$client->say("{save_state, \"$kept\"}");
		$client->wait_for(qr/^saved/);
		last if slurp_file($kept) =~ /\x77\x04done/;
		sleep 0.2;
	}
	like(slurp_file($kept), qr/\x77\x04done/, 'which is kept');
	kill 'KILL', $client->client_pid;
	$client->quit;
	$client = EtfClient->start($node, @settings);
	$client->say('{auto, refill}');
	$client->say('{auto, done}');
	$client->say('{auto, ack}');
	$client->say('{credit, 100000, 100000000}');
	$client->say("{load_state, \"$kept\"}");
	$client->say("{send_with_state, {backfill, mine, $own}}");
	my $rows = 0;
	my $line = '';
	while ($line !~ /^\{backfill,finished/)
	{
		$line = $client->wait_for(qr/^\{(?:read|backfill,finished|fatal)/) or last;
		last if $line =~ /^\{fatal/;
		$rows += $1 if $line =~ /^\{read,mine,\d+,(\d+)/;
	}
	my $all = $etf->sql('SELECT (SELECT count(*) FROM big) + (SELECT count(*) FROM small)');
	like($line, qr/^\{backfill,finished,.*rows => $all/s, 'all is done');
	cmp_ok($rows, '<', $all / 2, 'and only what was left is read');
	is($client->stop, 0, 'a clean end');
	$client->quit;
};
$etf->wait_until_idle('s');
$etf->drop_slot('s');

# Nobody finds such a slot again, so that nothing has to be kept.
subtest 'a temporary slot needs no place for what is done' => sub {
	my $client = EtfClient->start($node, slot => '<<"passing">>', create => 'temporary',
		snapshot => 'on', plugin => 'pgoutput', options => '#{rows => tuple, publication_names => p}');
	my $small = $etf->sql('SELECT count(*) FROM small');

	$client->say('{auto, done}');
	$client->say('{auto, ack}');
	$client->say('{credit, 100000, 100000000}');
	$client->say('{send, {backfill, first, #{tables => <<"public.small">>}}}');
	$client->expect(qr/^\{backfill,finished,<<"first">>,.*rows => $small/s, 'before the stream');
	$client->expect(qr/^\{status,connected/, 'which follows');
	$client->say('{send, {backfill, again, #{tables => <<"public.small">>, request => <<"x">>}}}');
	$client->expect(qr/^\{backfill,failed,<<"again">>,.*the temporary slot with it/s, 'beside which the slot would end');
	is($client->stop, 0, 'a clean end');
	$client->quit;
};

# While the first table waits for credit the others change.
subtest 'tables that are altered meanwhile' => sub {
	$etf->sql("CREATE TYPE duo AS (a int, b int);
		CREATE TABLE t1 (id int PRIMARY KEY, v text); INSERT INTO t1 SELECT i, repeat('v', 1000) FROM generate_series(1, 3000) i;
		CREATE TABLE t2 (id int PRIMARY KEY, v varchar(9)); INSERT INTO t2 VALUES (1, 'one');
		CREATE TABLE t3 (id int PRIMARY KEY, p duo); INSERT INTO t3 VALUES (1, (1, 2));
		CREATE PUBLICATION q FOR TABLE t1, t2, t3;
		SELECT pg_create_logical_replication_slot('s', 'pgoutput')");
	my $client = EtfClient->start($node, options =>
		'#{rows => tuple, publication_names => q}');
	$client->say('{auto, done}');
	$client->say('{auto, ack}');
	$client->say('{credit, 10, 100000}');
	$client->say('{send, {backfill, again, #{jobs => 1, store => consumer}}}');
	$client->expect(qr/^\{read,again,/, 'the first is read');
	$etf->sql("ALTER TABLE t2 ALTER v TYPE text; ALTER TYPE duo ADD ATTRIBUTE c int");
	$client->say('{auto, refill}');
	$client->say('{credit, 100000, 100000000}');
	$client->expect(qr/^\{backfill,table_again,<<"again">>,.*public\.t2/s, 'another type of a column');
	$client->expect(qr/^\{backfill,finished,<<"again">>,.*rows => 3002/s, 'in another round');
	$client->is_clean('and all is well');
	is($client->stop, 0, 'a clean end');
	$client->quit;
};

$etf->stop;
done_testing();
