# Columns that are not for the reader: left out, masked, unchanged; and what
# the server has said cannot be lifted.
use strict;
use warnings;

use EtfTest;
use Test::More;

my $etf = EtfTest->new('columns');

sub server_setting
{
	my ($name, $value) = @_;

	$etf->sql("LOAD 'pg_etf_decoding'; ALTER SYSTEM SET pg_etf_decoding.$name = '$value'");
	$etf->reload;
	return;
}

# The events of one statement, without numbers that differ from run to run.
sub events
{
	my ($sql, %option) = @_;

	$etf->slot('s');
	$etf->sql($sql);
	my $lines = $etf->changes('s', %option);
	$etf->drop_slot('s');
	return [ map { s/\b\d{5}\b/T/gr } @$lines ];
}

sub relation_event
{
	my ($sql, %option) = @_;

	$etf->slot('s');
	$etf->sql($sql);
	my ($line) = grep { /^relation/ } @{ $etf->decode('s', %option) };
	$etf->drop_slot('s');
	return $line;
}

$etf->sql(q{
	CREATE TABLE person (id int PRIMARY KEY, name text, email text, phone varchar, born date,
		note text, secret text);
	CREATE TABLE keyed (email text PRIMARY KEY, n int);
	CREATE TABLE whole (id int PRIMARY KEY, a text, b int, big text)});
$etf->sql('ALTER TABLE whole REPLICA IDENTITY FULL; ALTER TABLE whole ALTER big SET STORAGE EXTERNAL');
my $insert = q{INSERT INTO person VALUES (1, 'Ada', 'ada@example.org', '+44 1234', '1815-12-10',
	'a note', 'S3CRET'); TRUNCATE person};

# Left out
my ($row) = @{ events($insert, rows => 'tuple', exclude_columns => 'public.person.secret, *.*.note') };
like($row, qr/Ada/, 'other columns are sent');
unlike($row, qr/S3CRET|a note/, 'a column that is excluded is not');
($row) = @{ events($insert, include_columns => '*.*.name, *.*.born') };
like($row, qr/Ada.*1815|"born".*"name"/, 'columns that are included');
unlike($row, qr/S3CRET|example/, 'and no others');
like($row, qr/"id"/, 'but for the key');
like(relation_event($insert, exclude_columns => '*.*.secret'), qr/^(?!.*secret).*note/,
	'the description lacks it, too');

# Masked
server_setting('mask_key', 'k3y');
($row) = @{ events($insert, rows => 'tuple', mask_columns =>
	'*.*.email:hash, *.*.phone:keep(-4), *.person.name:trunc(2), *.*.note:fixed(a\, \)b), '
	  . '*.*.secret: null, *.*.born:hash') };
like($row, qr/\Q****1234\E/, 'the last characters are kept');
like($row, qr/"Ad"/, 'the first characters are kept');
like($row, qr/a, \)b/, 'a fixed text');
unlike($row, qr/S3CRET|example|\+44|Ada|1815|a note/, 'nothing of what is masked is sent');
my @hashes = $row =~ /\b([0-9a-f]{32})\b/g;
is(scalar @hashes, 2, 'hashes of a text and of a date');
isnt($hashes[0], $hashes[1], 'which differ');
$etf->sql('CREATE EXTENSION IF NOT EXISTS pgcrypto');
is($hashes[0], $etf->sql(q{SELECT left(encode(hmac('ada@example.org', 'k3y', 'sha256'), 'hex'), 32)}),
	'a hash is that of the text with the key');
like(relation_event($insert, mask_columns => '*.*.born:hash, *.*.secret:null, *.*.email:keep(3)'),
	qr/email text masked keep,.*born text masked hash,.*secret text masked nothing/, 'the description says that it is a text, and a hash');
($row) = @{ events($insert, rows => 'tuple', mask_columns => '*.*.name:keep(-4), *.*.born:keep(2)') };
like($row, qr/"\*\*\*"/, 'a short text is hidden altogether');
unlike($row, qr/1815/, 'what is no text is not kept');
is(scalar(@{ events(q{INSERT INTO person (id) VALUES (9); DELETE FROM person WHERE id = 9},
	mask_columns => '*.*.name:fixed(x), *.*.note:hash') }), 2, 'NULL is NULL');

