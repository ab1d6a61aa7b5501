# What the owner of a table, without other rights, can do to its readers.
use strict;
use warnings;

use EtfTest;
use Test::More;

my $etf = EtfTest->new('hostile');

# Names that differ on the server and would be one key of a map: byte 81 means
# nothing in WIN1252, and EUC_JP has the numero sign twice.
my %names = (
	WIN1252 => {
		bytes => [ 'c381', 'c1' ],
		told => [ "{unconverted, \"\xc3\x81\"}", "\xc3\x81" ],
		row => "#{{unconverted, \"\xc3\x81\"}=>1, \"c\"=>"
		  . "#{{unconverted, \"\xc3\x81\"}=>3, \"\xc3\x81\"=>4}, "
		  . "\"\xc3\x81\"=>2}" },
	EUC_JP => {
		bytes => [ '8fa2f1', 'ade2' ],
		told => [ "\xe2\x84\x96", '{unconverted, <<173,226>>}' ],
		row => '#{{unconverted, <<173,226>>}=>2, "c"=>'
		  . "#{{unconverted, <<173,226>>}=>4, \"\xe2\x84\x96\"=>3}, "
		  . "\"\xe2\x84\x96\"=>1}" });
for my $encoding (sort keys %names)
{
	my $db = lc $encoding;
	my $names = $names{$encoding};
	my @told = @{ $names->{told} };
	my ($one, $two) = map { "convert_from('\\x$_', '$encoding')" }
	  @{ $names->{bytes} };

	$etf->sql("CREATE DATABASE $db ENCODING '$encoding' LOCALE 'C'
		TEMPLATE template0");
	$etf->slot($db, $db);
	$etf->sql(
		qq{DO \$\$BEGIN
			EXECUTE format('CREATE TYPE c AS (%I int, %I int)', $one, $two);
			EXECUTE format('CREATE TABLE t (%I int, %I int, c c)', $one, $two);
		END\$\$;
		INSERT INTO t VALUES (1, 2, ROW(3, 4))}, $db);
	is_deeply(
		$etf->decode($db, db => $db),
		[
			'tx whole 0 1 #{}',
			"relation public.t default, $told[0] int4, $told[1] int4, "
			  . "c c as {$told[0]:23,$told[1]:23}",
			"insert t $names->{row}"
		],
		"$encoding: no key repeats");
}

$etf->slot('s');

# Types of types: each level can multiply what there is to know.
$etf->sql(
	q{CREATE ROLE owner;
	GRANT CREATE ON SCHEMA public TO owner;
	SET ROLE owner;
	DO $$
	DECLARE columns text;
	BEGIN
		SELECT string_agg(format('a%s int', i), ',') INTO columns
			FROM generate_series(1, 100) i;
		EXECUTE format('CREATE TYPE wide1 AS (%s)', columns);
		FOR k IN 2 .. 4 LOOP
			SELECT string_agg(format('a%s wide%s', i, k - 1), ',')
				INTO columns FROM generate_series(1, 100) i;
			EXECUTE format('CREATE TYPE wide%s AS (%s)', k, columns);
		END LOOP;
		CREATE TYPE deep0 AS (a int);
		FOR k IN 1 .. 1500 LOOP
			EXECUTE format('CREATE TYPE deep%s AS (a deep%s)', k, k - 1);
		END LOOP;
	END$$;
	CREATE TABLE wide (id int, v wide4);
	CREATE TABLE deep (id int, v deep1500)});
my $null = 'NULL::wide3' . ', NULL' x 99;
$etf->sql("INSERT INTO wide VALUES (1, NULL);
	INSERT INTO wide VALUES (2, ROW($null));
	INSERT INTO deep VALUES (1, NULL)");
is( join("\n", @{ $etf->changes('s', rows => 'tuple') }) =~
	  s/\{(nil, )+nil\}/{nil...}/r,
	"insert wide {1, nil}\ninsert wide {2, {nil...}}\ninsert deep {1, nil}",
	'types without bounds do not stop decoding');

# A few kB stored that are more than 1 GB of text.
$etf->sql(
	q{CREATE TABLE j (id int, p jsonpath);
	INSERT INTO j
	SELECT 1, string_agg('1e131000', ' + ')::jsonpath
	FROM generate_series(1, 9000);
	INSERT INTO j VALUES (2, '$.a')});
like(
	join("\n", @{ $etf->changes('s', rows => 'tuple') }),
	qr/^insert j \{1, \{oversized, \d+\}\}\ninsert j \{2, "\$\."a""\}$/,
	'a text without bounds does not stop decoding');

# Elsewhere than in decoding such an error goes on: what the output function
# holds would stay until the end of the query.
like($etf->sql_error('SELECT etf_encode(p) FROM j WHERE id = 1'),
	qr/out of memory|string buffer|exceeds/, 'but does stop a query');

# Keys of nothing: what is noted of each is more than the key.
sub of_pairs
{
	my ($count) = @_;

	return $etf->sql(qq{SELECT etf_to_text(etf_encode(
		('{' || repeat('"":1,', $count) || '"":2}')::json))});
}
is(of_pairs(1_000_000), q(#{<<>> => 2}), 'a million keys of json');
is(of_pairs(17_000_000), '{oversized,85000006}', 'but not any number');

$etf->stop;
done_testing();
