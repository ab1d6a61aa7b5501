# Columns that are left out or masked, by the server and by the reader: what was
# planted in them is in no frame, old row, key, description, read, print or log.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfCommand;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('secrets', conf => "log_min_messages = debug1\nlog_replication_commands = on");
my $node = $etf->node;

# Texts are found whatever they are in; numbers in what is shown.
my $secret = qr/S3CR3T|s3cr3t|7318349394477|1815-12-1\d|\{1815,|31415926/;

# Every kind of value that may hold one, and places a value may come from: a
# key, an identity, a TOAST table, a default, a partition, an inherited column.
$etf->sql(q{
	CREATE TYPE pair AS (a text, b bigint);
	CREATE DOMAIN word AS text;
	CREATE TABLE plain (id int PRIMARY KEY, open text, s_text text, s_varchar varchar(40), s_int bigint,
		s_num numeric, s_date date, s_json json, s_jsonb jsonb, s_array text[], s_pair pair, s_word word,
		s_bytes bytea, s_range int8range, s_xml xml, s_large text);
	ALTER TABLE plain ALTER s_large SET STORAGE EXTERNAL;
	CREATE TABLE entire (LIKE plain INCLUDING ALL);
	ALTER TABLE entire REPLICA IDENTITY FULL;
	CREATE TABLE keyed (s_text text PRIMARY KEY, open text);
	CREATE TABLE uniq (id int PRIMARY KEY, s_text text NOT NULL UNIQUE, open text);
	ALTER TABLE uniq REPLICA IDENTITY USING INDEX uniq_s_text_key;
	CREATE TABLE parted (a int, s_text text, open text) PARTITION BY LIST (a);
	CREATE TABLE part1 PARTITION OF parted FOR VALUES IN (1);
	CREATE TABLE base (id int PRIMARY KEY, s_text text);
	CREATE TABLE child (open text) INHERITS (base);
	ALTER TABLE child REPLICA IDENTITY FULL});
$etf->slot('s');

sub values_of
{
	my ($id) = @_;

	return "($id, 'open', 'S3CR3T$id', 'S3CR3T', 7318349394477$id, 31415926.5$id, '1815-12-1$id',
		'{\"S3CR3T\": [1]}', '{\"a\": \"S3CR3T\"}', '{S3CR3T,x}', ('S3CR3T', 7318349394477), 'S3CR3T', 'S3CR3T',
		'[73183493944770, 73183493944771)', '<a>S3CR3T</a>', repeat('S3CR3T', 2000))";
}

