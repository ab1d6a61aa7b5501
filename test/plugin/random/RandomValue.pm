# Random SQL expressions of any type that a session's catalogs describe:
# EtfTypes' literals, which have the extremes, and random ones beside them.
package RandomValue;

use strict;
use warnings;

use EtfTypes;

my %literals;
my $exact_json = 0;

# The names by which the catalogs know the types of EtfTypes.
my %catalog_name = (
	'bool' => 'boolean', 'int2' => 'smallint', 'int4' => 'integer',
	'int8' => 'bigint', 'float4' => 'real', 'float8' => 'double precision',
	'time' => 'time without time zone', 'timetz' => 'time with time zone',
	'timestamp' => 'timestamp without time zone',
	'timestamptz' => 'timestamp with time zone', 'varbit' => 'bit varying',
	'varchar' => 'character varying', 'char' => 'character',
	'hstore' => 'ext.hstore', 'citext' => 'ext.citext',
	'ltree' => 'ext.ltree');

my %random = (
	smallint => sub { whole(15) },
	integer => sub { whole(31) },
	bigint => sub { whole(62) },
	oid => sub { abs whole(31) },
	real => sub { real() },
	'double precision' => sub { real() },
	numeric => sub { digits(30) },
	text => sub { text() },
	'character varying' => sub { text() },
	character => sub { text() },
	'ext.citext' => sub { text() },
	bytea => sub { '\\x' . join '', map { sprintf '%02x', int rand 256 }
		  1 .. int rand 40 },
	'bit varying' => sub { join '', map { int rand 2 } 1 .. int rand 40 },
	uuid => sub { join '', map { sprintf '%04x', int rand 65536 } 1 .. 8 },
	date => sub { sprintf '%04d-%02d-%02d', year(), 1 + int rand 12,
		1 + int rand 28 },
	'time without time zone' => sub { clock() },
	'time with time zone' => sub { clock() . sprintf '%+03d:%02d',
		int(rand 31) - 15, int rand 60 },
	'timestamp without time zone' => sub { moment() },
	'timestamp with time zone' => sub { moment() . '+00' },
	interval => sub { sprintf '%d mons %d days %s%s', int(rand 999) - 500,
		int(rand 999) - 500, rand() < 0.5 ? '-' : '', clock() },
	json => sub { document(0) },
	jsonb => sub { document(0) },
	point => sub { '(' . real() . ',' . real() . ')' },
	inet => sub { join('.', map { int rand 256 } 1 .. 4) . '/' . int rand 33 },
	'ext.hstore' => sub { join ',', map { hstore_text() . '=>'
		  . (rand() < 0.2 ? 'NULL' : hstore_text()) } 1 .. int rand 4 });

# Literals that only a type of its own in EtfTypes lacks.
my %more = (
	int2vector => [ '', '1', '1 -2 32767' ],
	oidvector => [ '', '1 4294967295' ],
	regclass => [ 'pg_class', '-', '4000000000' ],
	regtype => [ 'integer', 'text[]' ],
	xid => [qw(0 1 4294967295)],
	cid => [qw(0 4294967295)],
	refcursor => [ '', 'c' ],
	pg_snapshot => ['10:20:10,14,15'],
	json => [ '"\\ud800"', '"\\ud83d\\ude00"', ' [ ] ' ]);

my %wanted = map { $_ => 1 } qw(numbers texts documents times networks
  ranges multiranges extensions);

