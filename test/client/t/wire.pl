# Values without replication: what typsend and the output functions make of
# them become, in the client, the terms that the plugin makes.
#
# PG_ETF_VALUES for how many random ones, PG_ETF_SEED to have them again.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl',
  'test/plugin/random';

use EtfTest;
use EtfTypes;
use RandomCatalog;
use RandomDefinition;
use RandomProbe;
use RandomSession;
use RandomValue;
use Test::More;
use WireValues;

my $etf = EtfTest->new('wire');
my $most = $ENV{PG_ETF_VALUES} // 12_000;
my $seed = $ENV{PG_ETF_SEED} // int rand 1_000_000;

# What cannot be the same, see "From pgoutput" in docs/types.md, and how often.
my %excused;

EtfTypes::setup($etf);
my $wire = WireValues->new($etf, 'postgres');

sub are_equal
{
	my ($name, $values, $formats) = @_;
	my ($wrong, $refused) = $wire->differing($values, $formats);

	is(join("\n", $refused, @$wrong), '', $name);
	return;
}

sub differ_only
{
	my ($name, $value, $format) = @_;
	my ($wrong, $refused) = $wire->differing([$value], $format);

	is($refused, '', "$name: a value");
	ok(@$wrong > 0, "$name: differs");
	$excused{$name} += @$wrong;
	return;
}

sub literals
{
	my ($type, @texts) = @_;
	my @ones = map { "'$_'::$type" } @texts;

	return (@ones, "'{}'::${type}[]",
		'ARRAY[' . join(', ', @ones, "NULL::$type") . ']');
}