for my $table (qw(plain entire))
{
	$etf->sql("INSERT INTO $table VALUES " . values_of($_)) for 1 .. 3;
	$etf->sql("UPDATE $table SET open = 'shut' WHERE id = 1; UPDATE $table SET s_text = 'S3CR3Tx' WHERE id = 2;
		UPDATE $table SET id = 9 WHERE id = 3; DELETE FROM $table WHERE id = 1");
}
$etf->sql(q{
	INSERT INTO keyed VALUES ('S3CR3T', 'open'); UPDATE keyed SET s_text = 'S3CR3T2'; DELETE FROM keyed;
	INSERT INTO keyed VALUES ('S3CR3T', 'open');
	INSERT INTO uniq VALUES (1, 'S3CR3T', 'open'); UPDATE uniq SET s_text = 'S3CR3T2'; DELETE FROM uniq;
	INSERT INTO parted VALUES (1, 'S3CR3T', 'open'); INSERT INTO part1 VALUES (1, 'S3CR3T', 'open');
	INSERT INTO child VALUES (1, 'S3CR3T', 'open'); UPDATE child SET open = 'shut'; DELETE FROM child;
	ALTER TABLE plain ADD s_new text DEFAULT 'S3CR3T';
	ALTER TABLE entire ADD s_new bigint NOT NULL DEFAULT 7318349394477;
	ALTER TABLE plain ALTER s_varchar TYPE text;
	INSERT INTO plain (id) VALUES (20)});

# By the server, by the reader, and a bit of each; each mask.
$etf->sql(q{LOAD 'pg_etf_decoding'; ALTER SYSTEM SET pg_etf_decoding.mask_key = 'k3y'});
my %means = (
	'left out by the server' => [ '*.*.s_*', '', {} ],
	'masked by the server' => [ '', '*.*.s_*:hash', {} ],
	'left out by the reader' => [ '', '', { exclude_columns => '*.*.s_*' } ],
	# Keys always come: they are masked.
	'not among those that are read' => [ '', '',
		{ include_columns => '*.*.open', mask_columns => '*.keyed.s_text:null, *.uniq.s_text:hash' } ],
	(map { ("masked by the reader, $_" => [ '', '', { mask_columns => "*.*.s_*:$_" } ]) } 'hash', 'fixed(x)', 'null', 'keep(1)', 'trunc(2)'),
	'lifted in vain' => [ '*.*.s_text, *.*.s_new, *.*.s_large', '*.*.s_*:trunc(1)',
		{ include_columns => '*.*.*', mask_columns => '*.*.s_*:keep(99)' } ]);
my @forms = (
	{ rows => 'tuple', dialect => 'compact', ddl => 'tables' }, { dialect => 'erlang', updates => 'changed', ddl => 'tables' },
	{ dialect => 'elixir', relations => 'frame', rows => 'tuple', updates => 'changed', skip_unchanged => 'on' });
my $client_said = '';

sub frames_of
{
	my (%option) = @_;
	my $file = $etf->peek('s', undef, %option);
	my $shown = join "\n", @{ $etf->show($file, %option) };

	return (slurp_file($file), $shown);
}

sub prints_of
{
	my (%option) = @_;
	my @option = map { ('-o', "$_=$option{$_}") } sort keys %option;
	my $all = '';

	for my $style (qw(json erlang elixir))
	{
		my (undef, $out, $err) = EtfCommand::run($ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'),
			'--slot', 's', "--print=$style", '--peek', @option, '--endpos', $etf->end_of_wal);

		$all .= $out;
		$client_said .= $err;
	}
	return $all;
}

sub reads_of
{
	my (%option) = @_;
	my $options = join ',', map { qq{"$_=$option{$_}"} } grep { !/^(ddl|skip_unchanged|updates)$/ } sort keys %option;

	return join "\n", map { $etf->sql("SELECT etf_to_text(etf_read('$_', '{$options}', '\\x6105'))") }
	  qw(plain entire keyed part1);
}

for my $name (sort keys %means)
{
	my ($excluded, $masks, $reader) = @{ $means{$name} };

	$etf->sql("LOAD 'pg_etf_decoding'; ALTER SYSTEM SET pg_etf_decoding.exclude_columns = '$excluded'");
	$etf->sql("LOAD 'pg_etf_decoding'; ALTER SYSTEM SET pg_etf_decoding.mask_columns = '$masks'");
	$etf->reload;
	for my $form (@forms)
	{
		my %option = (%$form, %$reader);
		my ($bytes, $shown) = frames_of(%option);
		my $how = "$name, $form->{dialect}";

		like($shown, qr/"open"/, "$how: the rest is sent");
		unlike($bytes, $secret, "$how: no frame has it");
		unlike($shown, $secret, "$how: nor shows it");
		unlike(reads_of(%option), $secret, "$how: no read has it");
	}
	unlike(prints_of(%$reader, ddl => 'tables'), $secret, "$name: no print has it");
}
unlike($client_said, $secret, 'the client has not said it');
my $log = join "\n", grep { /walsender|replication|DEBUG|WARNING/ } split /\n/, slurp_file($node->logfile);
unlike($log, $secret, 'the server has not logged it while it decoded');

# Without all this it is everywhere: the tests could fail.
$etf->sql("ALTER SYSTEM SET pg_etf_decoding.$_ = ''") for 'exclude_columns', 'mask_columns';
$etf->reload;
my ($bytes, $shown) = frames_of(dialect => 'erlang', ddl => 'tables');
like($shown, qr/\Q$_\E/, "$_ is there to be found") for 'S3CR3T', '7318349394477', '31415926', '{1815,';
like($shown, qr/missing "S3CR3T"/, 'also in what older rows have');
like(reads_of(), $secret, 'in reads');
like(prints_of(), $secret, 'and in prints');

# What the masks do not reach: the text of a command.
$etf->sql(q{LOAD 'pg_etf_decoding'; ALTER SYSTEM SET pg_etf_decoding.exclude_columns = '*.*.s_*'; SELECT etf_enable_ddl()});
$etf->reload;
$etf->sql(q{ALTER TABLE plain ADD s_more text DEFAULT 'S3CR3T';
	SET pg_etf_decoding.ddl = objects; ALTER TABLE plain ADD s_most text DEFAULT 's3cr3t'});
(undef, $shown) = frames_of(%{ $forms[0] }, ddl => 'commands');
like($shown, qr/ddl "ALTER TABLE".*S3CR3T/, 'the text of a command is what it is');
unlike($shown, qr/s3cr3t/, 'unless it is kept out');

$etf->stop;
done_testing();
