# Every type through the BEAM: what Elixir is given and returns as it is comes
# back as the same value.  So the BEAM knows every atom that is sent to it.
use strict;
use warnings;

use BeamTest;
use EtfTypes;
use Test::More;

BeamTest::needs_elixir();

my $beam = BeamTest->with_sidecar('echo');

# The image of a value is compared, but where the form for Elixir says less: a
# timetz comes in UTC, a document's layout is gone.
sub same
{
	my ($type) = @_;

	return 'true' if $type =~ /^timetz/;
	return 'to_jsonb(back)::text = to_jsonb(value::jsonb)::text' if $type eq 'json';
	return 'to_jsonb(back) = to_jsonb(value)' if $type eq 'json[]';
	return 'record_image_eq(ROW(back), ROW(value))';
}

sub differing
{
	my ($type, @values) = @_;
	my $same = same($type);

	return $beam->sql(
		"CREATE OR REPLACE FUNCTION pg_temp.echo(value $type) RETURNS $type
			LANGUAGE elixir AS 'Typed.echo';\n" . join "\nUNION ALL\n", map {
		"SELECT '$type: ' || value::text || ' became ' || coalesce(back::text, 'NULL')
		FROM (SELECT pg_temp.echo(value) AS back, value
			FROM (SELECT $_ AS value OFFSET 0) AS given OFFSET 0) AS both_of
		WHERE ($same) IS NOT TRUE" } @values);
}

EtfTypes::setup($beam);
my $families = EtfTypes::families($beam);

for my $family (grep { !/toasted/ } sort keys %$families)
{
	my $types = $families->{$family};
	my @bad;

	for my $type (sort keys %$types)
	{
		my @values = map { "'$_'::$type" } @{ $types->{$type} };

		push @bad, differing($type, @values), differing("${type}[]",
			'ARRAY[' . join(', ', @values, "NULL::$type") . ']', "'{}'::${type}[]");
	}
	is(join("\n", grep { $_ ne '' } @bad), '', "$family come back as they went");
}

$beam->stop;
done_testing();