subtest 'built-in types are those of the server' => sub {
	my %known = map { /^(\d+) (.*)/ } WireValues::builtins();
	my $types = $wire->{types};
	my @wrong;

	for my $oid (grep { $_ < 10000 } keys %$types)
	{
		my $type = $types->{$oid};
		my $is = join ' ', $type->{name},
		  $type->{kind} =~ /[arm]/ || $oid =~ /^(22|30)$/ ? $type->{element} : 0,
		  @{$type}{qw(delimiter sends)};

		# Rows of catalogs, and arrays of these or of pseudo-types.
		next
		  if $type->{kind} eq 'c'
		  || $type->{kind} eq 'a'
		  && ($types->{ $type->{element} }{kind} // 'p') =~ /[cp]/;
		push @wrong, "$oid: $is" if ($known{$oid} // '') ne $is;
	}
	is(join("\n", @wrong), '', 'oid, name, element, delimiter, typsend');
};

subtest 'every type and its arrays' => sub {
	my $families = EtfTypes::families($etf);

	for my $family (sort keys %$families)
	{
		my $types = $families->{$family};

		are_equal($family,
			[ map { literals($_, @{ $types->{$_} }) } sort keys %$types ]);
	}
};

subtest 'types that only have a text' => sub {
	are_equal('in both formats', [
		(map { "to_tsvector('simple', '$_')" } '', 'a b', "it''s"),
		literals('tsquery', '', 'a', '!a', '!!(a | b)', 'a & b & c', 'a | b & c',
			'(a | b) & c', 'a <-> b <-> c', 'a <-> (b <-> c)', 'a <3> b & !c',
			"''it''''s \\\\ it'':*ABCD | d:A", '!(a <-> b) <-> !c'),
		literals('jsonpath', '$.a ? (@ > "x")'),
		literals('pg_snapshot', '10:20:10,14,15', '7:7:'),
		literals('txid_snapshot', '10:20:', '1:9:3') ]);
	are_equal('and no typsend',
		[ literals('aclitem', '=r/' . $etf->sql('SELECT current_user')) ], 't');
	are_equal('of ltree',
		[ literals('ext.lquery', '*.a.!b{1,2}'), literals('ext.ltxtquery', 'a & b*') ])
	  if $etf->sql("SELECT to_regtype('ext.lquery')") ne '';
};

# Not every machine has all of them.
my %extensions = (
	cube => [ 't', cube => '(1,2),(3,4)' ],
	earthdistance => [ 't', earth => '(6378168, 0, 0)' ],
	isn => [ 't', ean13 => '9780131102279' ],
	seg => [ 't', seg => '1.5 .. 2' ],
	vector => [ 'b,t', vector => '[1,2.5,-3e-20]' ],
	postgis => [ 'b,t', geometry => 'POINT(1 2)', geography => 'POINT(1 2)' ]);

subtest 'types of other extensions' => sub {
	my %there = map { $_ => 1 } split /\n/,
	  $etf->sql('SELECT name FROM pg_available_extensions');

	diag('not here: ', join ', ', grep { !$there{$_} } sort keys %extensions);
	for my $name (grep { $there{$_} } sort keys %extensions)
	{
		my ($formats, %text) = @{ $extensions{$name} };

		$etf->sql("CREATE EXTENSION $name CASCADE");
		$wire->read_types;
		are_equal($name, [ map { literals($_, $text{$_}) } sort keys %text ],
			$formats);
	}
};

subtest 'object identifiers, and lists of them' => sub {
	are_equal('as numbers', [
		literals('xid', qw(0 1 4294967295)), literals('cid', 0),
		"''::oidvector", "'1 4294967295'::oidvector", "''::int2vector",
		"'1 -2 32767'::int2vector", "'{\"\",\"1 2\",NULL}'::int2vector[]",
		literals('refcursor', '', 'c'),
		map { literals($_, '-', '4000000000') } qw(regclass regtype regproc) ]);
	are_equal('names in binary', [
		"'pg_class'::regclass", "'integer'::regtype", "'now'::regproc",
		"'{pg_class,-}'::regclass[]" ], 'b');
	differ_only('reg* in a text session', "'pg_class'::regclass", 't');
};

subtest 'modifiers of domains, attributes and elements' => sub {
	my @modified = ('timestamp(0)', 'timestamp(3)', 'timestamptz(1)', 'time(2)',
		'timetz(4)', 'interval(2)', 'interval day to minute', 'numeric(20,5)',
		'char(4)', 'varchar(3)', 'bit(3)');
	my $n = 0;

	$etf->sql(join '', map { $n++;
		"CREATE DOMAIN d$n AS $_; CREATE DOMAIN dd$n AS d$n; "
		  . "CREATE DOMAIN da$n AS $_\[]; "
		  . "CREATE TYPE c$n AS (a $_, b $_\[], c dd$n, d dd$n\[], e da$n);"
	} @modified);
	$etf->sql('CREATE TYPE stamps AS RANGE (subtype = dd2)');
	$wire->read_types;
	$n = 0;
	are_equal('as of a column', [ "'[2024-01-01 10:00:00.1234,infinity]'::stamps",
		map { $n++;
			my $v = /bit/ ? "'101'" : /char/ ? "'a'" : /numeric/ ? "'1.5'"
			  : /interval/ ? "'1 day 03:04:05.678'" : "'2024-02-03 04:05:06.789+00'";

			("$v\::dd$n", "ARRAY[$v]::dd$n\[]", "ARRAY[$v]::da$n",
			  "ROW($v, ARRAY[$v], $v, ARRAY[$v], ARRAY[$v])::c$n")
		} @modified ]);
};

subtest 'arrays of odd bounds and of several dimensions' => sub {
	are_equal('lower bounds are not told', [
		"'[0:2]={1,2,3}'::int[]", "'[-1:0][5:6]={{1,2},{3,NULL}}'::int[]",
		"'{{{{{{a}}}}}}'::text[]", "ARRAY['NULL', 'null', '', ' ', NULL, '{', ',']",
		"ARRAY['(1,1),(0,0)', NULL, '(2,2),(1,1)']::box[]",
		"ARRAY[ARRAY['[1,2)', 'empty'], ARRAY['(,)', NULL]]::int4range[]" ]);
};

subtest 'floats as their shortest digits' => sub {
	are_equal('powers of two, and at random', [
		(map { ("'" . 2**$_ . "'::float4", "'" . -1.5 * 2**$_ . "'::float4") }
			  -140 .. 127),
		map { sprintf "'%.17g'::float4", (1 + rand) * 2**(int(rand 250) - 125) }
		  1 .. 300 ]);
};

# The rows of "From pgoutput" in docs/types.md.
subtest 'what a server sends otherwise' => sub {
	differ_only('the declaration of an xml',
		"'<?xml version=\"1.0\"?><a/>'::xml", 'b');
	$etf->sql('CREATE EXTENSION pg_etf_beam');
	$wire->read_types;
	are_equal('terms in binary', ['etf(1)', "etf('{a,b}'::text[])"], 'b');
	differ_only('terms in a text session', 'etf(1)', 't');
	differ_only('the largest interval before PostgreSQL 17',
		"'178956970 years 7 mons 2147483647 days 2562047788:00:54.775807'::interval",
		'b')
	  if $etf->version =~ /^1[56]/;
};

# Types and values like those of the plugin's random test.
sub random_types
{
	my ($session) = @_;
	my $catalog = RandomCatalog->new($session);

	$session->run("CREATE SCHEMA s$_;") for 1 .. 3;
	for (1 .. 80)
	{
		my $view = $catalog->seen_by($session);

		$session->run(RandomDefinition::create_type($view));
		$catalog->changed;
	}
	return $catalog->seen_by($session);
}

sub oid_of
{
	my ($session, $format) = @_;

	my ($state, $oid) = $session->run("SELECT \$\$$format\$\$::regtype::oid;");

	return $state eq '00000' ? $oid : 0;
}

sub random_values
{
	my ($view, $oids, $n) = @_;
	my @values;

	while (@values < $n)
	{
		my $format = RandomDefinition::type($view);
		my $oid = $oids->{$format} //= oid_of($view, $format) or next;
		my $value = RandomValue::value($view->{types}, $oid, $format);

		# A few of 10 kB do.
		push @values, $value if $value !~ /probe\.large/ || rand() < 0.02;
	}
	return \@values;
}

# Do names of objects stand in the text of this type?
sub has_names
{
	my ($of, $line) = @_;
	my ($oid) = $line =~ /type (\d+)/;

	return $line =~ / t [0-9a-f]*:/
	  && $of->any_part($oid, sub { $_[0]{name} =~ /^_?reg/ });
}

subtest "random values of random types, seed $seed" => sub {
	my (%oids, $refused);
	my $done = 0;

	srand $seed;
	RandomProbe::setup($etf, 'random');
	$etf->sql('CREATE EXTENSION pg_etf_decoding', 'random');
	my $session = RandomSession->new($etf, 'random');
	RandomValue::setup($etf, 1);
	my $view = random_types($session);
	my $of = WireValues->new($etf, 'random');

	while ($done < $most)
	{
		my ($wrong, $said) = $of->differing(
			random_values($view, \%oids, $most < 1000 ? $most : 1000));
		my @names = grep { has_names($of, $_) } @$wrong;
		my %is_name = map { $_ => 1 } @names;

		$refused += () = $said =~ /ERROR/g;
		$excused{'reg* in a text session'} += @names;
		$done += 1000;
		is(join("\n", grep { !$is_name{$_} } @$wrong), '', "$done values") or last;
	}
	# In both formats, but for NULLs and what is refused.
	cmp_ok($of->{values}, '>', 1.4 * $most, "most of $most values were compared");
	cmp_ok($refused, '<', $most / 20, 'and few refused');
	diag("$of->{values} compared, $refused refused by the server");
	$session->stop;
};

diag(join ', ', map { "$_: $excused{$_}" } sort keys %excused);
$etf->stop;
done_testing();
