# What the encoders write, etf_decode reads back as the same value: every type
# of EtfTypes, alone, in arrays and in rows, and random values of all of them.
use strict;
use warnings;

use lib 'test/plugin/random';

use EtfTest;
use EtfTypes;
use RandomValue;
use Test::More;

my $etf = EtfTest->new('decode');
my $seed = $ENV{PG_ETF_SEED} // int rand 1_000_000;

# What the form for Elixir alone does not tell.
my %options = (timetz => '{timetz=offset}', json => '{json_numbers=decimal}');

$etf->sql('CREATE EXTENSION pg_etf_beam');
EtfTypes::setup($etf);
$etf->sql('CREATE SCHEMA ext');

# Literals of EtfTypes are already fit for a quoted string.
sub quote_literal { return "'$_[0]'"; }

sub option
{
	my ($type) = @_;

	return $options{timetz} if $type =~ /timetz|time with/;
	return $options{json} if $type =~ /json/;
	return '{}';
}

# A value and its image: one that differs is told as text.
sub differing
{
	my ($type, @expressions) = @_;
	my $option = option($type);
	my $same = $type =~ /^json(\[\])?$/
	  ? 'back::text::jsonb = value::text::jsonb'
	  : 'record_image_eq(ROW(back), ROW(value))';

	$same = 'to_jsonb(back) = to_jsonb(value)' if $type eq 'json[]';
	return $etf->sql(join "\nUNION ALL\n", map {
		"SELECT '$type: ' || value::text || ' became ' || coalesce(back::text, 'NULL')
		FROM (SELECT etf_decode(etf_encode(value, '$option'), value) AS back, value
			FROM (SELECT $_ AS value OFFSET 0) AS given OFFSET 0) AS both_of
		WHERE value IS NOT NULL AND ($same) IS NOT TRUE" } @expressions);
}

my $families = EtfTypes::families($etf);

for my $family (sort keys %$families)
{
	my $types = $families->{$family};
	my @bad;

	for my $type (sort keys %$types)
	{
		my @values = map { quote_literal($_) . "::$type" } @{ $types->{$type} };

		push @bad, differing($type, @values),
		  differing("${type}[]", "ARRAY[" . join(', ', @values, "NULL::$type") . ']',
			"'{}'::${type}[]");
	}
	is(join("\n", grep { $_ ne '' } @bad), '', "$family are read back as they were");
}

srand $seed;
RandomValue::setup($etf, 1);
for my $type (grep { !/^ext\./ } RandomValue::types())
{
	my @values = grep { !/probe\.large/ }
	  grep { $type ne 'real' || !/e[+-]?(?:3[789]|4\d)/ } # beyond what a real holds
	  grep { !/ud800"/ } # no document that jsonb takes
	  map { RandomValue::scalar_value({ name => $type }, $type) } 1 .. 100;

	is(differing($type, @values), '', "random values of $type, seed $seed");
}

# Terms that no value of ours is written as.
sub decoded
{
	my ($type, $hex) = @_;
	my ($status, $out, $err) =
	  $etf->node->psql('postgres', "SELECT etf_decode('\\x83$hex', NULL::$type)");

	return $status == 0 ? $out : $err;
}

my ($nil, $one, $a) = ('6a', '6101', '6d0000000141');
my $wide = '7400000003'
  . '770a' . unpack('H*', '__struct__') . '7714' . unpack('H*', 'Elixir.Postgrex.INET')
  . '7707' . unpack('H*', 'address') . '6804' . '610a610061006101'
  . '7707' . unpack('H*', 'netmask') . '6e05001800000001';

like(decoded('text[]', "6c00000002$nil${a}6a"), qr/not text\[\]/,
	'a value beside an empty list');
like(decoded('int[]', "6c000000026c00000001${nil}6a6c00000001${one}6a6a"),
	qr/not integer\[\]/, 'one level down, too');
is(decoded('int[]', "6c00000002$nil${nil}6a"), '{}', 'lists that are all empty');
is(decoded('etf[]', '6b0003010203'), '{"\\\\x836101","\\\\x836102","\\\\x836103"}',
	'bytes of a list are terms');
like(decoded('inet', $wide), qr/not inet/, 'a netmask wider than an address');

done_testing();