# A key stays a key.
my $keyed = events(q{INSERT INTO keyed VALUES ('ada@example.org', 1); UPDATE keyed SET email = 'b@x', n = 2;
	DELETE FROM keyed}, mask_columns => '*.keyed.email:fixed(x)');
my @keys = map { /\b([0-9a-f]{32})\b/g } @$keyed;
is("$keys[0] $keys[0]", "$hashes[0] $keys[1]", 'a key is hashed, whatever the mask, in old rows too');
unlike(join("\n", @$keyed), qr/example|b\@x/, 'and is in no event');
$keyed = events(q{INSERT INTO keyed VALUES ('ada@example.org', 1); DELETE FROM keyed},
	exclude_columns => '*.*.email');
is(scalar(grep { /$hashes[0]/ } @$keyed), 2, 'so is one that is excluded');
for my $case ('a.b.c', 'a.b.c:', 'a.b.c:keep', 'a.b.c:keep(x)', 'a.b.c:trunc(-1)', 'a.b.c:hash(1)',
	'a.b.c:fixed(x', 'a.b:null', 'a.b.c:nothing', 'a.b.c:keep(1)x')
{
	like($etf->sql_error(qq{SELECT etf_encode(1, ARRAY['mask_columns=$case'])}),
		qr/invalid pattern in option "mask_columns"/, "refused: $case");
}
like($etf->sql_error(q{SELECT etf_encode(1, '{exclude_columns=a.b}')}),
	qr/invalid pattern in option "exclude_columns"/, 'a column has three parts');

# What the server says
server_setting('exclude_columns', '*.person.secret');
server_setting('mask_columns', 'public.person.email:null');
($row) = @{ events($insert, rows => 'tuple', include_columns => '*.*.*',
	mask_columns => '*.*.email:keep(20), *.*.name:trunc(1)') };
unlike($row, qr/S3CRET|example/, 'a reader cannot lift it');
like($row, qr/"A"/, 'but add to it');
$etf->sql(q{CREATE TABLE people (a int, ssn text) PARTITION BY LIST (a);
	CREATE TABLE people_1 (ssn text, a int); ALTER TABLE people ATTACH PARTITION people_1 FOR VALUES IN (1);
	CREATE PUBLICATION root FOR TABLE people WITH (publish_via_partition_root)});
server_setting('exclude_columns', '*.people.ssn');
for my $option ({}, { publication_names => 'root' })
{
	unlike(join("\n", @{ events(q{INSERT INTO people VALUES (1, '123-45')}, %$option) }),
		qr/123-45/, 'a partition is its root, however it is sent');
}
server_setting('exclude_columns', '*.people_1.ssn');
unlike(join("\n", @{ events(q{INSERT INTO people VALUES (1, '123-45')}, publication_names => 'root') }),
	qr/123-45/, 'and itself, when sent as its root');
like($etf->sql_error(q{LOAD 'pg_etf_decoding'; SET pg_etf_decoding.mask_columns = 'x'}),
	qr/invalid value.*No schema\.table\.column:mask/s, 'a bad setting is refused');
{
	local $ENV{PGOPTIONS} = '-c pg_etf_decoding.exclude_columns=';
	like($etf->sql_error(q{SELECT etf_encode(1)}), qr/cannot be set where a connection begins/,
		'a connection cannot begin with it');
}
$etf->sql('CREATE ROLE reader LOGIN REPLICATION');
like(($etf->node->psql('postgres', q{SET ROLE reader; SET pg_etf_decoding.exclude_columns = '';
	SELECT etf_encode(1); SHOW pg_etf_decoding.exclude_columns}))[1], qr/^\*\.people_1\.ssn$/m,
	'nor a role set it before the library is there');
like(($etf->node->psql('postgres', q{LOAD 'pg_etf_decoding'; SET ROLE reader;
	SHOW pg_etf_decoding.mask_key}))[2], qr/must be superuser|permission denied/, 'the key is not shown');

