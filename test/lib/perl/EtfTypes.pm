# Tables of every type, and literals of each: ordinary, extreme, special.
#
# A family is one table: for each type T a column of T and one of T[].
package EtfTypes;

use strict;
use warnings;

my $digits = join '', map { $_ % 10 } 1 .. 1000;

my %numbers = (
	int2 => [qw(0 1 -1 127 128 255 256 32767 -32768)],
	int4 => [qw(0 255 256 2147483647 -2147483648 134217728 -134217729)],
	int8 => [
		qw(0 4294967296 -4294967297 9223372036854775807
		  -9223372036854775808 1152921504606846976)
	],
	oid => [qw(0 1 2147483648 4294967295)],
	xid8 => [qw(0 1 18446744073709551615)],
	pg_lsn => [qw(0/0 16/B374D848 FFFFFFFF/FFFFFFFF)],
	tid => [ '(0,1)', '(4294967295,65535)' ],
	bool => [qw(t f)],
	money => [qw(0 1.05 -0.99 92233720368547758.07 -92233720368547758.08)],
	float4 => [
		qw(0 -0 1.5 0.1 -3.4028235e38 1.1754944e-38 1e-45 NaN
		  Infinity -Infinity)
	],
	float8 => [
		qw(0 -0 0.1 1e22 1e23 1.7976931348623157e308 5e-324
		  2.2250738585072014e-308 NaN Infinity -Infinity)
	],
	numeric => [
		qw(0 0.0 0.000 1 -1 10000 100000000 1.5 -1.50 0.0001 0.00010 12345.6789
		  9999 99999999 1e100 1e-100 18446744073709551615 18446744073709551616
		  -9223372036854775808 -9223372036854775809 NaN 1e-16383),
		$digits, "-$digits.$digits", "0.$digits"
	],
	'numeric(20,5)' => [qw(0 1 -1.5 123456789012345.12345 NaN)]);

my %texts = (
	text => [
		'', 'plain', ' spaces ', 'nil', '{}', '{"a",b\\}', "it''s",
		"tab\there\nand there", "gr\xc3\xbc\xc3\x9fe \xe2\x82\xac",
		"\xf0\x9f\x98\x80 of four bytes", 'x' x 300
	],
	'varchar(20)' => [ '', 'short', 'as long as it may be' ],
	'char(8)' => [ '', 'a', 'eight888' ],
	name => [ '', 'name', 'n' x 63 ],
	'"char"' => [ '', 'c', '"' ],
	bytea => [
		'', '\\x00', '\\x0001fe0aff',
		'\\x' . join('', map { sprintf '%02x', $_ } 0 .. 255)
	],
	'bit(11)' => [qw(00000000000 11111111111 10101010101)],
	varbit => [ '', '1', '0', '10101010', '101010101', '1' x 64, '01' x 33 ],
	uuid => [
		qw(00000000-0000-0000-0000-000000000000
		  ffffffff-ffff-ffff-ffff-ffffffffffff
		  12345678-9abc-def0-1234-56789abcdef0)
	],
	xml => [ '<a/>', '<a b="c">text &amp; more</a>' ],
	tsquery => [ "a & b | !c", "''it''''s'' <2> c:*A" ],
	jsonpath => [ '$', '$.a[*] ? (@ > 1)' ]);

# A document that is null has the term of a NULL: it is not among these.
my %documents = (
	tsvector => [
		'', 'a b c', 'a:1 b:2A,3B c:4C,5D', "''it''''s'':7 ''back\\\\slash''",
		"gr\xc3\xbc\xc3\x9fe:16383"
	],
	json => [
		'1', '"text"', '[]', '{}', ' { "a" : [1, 2.5, true, null] } ',
		'{"a": 1, "a": 2}', '"\\u00e4\\ud83d\\ude00\\n\\"\\\\"',
		'{"deep": [[[[[[{"deeper": []}]]]]]]}', '-0', '1e3',
		'123456789012345678901234567890'
	],
	jsonb => [
		'true', '"text"', '[]', '{}', '{"b": 1, "a": [1, {"c": -2}]}',
		'[1, 1.5, -1e10, 1e30, 0.25, 1152921504606846976]',
		'"\\u0001\\u00e4\\ud83d\\ude00"', '{"": ""}', '[[], {}, [null]]'
	]);

my %times = (
	date => [
		'2000-01-01', '1970-01-01', '1969-12-31', '0001-01-01',
		'0001-12-31 BC', '4713-01-01 BC', '5874897-12-31', '2024-02-29',
		'1900-02-28', 'infinity', '-infinity'
	],
	time => [qw(00:00:00 00:00:00.000001 12:34:56.789 23:59:59.999999 24:00:00)],
	'time(0)' => [qw(00:00:00 23:59:59)],
	timetz => [
		'00:00:00+00', '12:34:56.789-03:30', '23:59:59.999999+15:59:59',
		'24:00:00-15:59:59', '01:00:00+05:45'
	],
	timestamp => [
		'2000-01-01 00:00:00', '1999-12-31 23:59:59.999999',
		'4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999',
		'0044-03-15 12:00:00 BC', '1969-12-31 23:59:59.999999',
		'infinity', '-infinity'
	],
	'timestamp(3)' => [ '2024-02-29 12:34:56.789', '1582-10-15 00:00:00' ],
	timestamptz => [
		'2000-01-01 00:00:00+00', '2024-06-01 12:00:00.5+02',
		'4713-01-02 00:00:00+00 BC', '294276-12-31 23:59:59.999999+00',
		'infinity', '-infinity'
	],
	interval => [
		'0', '1 mon 2 days 03:04:05.678901', '-1 mon +2 days -00:00:00.000001',
		'178000000 years', '2147483647 days', '-2147483648 days',
		'1000000:59:59.999999', '1 year 11 mons'
	]);

