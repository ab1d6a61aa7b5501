# What a session is refused, what does not change its output, and how errors
# say where they are.
use strict;
use warnings;

use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('session');

$etf->sql('CREATE TABLE t (a int PRIMARY KEY, v text); CREATE DATABASE other');
$etf->slot('s');
$etf->sql(q{SELECT pg_create_logical_replication_slot('foreign', 'test_decoding')});

# Refusals; each with SQLSTATE where a client has to tell them apart.
sub refused
{
	my ($slot, $sqlstate, $message, $name, %option) = @_;
	my (undef, $error) = $etf->try_stream($slot, %option);

	like($error // 'no error', qr/\Q$sqlstate\E/, "$name: SQLSTATE $sqlstate");
	like($error // 'no error', $message, $name);
	return;
}
refused('s', '0A000', qr/protocol_version 2 is not supported.*1 to 1/,
	'an unsupported protocol_version', protocol_version => 2);
refused('s', '22023', qr/unrecognized option.*nonsense.*protocol_version/,
	'an unknown option', nonsense => 1);
refused('s', '22023', qr/invalid value.*rows.*list.*map, tuple/,
	'a bad value', rows => 'list');
refused('s', '22023', qr/option.*rows.*needs a value.*map, tuple/,
	'a missing value', rows => undef);
refused('none', '42704', qr/none.*does not exist/, 'a slot that is not there');
{
	my $error = $etf->recv_error('s', db => 'other');

	like($error, qr/slot "s" was not created in this database/,
		'a slot of another database');
	like($etf->sql_error(
		q{SELECT pg_logical_slot_peek_changes('s', NULL, NULL)}),
		qr/produces binary output/, 'a text function on binary output');
	like($etf->recv_error('foreign', rows => 'map'),
		qr/option "rows" = "map" is unknown/,
		'options given to the slot of another plugin');
}
is($etf->sql_error(
	q{SELECT count(*) FROM pg_logical_slot_peek_binary_changes('s', NULL, NULL)}),
	'no error', 'the slot has not suffered');

# A duplicate can be given in the protocol only by two list elements.
like(
	$etf->sql_error("SELECT " . EtfTest::slot_call('peek', 's', rows => 'map')
		  =~ s/\)$/, 'rows', 'tuple')/r),
	qr/option "rows" is given twice/, 'an option given twice');

# The gate of newer minor releases.
SKIP:
{
	skip 'this server has no output_plugin_libraries', 3
	  if EtfTest::server_gate() eq '';
	$etf->sql('ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding');
	$etf->reload;
	refused('s', '42501', qr/may not be used as an output plugin/,
		'a plugin that is not on the list');
	like($etf->sql_error(
		q{SELECT pg_create_logical_replication_slot('x', 'pg_etf_decoding')}),
		qr/output_plugin_libraries/, 'nor can a slot be made with it');
	$etf->sql('ALTER SYSTEM RESET output_plugin_libraries');
	$etf->reload;
}

# In a backend that decodes now and then, whatever happens between is no
# concern of a session that has ended.
my $peek = 'SELECT count(*) FROM ' . EtfTest::slot_call('peek', 's');
is(
	$etf->run_text(
		qq{CREATE TABLE between (a int);
		CREATE TYPE pair_between AS (x int);
		} . join('', map {
			qq{INSERT INTO between VALUES (1);
			$peek;
			ALTER TABLE between ADD c$_ pair_between;
			ALTER TYPE pair_between RENAME ATTRIBUTE x TO y;
			ALTER TYPE pair_between RENAME ATTRIBUTE y TO x;
			CREATE TEMP TABLE t$_ AS SELECT i FROM generate_series(1, 1000) i;
			$peek;
			SELECT etf_encode(between) FROM between LIMIT 1;
			} } 1 .. 20)),
	'', 'DDL between sessions of one backend does no harm');
$etf->sql('DROP TABLE between');
$etf->decode('s');

# REPLICATION is all that a role needs.
$etf->sql('CREATE ROLE reader LOGIN REPLICATION');
$etf->sql(q{INSERT INTO t VALUES (0, 'for the reader')});
{
	local $ENV{PGUSER} = 'reader';

	$etf->sql("SELECT pg_copy_logical_replication_slot('s', 'copy')");
	is($etf->show($etf->recv('copy'))->[-1],
		'insert t #{"a"=>0, "v"=>"for the reader"}',
		'a role with REPLICATION reads tables that it may not select from');
	$etf->drop_slot('copy');
}

# Settings of the session.
my %settings = (
	DateStyle => 'German', IntervalStyle => 'sql_standard',
	TimeZone => 'America/St_Johns', bytea_output => 'escape',
	extra_float_digits => -15, xmlbinary => 'hex', lc_monetary => 'C',
	search_path => 'pg_catalog', array_nulls => 'off',
	quote_all_identifiers => 'on', default_transaction_isolation => 'serializable');