# A running stream takes new settings up.
server_setting('exclude_columns', '');
server_setting('mask_columns', '');
$etf->slot('live');
my $file = $etf->new_file;
my $run = IPC::Run::start([ $etf->recv_command('live', undef, $file), '--fsync-interval', '1' ],
	'>', \my $out, '2>', \my $err);
$etf->node->poll_query_until('postgres', q{SELECT active FROM pg_replication_slots WHERE slot_name = 'live'});
$etf->sql(q{INSERT INTO person (id, secret) VALUES (100, 'before')});
for (1 .. 100) { last if -s $file; select undef, undef, undef, 0.1 }
server_setting('exclude_columns', '*.person.secret');
$etf->sql(q{INSERT INTO person (id, secret) VALUES (101, 'behind'); SELECT pg_switch_wal()});
for (1 .. 100) { last if PostgreSQL::Test::Utils::slurp_file($file) =~ /idae/; select undef, undef, undef, 0.1 }
$run->signal('INT');
$run->finish;
my $received = PostgreSQL::Test::Utils::slurp_file($file);
like($received, qr/before/, 'what came before a setting was sent');
like($received, qr/idae/, 'the row behind it comes as well');
unlike($received, qr/behind/, 'without what the setting leaves out');
$etf->drop_slot('live');

# No key, no hash.
server_setting('mask_key', '');
$etf->slot('s');
like($etf->recv_error('s', mask_columns => '*.*.email:hash'), qr/to be hashed, but there is no key/,
	'hash needs a key');
$etf->drop_slot('s');
like($etf->sql_error(qq{SELECT etf_read('person', '{mask_columns=*.*.email:hash}', '\\x6105')}),
	qr/to be hashed, but there is no key/, 'also where tables are read');
$keyed = events(q{INSERT INTO keyed VALUES ('ada@example.org', 1); DELETE FROM keyed},
	exclude_columns => '*.*.email');
unlike(join("\n", @$keyed), qr/example/, 'a key is not sent for want of a hash');
server_setting('exclude_columns', '');

# Reading
unlike($etf->sql(q{INSERT INTO person VALUES (7, 'Bob', 'bob@x', '1', NULL, 'n', 'HIDDEN');
	SELECT etf_to_text(etf_read('person', '{exclude_columns=*.*.secret}', '\x6105', from_block => 0))}),
	qr/HIDDEN/, 'a column that is left out is not read');
unlike($etf->sql(q{SELECT etf_to_text(etf_read('person', '{mask_columns=*.*.secret:null}', '\x6105'))}),
	qr/HIDDEN/, 'nor is one that is masked');

# Only what an update has changed
$etf->sql(qq{INSERT INTO whole VALUES (1, 'x', 1, repeat('y', 5000))});
my $changed = events(q{UPDATE whole SET b = 2; UPDATE whole SET b = NULL; UPDATE whole SET big = 'z';
	UPDATE whole SET b = b; UPDATE whole SET id = 2}, updates => 'changed', old_rows => 'none');
is(scalar @$changed, 5, 'five updates');
like($changed->[0], qr/"b"\D*2/, 'a column that differs');
unlike($changed->[0], qr/"a"|"big"/, 'without those that do not');
like($changed->[0], qr/"id"/, 'with the primary key');
like($changed->[1], qr/"b"/, 'a NULL that is new');
unlike($changed->[1], qr/"big"/, 'a large value that stayed');
like($changed->[2], qr/"big"/, 'a large value that is new');
unlike($changed->[3], qr/"a"|"b"/, 'nothing differs');
my $tuples = events(q{UPDATE whole SET b = 5}, updates => 'changed', rows => 'tuple', old_rows => 'none');
like($tuples->[0], qr/\{2, unchanged, 5, unchanged\}/, 'in a tuple it is an atom');
my $skipped = events(q{UPDATE whole SET b = b; UPDATE whole SET b = 6}, skip_unchanged => 'on');
is(scalar @$skipped, 1, 'an update that changes nothing is left out');
like($skipped->[0], qr/"a"=>"x", "b"=>6, "big"=>"z"/, 'the others are whole');
$changed = events(q{UPDATE person SET name = 'Eve' WHERE id = 7}, updates => 'changed');
like($changed->[0], qr/HIDDEN/, 'without the old row all columns are sent');

$etf->stop;
done_testing();