# Exact: numbers of documents that no double holds, as well.
sub setup
{
	my ($etf, $exact) = @_;
	my $families = EtfTypes::families($etf);

	%literals = %more;
	$exact_json = $exact;
	for my $family (grep { $wanted{$_} } sort keys %$families)
	{
		for my $type (sort keys %{ $families->{$family} })
		{
			(my $plain = $type) =~ s/\(.*//;
			push @{ $literals{ $catalog_name{$plain} // $plain } },
			  @{ $families->{$family}{$type} };
		}
	}
	@{ $literals{$_} } = grep { $exact || !/\d{16}/ } @{ $literals{$_} }
	  for qw(json jsonb);
	return;
}

sub types { return sort grep { $_ !~ /range/ } keys %literals; }

sub pick { return $_[int rand @_]; }

sub sign { return pick(1, -1); }

sub whole { return sign() * int rand 2**(1 + int rand $_[0]); }

sub digits
{
	my ($most) = @_;
	my $text = join '', map { int rand 10 } 0 .. rand $most;

	substr $text, int rand length $text, 0, '.' if rand() < 0.6;
	return pick('', '-') . "0$text";
}

# From denormal numbers to the largest power of ten of a real.
sub real { return sign() * (1 + rand 9) * 10**(int(rand 79) - 41); }

sub year { return pick(1, 1700, 1970, 2000, 9000) + int rand 300; }

sub clock
{
	return sprintf '%02d:%02d:%02d.%06d', int rand 24, int rand 60,
	  int rand 60, pick(0, 500000, int rand 1000000);
}

sub moment
{
	return sprintf '%04d-%02d-%02d %s', year(), 1 + int rand 12,
	  1 + int rand 28, clock();
}

my @pieces = ("''", '"', '\\', ',', '{', '}', '(', ')', ' ', '[', ']', 'NULL',
	'a', 'Bc', '0', ';', ':', '=>', "\t", "\n", "\xc3\xa4", "\xe2\x82\xac",
	"\xf0\x9f\x98\x80", "\x01", "\x7f");

sub text { return join '', map { pick(@pieces) } 1 .. int rand 9; }

sub hstore_text { return '"' . text() =~ s/(["\\])/\\$1/gr . '"'; }

sub json_text
{
	return '"' . text() =~ s/([\\"\x00-\x1f])/sprintf '\\u%04x', ord $1/ger
	  . '"';
}

# A double keeps 15 digits, so that many are exact in any form.
sub json_number
{
	my $text = digits($exact_json ? 40 : 13);

	$text =~ s/^(-?)0+(?=\d)/$1/;
	$text =~ s/\.$//;
	$text .= pick('e', 'E') . (int(rand 40) - 20) if rand() < 0.3;
	return $text;
}

sub document
{
	my ($depth) = @_;
	my $dice = $depth > 3 ? rand 0.6 : rand;

	return pick('true', 'false', '[]', '{}') if $dice < 0.15;
	return json_number() if $dice < 0.35;
	return json_text() if $dice < 0.6;
	return '[' . join(', ', map { document($depth + 1) } 1 .. int rand 4) . ']'
	  if $dice < 0.8;
	return '{' . join(',', map { json_text() . ':' . document($depth + 1) }
		  1 .. int rand 4) . '}';
}

# What makes each type of a text without blanks.
my %large = (
	text => '%s', 'character varying' => '%s', 'ext.citext' => '%s',
	bytea => "convert_to(%s, 'UTF8')",
	'bit varying' => "('x' || %s)",
	numeric => "('1' || translate(%s, 'abcdef', '012345'))",
	json => 'to_json(%s)',
	jsonb => "jsonb_build_object('large', %s, 'n', 1.5)",
	'ext.hstore' => "ext.hstore('large', %s)",
	tsvector => "to_tsvector('simple', regexp_replace(%s, '(.{32})', '\\1 ', 'g'))");

sub large_types { return grep { $literals{$_} } sort keys %large; }

# Large enough to be stored out of line, whatever the compression makes of it.
# Without a subquery, so that it may be a default.
sub large
{
	my ($name, $format) = @_;
	my $from = int rand 1000000;
	my $text = "probe.large($from, " . (80 + int rand 400) . ')';

	return '(' . sprintf($large{$name}, $text) . ")::$format";
}

sub scalar_value
{
	my ($type, $format) = @_;
	my $name = $type->{name};
	my $list = $literals{$name};

	return large($name, $format)
	  if $large{$name} && $format !~ /\(/ && rand() < 0.2;
	return "'" . $random{$name}->() . "'::$format"
	  if $random{$name} && (!$list || rand() < 0.5);
	# Rounding the last moment would give one that the server cannot read.
	$list = [ grep { !/^294276/ } @$list ] if $list && $format =~ /\(/;
	return $list ? "'" . pick(@$list) . "'::$format" : "NULL::$format";
}

# types: oid => as RandomCatalog has them.
sub value
{
	my ($types, $oid, $format, $depth) = @_;
	my $type = $types->{$oid};

	$depth //= 0;
	return "NULL::$format" if !$type || rand() < 0.12 + 0.1 * $depth;
	return array($types, $type, $format, $depth) if $type->{kind} eq 'a';
	return '(' . value($types, $type->{base}, $type->{base_name}, $depth)
	  . ")::$format"
	  if $type->{kind} eq 'd';
	return row($types, $type, $format, $depth) if $type->{kind} eq 'c';
	return pick(@{ $type->{labels} }, 'NULL') . "::$format"
	  if $type->{kind} eq 'e';
	return range($types, $type, $format, $depth) if $type->{kind} eq 'r';
	return multirange($types, $type, $format, $depth) if $type->{kind} eq 'm';
	return scalar_value($type, $format);
}

sub array
{
	my ($types, $type, $format, $depth) = @_;
	my $element = $types->{ $type->{element} };

	return scalar_value($type, $format) if $literals{ $type->{name} };
	return "'{}'::$format" if !$element || rand() < 0.15;
	(my $inner = $format) =~ s/\[\]$//;
	return '('
	  . elements($types, $element, $inner, $depth,
		map { 1 + int rand 3 } 1 .. pick(1, 1, 1, 2, 3)) . ")::$format";
}

# All parts of a dimension have one length.
sub elements
{
	my ($types, $element, $format, $depth, $length, @lengths) = @_;

	return 'ARRAY[' . join(',', map {
		@lengths
		  ? elements($types, $element, $format, $depth, @lengths)
		  : value($types, $element->{oid}, $format, $depth + 1)
	} 1 .. $length) . ']';
}

sub row
{
	my ($types, $type, $format, $depth) = @_;

	return 'ROW(' . join(',', map { value($types, $_->[1], $_->[2], $depth + 1) }
		  @{ $type->{fields} }) . ")::$format";
}

sub range
{
	my ($types, $type, $format, $depth) = @_;
	my $sub = $types->{ $type->{sub} };
	my ($a, $b);

	return "'empty'::$format" if !$sub || rand() < 0.1;
	($a, $b) = map { value($types, $sub->{oid}, $sub->{name}, $depth + 1) } 1, 2;
	($a, $b) = ("least($a, $b)", "greatest($a, $b)") if rand() < 0.8;
	return "$type->{make}($a, $b, '" . pick('[', '(') . pick(']', ')') . "')";
}

sub multirange
{
	my ($types, $type, $format, $depth) = @_;
	my $range = $types->{ $type->{sub} };

	return "'{}'::$format" if !$range || rand() < 0.2;
	return "$type->{make}("
	  . join(',', map { range($types, $range, $range->{name}, $depth) }
		  0 .. rand 3) . ')';
}

1;