my %networks = (
	inet => [
		qw(0.0.0.0 192.168.1.5/24 10.0.0.1/32 255.255.255.255/0 ::1
		  2001:db8::/48 ::ffff:1.2.3.4/128)
	],
	cidr => [qw(10.0.0.0/8 192.168.1.1/32 ::/0 2001:db8::1/128)],
	macaddr => [qw(00:00:00:00:00:00 08:00:2b:01:02:ff)],
	macaddr8 => [qw(08:00:2b:ff:fe:01:02:03 ff:ff:ff:ff:ff:ff:ff:ff)],
	point => [ '(0,0)', '(1.5,-2.25)', '(NaN,Infinity)' ],
	line => [ '{1,-1,0}', '{0.5,2,-3}' ],
	lseg => ['[(0,0),(1,1)]'],
	box => ['(2,2),(0,0)'],
	path => [ '((0,0),(1,1),(2,0))', '[(0,0),(1,1)]', '((5,5))' ],
	polygon => [ '((0,0),(1,1),(2,0))', '((5,5))' ],
	circle => [ '<(0,0),1>', '<(1.5,-1.5),0>' ]);

my %ranges = (
	int4range => [ 'empty', '[1,5)', '(,5)', '[1,)', '(,)' ],
	int8range => [ 'empty', '[1,9223372036854775807)', '(,)' ],
	numrange => [ 'empty', '[1.5,2.50]', '(0,1)', '(,NaN]', '[1,1]' ],
	tsrange => [
		'empty', '["2000-01-01 00:00:00","2000-01-02 12:00:00")',
		'(,infinity]', '[-infinity,)'
	],
	tstzrange => ['["2000-01-01 00:00:00+00","2000-01-02 12:00:00+00"]'],
	daterange => [ 'empty', '[2000-01-01,2000-02-01)', '(,infinity)' ],
	floatrange => [ 'empty', '[0.1,0.2]', '(-Infinity,Infinity)', '(,)' ],
	textrange => [ 'empty', '[a,b)', '["a \\" \\\\ b","c, d"]', '["",a]' ]);

my %multiranges = (
	int4multirange => [ '{}', '{[1,5),[7,9)}', '{(,)}' ],
	nummultirange => ['{[1.5,2.5],(3,4)}'],
	tsmultirange => ['{["2000-01-01 00:00:00","2000-01-02 00:00:00")}'],
	floatmultirange => ['{[0.1,0.2],(1,2)}']);

my %nested = (
	mood => [ 'sad', 'ok', 'it is "complicated", really' ],
	positive => [qw(1 2147483647)],
	word => [ 'a', 'b c' ],
	grid => [ '{}', '{{1,2},{3,NULL}}' ],
	pair => [ '(1,a)', '(,)', '(-1,"with \\"quotes\\", and (more)")', '(2,"")' ],
	pair_checked => [ '(1,a)', '(7,"b c")' ],
	tree => [
		'("(1,a)","{""(2,b)"",NULL}",{1},sad)', '(,,,)',
		'("(,)",{},"{{1,2},{3,4}}",ok)'
	]);

my %extensions = (
	hstore => [ '', 'a=>1', '"k \\"1\\""=>NULL, "b\\\\"=>"x, y"' ],
	citext => [ 'Case', '' ],
	ltree => [ '', 'Top.Science.Astronomy' ]);

# Longer than a page has room for, and not to be compressed.
my %toasted = (
	'varchar(9000)' => [ 'short', map { incompressible($_) } 3000, 9000 ],
	jsonb => [ '1', '{"a": "' . incompressible(4000) . '"}' ]);

my $setup = <<'SQL';
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE TYPE textrange AS RANGE (subtype = text, collation = "C");
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it is "complicated", really');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN word AS text;
CREATE DOMAIN grid AS int[];
CREATE TYPE pair AS (number int, dropped text, label text);
ALTER TYPE pair DROP ATTRIBUTE dropped;
CREATE DOMAIN pair_checked AS pair CHECK ((VALUE).number > 0);
CREATE TYPE tree AS (root pair, leaves pair[], rings grid, feeling mood);
SQL

sub incompressible
{
	my ($length) = @_;

	return join '', map { chr(97 + rand 26) } 1 .. $length;
}

# The statements before the tables, for a server of this version.
sub setup
{
	my ($etf) = @_;

	$etf->sql($setup);
	for my $name (sort keys %extensions)
	{
		if ($etf->sql("SELECT 1 FROM pg_available_extensions
					   WHERE name = '$name'") eq '1')
		{
			$etf->sql("CREATE EXTENSION $name");
		}
		else
		{
			delete $extensions{$name};
		}
	}
	return;
}

# Name of a family to its types and their literals.
sub families
{
	my ($etf) = @_;
	my %family = (
		numbers => \%numbers,
		texts => \%texts,
		documents => \%documents,
		times => \%times,
		networks => \%networks,
		ranges => \%ranges,
		nested => \%nested,
		extensions => \%extensions,
		toasted => \%toasted,
		toasted_full => \%toasted);

	push @{ $numbers{numeric} }, 'Infinity', '-Infinity'
	  if $etf->version >= 14;
	push @{ $times{interval} }, 'infinity', '-infinity'
	  if $etf->version >= 17;
	push @{ $times{interval} }, '2562047788:00:54.775807'
	  if $etf->version >= 15;
	$family{multiranges} = \%multiranges if $etf->version >= 14;
	return \%family;
}

1;