# Types that the plugin does not know, whose text depends on settings.
for my $type (qw(timestamptz interval bytea float8 date))
{
	my $modifier = $type =~ /time|interval/ ? ', oid, int4' : '';
	my ($in, $out) =
	  map { $type . ($type =~ /8|bytea/ ? '' : '_') . $_ } qw(in out);

	$etf->sql(
		qq{CREATE TYPE odd_$type;
		CREATE FUNCTION odd_${type}_in(cstring$modifier) RETURNS odd_$type
			LANGUAGE internal IMMUTABLE STRICT AS '$in';
		CREATE FUNCTION odd_${type}_out(odd_$type) RETURNS cstring
			LANGUAGE internal IMMUTABLE STRICT AS '$out';
		CREATE TYPE odd_$type (INPUT = odd_${type}_in, OUTPUT = odd_${type}_out,
			LIKE = $type)});
}
my $values = q{SELECT 1 AS a, '2024-02-29 12:34:56+00'::timestamptz AS b,
	'1 mon 2 days 03:04:05'::interval AS c, '\x00ff'::bytea AS d, 0.1::float8 AS e,
	0.1::float4 AS f, '12.34'::money AS g, '<a/>'::xml AS h, '{1,NULL}'::int[] AS i,
	'a & b'::tsquery AS j, 't'::regclass AS k,
	ROW('2024-02-29', '1 day')::settings_pair AS l, now()::date AS m,
	'$.a'::jsonpath AS n, '[2024-01-01,2024-02-01)'::daterange AS o,
	'{"[2024-01-01,2024-02-01)"}'::daterange[] AS p, '1:2:'::pg_snapshot AS q,
	'(1,2)'::point AS r, B'101' AS s, '12:00+05:30'::timetz AS t,
	'2024-02-29 12:34:56+00'::odd_timestamptz AS u, '1 mon 2 days'::odd_interval AS v,
	'\x00ff'::odd_bytea AS w, '0.1'::odd_float8 AS x, '2024-02-29'::odd_date AS y};
my %forms = (elixir => {}, erlang => { dialect => 'erlang' },
	compact => { dialect => 'compact' }, text => { timestamps => 'iso',
		interval => 'duration', numeric => 'float', json => 'text', timetz => 'offset' });

$etf->sql('CREATE TYPE settings_pair AS (d date, i interval)');
$etf->sql("CREATE TABLE of_settings AS $values");
for my $form (sort keys %forms)
{
	my $plain = slurp_file($etf->peek('s', undef, %{ $forms{$form} }));
	local $ENV{PGOPTIONS} = join ' ',
	  map { "-c $_=$settings{$_}" } sort keys %settings;

	ok(slurp_file($etf->peek('s', undef, %{ $forms{$form} })) eq $plain,
		"settings of the session do not change $form terms: SQL");
	$etf->sql("SELECT pg_copy_logical_replication_slot('s', 'copy')");
	ok(slurp_file($etf->recv('copy', undef, %{ $forms{$form} })) eq $plain,
		"settings of the session do not change $form terms: walsender");
	$etf->drop_slot('copy');
}
is($etf->sql(
	q{SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo';
	SELECT etf_encode('2024-01-01 00:00'::timestamp) IS NOT NULL;
	SELECT etf_encode('1:2:'::pg_snapshot) IS NOT NULL; SHOW DateStyle; SHOW TimeZone}),
	"t\nt\nGerman, DMY\nAsia/Tokyo", 'and are themselves not changed');

# An error says where it is, and how to get past it is up to filters.
$etf->decode('s');
$etf->sql(
	q{CREATE TYPE broken;
	CREATE FUNCTION broken_in(cstring) RETURNS broken
		LANGUAGE internal IMMUTABLE STRICT AS 'textin';
	CREATE FUNCTION broken_out(broken) RETURNS cstring
		LANGUAGE internal IMMUTABLE STRICT AS 'internal_out';
	CREATE TYPE broken (INPUT = broken_in, OUTPUT = broken_out, LIKE = text);
	CREATE TABLE of_broken (a int, "the column" broken)});
$etf->sql(q{INSERT INTO of_broken VALUES (1, 'x')});
$etf->sql(q{INSERT INTO t VALUES (1, 'after it')});
for my $error (
	$etf->recv_error('s'),
	$etf->sql_error('SELECT ' . EtfTest::slot_call('peek', 's')))
{
	like($error, qr/cannot display a value/, 'the error itself');
	like($error, qr/column "the column" of table "(public\.)?of_broken"/,
		'an error names table and column');
	like($error,
		qr/slot "s", output plugin "pg_etf_decoding".*LSN [0-9A-F]+\/[0-9A-F]+/,
		'and slot and LSN');
}

# One walsender serves session after session; nothing of one that failed is
# left for the next.
my @lines = split /\n/,
  $etf->sessions('s', {}, { nonsense => 1 }, {},
	{ exclude_tables => '*.of_broken' });
like($lines[$_], qr/cannot display a value/, 'a walsender fails') for 0, 2;
like($lines[1], qr/unrecognized option/, 'refuses');
is($lines[3], 1, 'and streams');
is_deeply(
	$etf->changes('s', exclude_tables => 'public.of_broken'),
	['insert t #{"a"=>1, "v"=>"after it"}'],
	'without the table the slot goes on');

$etf->stop;
done_testing();
