# --print=debezium: each value as Debezium's connector converts it, with the
# server as the oracle, and the envelope around rows.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfCommand;
use EtfTest;
use JSON::PP;
use Test::More;

my $etf = EtfTest->new('debezium');
my $node = $etf->node;
my $json = JSON::PP->new->canonical->allow_nonref->allow_bignum;

# All lines since the last time, decoded.
sub lines
{
	my (@more) = @_;
	my ($status, $out, $err) = EtfCommand::run($ENV{ETF_CLIENT}, '-d',
		$node->connstr('postgres'), '-S', 's', '--print=debezium', '--endpos',
		$etf->end_of_wal, '-w', @more);

	is($status, 0, 'printed') or diag $err;
	return map { $json->decode($_) } split /\n/, $out;
}

# A value in JSON, as the server has it.
sub oracle { return $json->decode($etf->sql("SELECT coalesce(to_jsonb($_[0]), 'null')")); }

# A type, its values, and what becomes of a value $: an expression of SQL.
my $us = q{(extract(epoch FROM date_trunc('second', $))::bigint * 1000000
	+ extract(microseconds FROM $)::bigint % 1000000)};
my $ms = "floor(${us}::numeric / 1000)";
my $iso = q{(to_char($ AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || 'Z')};
my @types = (
	[ 'bool', '$', q{true}, q{false} ],
	[ 'int2', '$', '-32768' ], [ 'int4', '$', '2147483647' ],
	[ 'int8', '$', '-9223372036854775808' ], [ 'oid', '$::bigint', '4294967295' ],
	[ 'float4', '$', q{'0.1'}, q{'-1e30'} ], [ 'float4', '$::text', q{'NaN'}, q{'Infinity'} ],
	[ 'float8', '$', q{'0.1'} ], [ 'float8', '$::text', q{'NaN'}, q{'-Infinity'}, q{'Infinity'} ],
	[ 'numeric', '$::text', '12.50', q{'NaN'}, '-0.000000000000000001', '1e40' ],
	[ 'numeric(10,2)', '$::text', '12.5' ], [ 'money', q{(($::numeric)::text)}, '-1234.56' ],
	[ 'text', '$', q{E'a"\\\\\t\nb'}, q{'Zoë'}, q{''} ], [ 'varchar(9)', '$', q{'x'} ],
	[ 'char(4)', q{rpad($::text, 4)}, q{'ab'} ], [ 'xml', '$::text', q{'<a>1</a>'} ],
	[ 'bytea', q{encode($, 'base64')}, q{'\x00ff10'}, q{'abc'}, q{''} ],
	[ 'uuid', '$', q{'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'} ],
	[ 'date', q{$ - date '1970-01-01'}, q{'2024-02-29'}, q{'0044-03-15 BC'}, q{'1969-12-31'} ],
	[ 'time', $us, q{'03:04:05.000006'}, q{'24:00'} ],
	[ 'time(3)', $ms, q{'03:04:05.678'} ],
	[ 'timestamp', $us, q{'2024-01-02 03:04:05.000006'}, q{'1969-12-31 23:59:59.5'} ],
	[ 'timestamp(0)', $ms, q{'1969-12-31 23:59:59'} ],
	[ 'timestamptz', $iso, q{'2024-01-02 03:04:05.000006+02'}, q{'2024-01-02'} ],
	[ 'timestamptz', '$::text', q{'infinity'}, q{'-infinity'} ],
	[ 'timestamptz(2)', qq{(left($iso, -5) || 'Z')}, q{'2024-01-02 03:04:05.67+02'} ],
	[ 'interval', q{((extract(year FROM $) * 12 + extract(month FROM $)) * 2629800000000
		+ extract(day FROM $) * 86400000000
		+ extract(epoch FROM $ - date_trunc('day', $)) * 1000000)::bigint},
		q{'1 day 02:03:04.5'}, q{'14 mons 3 days'}, q{'-5 mons'} ],
	[ 'json', '$::text', q{'{"b": 1, "a" : [1.50, null]}'} ],
	[ 'jsonb', '$::text', q{'{"b": 1, "a" : [1.50, null]}'} ],
	[ 'inet', q{format('%s', $)}, map { "'$_'" } '10.0.0.1', '10.0.0.1/8', '::1', '::2', '::',
		'2001:db8::1/64', '1:0:0:2::3', '::ffff:1.2.3.4', '::1.2.3.4', '1:2:3:4:5:6:7:8',
		'1:0:2:0:3:0:4:0', 'fe80::' ],
	[ 'cidr', '$::text', q{'10.0.0.0/8'}, q{'2001:db8::/32'}, q{'10.1.2.3/32'} ],
	[ 'macaddr', '$::text', q{'08:00:2b:01:02:03'} ],
	[ 'macaddr8', '$::text', q{'08:00:2b:01:02:03:04:05'} ],
	[ 'tsvector', '$::text', q{$$'a':1A,2 'it''s' 'b\\\\c':3B$$}, q{''} ],
	[ 'int4range', '$::text', q{'[1,5]'}, q{'empty'}, q{'(,)'}, q{'[3,)'} ],
	[ 'numrange', '$::text', q{'(1.50,2]'} ],
	[ 'daterange', '$::text', q{'[2024-01-01,infinity)'}, q{'[0044-03-15 BC,2024-01-01)'} ],
	[ 'tsrange', '$::text', q{'[2024-01-01 00:00,2024-01-02 03:04:05.67]'} ],
	[ 'tstzrange', '$::text', q{'[2024-01-01 00:00+00,2024-01-02 03:04:05+00]'} ],
	[ 'int4[]', '$', q{'{1,NULL,3}'}, q{'{{1,2},{3,4}}'} ],
	[ 'text[]', '$', q{'{a,NULL,""}'} ],
	[ 'numeric[]', '$::text[]', q{'{1.50,NaN}'} ],
	[ 'date[]', q{(SELECT array_agg(d - date '1970-01-01') FROM unnest($) AS d)}, q{'{2024-01-01,NULL}'} ],
	[ 'bytea[]', q{(SELECT array_agg(encode(d, 'base64')) FROM unnest($) AS d)}, q{'{"\\\\x00ff"}'} ],
	[ 'int4range[]', '$::text[]', q{'{"[1,5]",empty}'} ],
	[ 'timestamptz[]', qq{(SELECT array_agg(${\($iso =~ s/\$/d/r)}) FROM unnest(\$) AS d)}, q{'{2024-01-01}'} ],
	[ 'bit(1)', q{$ = B'1'}, q{B'1'}, q{B'0'} ],
	[ 'bit(10)', q{CASE $ WHEN B'1000000001' THEN 'AQI=' ELSE '' END}, q{B'1000000001'}, q{B'0000000000'} ],
	[ 'varbit', q{'BQ=='::text}, q{B'101'}, q{B'00000101'} ],
	[ 'point', q{jsonb_build_object('x', $[0], 'y', $[1], 'srid', NULL,
		'wkb', 'AQEAAAAAAAAAAADwPwAAAAAAAARA')}, q{'(1,2.5)'} ],
	[ 'timetz', q{(left(($ AT TIME ZONE 'UTC')::text, 8) || 'Z')}, q{'03:04:05+02'}, q{'01:00:00-05'} ],
	[ 'mood', '$::text', q{'sad'} ], [ 'amount', '$::text', q{'1.50'} ],
	[ 'when_', '$::text', q{'[2024-01-01,2024-02-01)'} ],
);
push @types,
  [ 'int4multirange', '$::text', q{'{[1,3),[5,7)}'}, q{'{}'} ] if $etf->version >= 14;

$etf->sql(q{SET client_min_messages = warning; CREATE TYPE mood AS ENUM ('sad', 'ok');
	CREATE DOMAIN amount AS numeric; CREATE DOMAIN when_ AS daterange;
	ALTER DATABASE postgres SET timezone = 'UTC'; ALTER DATABASE postgres SET lc_monetary = 'C'});
$etf->sql('CREATE TABLE v (id serial PRIMARY KEY, '
	  . join(', ', map { "c$_ $types[$_][0]" } 0 .. $#types) . ')');
$etf->slot('s');

subtest 'values' => sub {
	for my $column (0 .. $#types)
	{
		my ($type, undef, @values) = @{ $types[$column] };

		$etf->sql("INSERT INTO v (c$column) VALUES (" . join('), (', @values) . ')');
	}
	my @rows = map { $_->{after} } lines();

	for my $column (0 .. $#types)
	{
		my ($type, $expression, @values) = @{ $types[$column] };

		for my $value (@values)
		{
			my $row = shift @rows;
			my $want = oracle($expression =~ s/\$/(CAST(${value} AS $type))/gr);

			is($json->encode($row->{"c$column"}), $json->encode($want), "$type $value");
		}
	}
	is(scalar @rows, 0, 'no other');
};

subtest 'infinite dates' => sub {
	my $where = sub { my ($type) = @_; return (grep { $types[$_][0] eq $type } 0 .. $#types)[0]; };

	$etf->sql(sprintf q{INSERT INTO v (c%d, c%d, c%d) VALUES ('%s', '%s', '%s')},
		$where->('date'), $where->('timestamp'), $where->('timestamp(0)'), ($_) x 3)
	  for 'infinity', '-infinity';
	my @rows = map { $_->{after} } lines();

	for my $want ([ -2147472692, '9223372036825200000', '9223372036825200' ],
		[ -2147472691, '-9223372036832400000', '-9223372036832400' ])
	{
		my $row = shift @rows;

		is_deeply([ map { '' . $row->{ 'c' . $where->($_) } } 'date', 'timestamp', 'timestamp(0)' ],
			[@$want], 'the numbers of its driver');
	}
};

subtest 'envelopes' => sub {
	$etf->sql(q{CREATE TABLE "odd ""name" (id int PRIMARY KEY, note text, raw bytea);
		ALTER TABLE "odd ""name" ALTER note SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL;
		INSERT INTO "odd ""name" VALUES (1, repeat('x', 5000), decode(repeat('00', 5000), 'hex'))});
	$etf->sql(q{BEGIN; UPDATE "odd ""name" SET id = 2; DELETE FROM "odd ""name"; COMMIT;
		ALTER TABLE "odd ""name" REPLICA IDENTITY FULL; INSERT INTO "odd ""name" VALUES (3, 'n');
		UPDATE "odd ""name" SET note = 'm'; TRUNCATE "odd ""name", v;
		SELECT pg_logical_emit_message(true, 'p', 'content')});
	my ($insert, $update, $delete, undef, $full, @rest) = lines('-o', 'messages=on');

	is_deeply([ map { $_->{op} } $insert, $update, $delete, $full, @rest ],
		[qw(c u d u t t m)], 'operations');
	is($insert->{before}, undef, 'nothing before an insert');
	is_deeply($update->{before}, { id => 1 }, 'the old key');
	is($update->{after}{note}, '__debezium_unavailable_value', 'a value that did not come');
	is($update->{after}{raw}, 'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==', 'and bytes that did not');
	is_deeply($delete, { %$delete, before => { id => 2 }, after => undef }, 'a delete');
	is_deeply($full->{before}, { id => 3, note => 'n', raw => undef }, 'the old row');
	my $source = $insert->{source};

	is_deeply(
		{ map { $_ => $source->{$_} } qw(connector name db schema table snapshot xmin) },
		{
			connector => 'postgresql', name => 's', db => 'postgres', schema => 'public',
			table => 'odd "name', snapshot => 'false', xmin => undef
		},
		'where it comes from');
	like($source->{txId}, qr/^\d+$/, 'of which transaction');
	is($source->{sequence}, qq(["$source->{lsn}","0"]), 'at which place');
	is($update->{source}{sequence}, qq(["$update->{source}{lsn}","0"]), 'the next transaction');
	is($delete->{source}{sequence}, qq(["$delete->{source}{lsn}","1"]), 'in order');
	cmp_ok(abs($insert->{ts_ms} - time * 1000), '<', 600_000, 'the time of reading');
	cmp_ok($source->{ts_us}, '<=', $insert->{ts_us}, 'that of the commit before');
	is_deeply($rest[2]{message}, { prefix => 'p', content => 'Y29udGVudA==' }, 'a message');
	ok(exists $insert->{transaction} && !defined $insert->{transaction}, 'no transaction');
};

subtest 'what is read' => sub {
	$etf->sql('CREATE TABLE there (id int PRIMARY KEY); INSERT INTO there VALUES (1)');
	my ($status, $out, $err) = EtfCommand::run($ENV{ETF_CLIENT}, '-d',
		$node->connstr('postgres'), '--temporary', '--snapshot=only', '--tables=public.there',
		'--print=debezium', '-w');

	is($status, 0, 'printed') or diag $err;
	my $read = $json->decode($out);

	is($read->{op}, 'r', 'as read');
	is_deeply([ @{ $read->{source} }{qw(db snapshot)} ], [ 'postgres', 'true' ], 'of which database');
};

subtest 'what it does not have' => sub {
	for my $option ('--transactions', '--two-phase')
	{
		my ($status, undef, $err) = EtfCommand::run($ENV{ETF_CLIENT}, '-S', 's',
			'--print=debezium', $option);

		is($status, 2, "$option is refused");
		like($err, qr/--print=debezium cannot be combined with $option/, 'and named');
	}
};

done_testing();
