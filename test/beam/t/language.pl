# LANGUAGE elixir: typed calls, results that do not fit, sets, triggers,
# declarations, and what may be created.
use strict;
use warnings;

use BeamTest;
use Test::More;

BeamTest::needs_elixir();

my $beam = BeamTest->with_sidecar('language', conf => 'elixir.log_notices = on');

# SQL that has to fail: its SQLSTATE, message and the rest, on one line.
sub fails_with
{
	my ($sql, $pattern, $contract) = @_;
	(my $error = $beam->sql_error($sql)) =~ s/\s+/ /g;

	like($error, $pattern, $contract);
	return;
}

sub create
{
	my ($declaration, $name) = @_;

	$beam->sql("CREATE OR REPLACE FUNCTION $declaration LANGUAGE elixir AS '$name'");
	return;
}

# Declarations

is($beam->sql(q{SELECT * FROM elixir_import('Typed', dry_run => true)
		WHERE elixir_import LIKE '%numbers%'}),
	q{CREATE OR REPLACE FUNCTION numbers(n int) RETURNS SETOF int}
	  . q{ LANGUAGE elixir AS 'Typed.numbers'},
	'what an import would do');
is($beam->sql(q{SELECT count(*) FROM pg_proc WHERE proname = 'numbers'}), 0,
	'... is only shown');
is($beam->sql(q{SELECT count(*) FROM elixir_import('Typed')}), 5,
	'each declaration makes a function');
is($beam->sql(q{SELECT provolatile, proisstrict, proparallel FROM pg_proc
		WHERE oid = 'add(int, int)'::regprocedure}), 'i|t|s',
	'... with what was declared of it');
fails_with(q{SELECT elixir_import('Nowhere')},
	qr/42704: the sidecar knows no declaration of module "Nowhere"/,
	'a module that declares nothing');

# Calls

is($beam->sql('SELECT add(1, 2), add(1.5, 2.5), add(NULL, 2)'), '3|4.0|',
	'arguments and results have their types');
is($beam->sql('SELECT sum(add(i, 1)) FROM generate_series(1, 10000) AS i'),
	50015000, 'ten thousand calls of one query');

create("echo_$_(value $_) RETURNS $_", 'Typed.echo')
  for qw(text numeric timestamptz jsonb uuid bytea);
is($beam->sql(q{SELECT echo_text('ä€'), echo_numeric(1.50),
		echo_timestamptz('2024-02-29 12:00:00.5+00') = '2024-02-29 12:00:00.5+00',
		echo_jsonb('{"a": [1.5, null]}'), echo_bytea('\x00ff'),
		echo_uuid('00000000-0000-0000-0000-000000000001')}),
	'ä€|1.50|t|{"a": [1.5, null]}|\x00ff|00000000-0000-0000-0000-000000000001',
	'values come back as they went');
is($beam->sql('SELECT echo_text(NULL) IS NULL'), 't',
	'NULL is nil, unless the function is strict');

create('identity(value anyelement) RETURNS anyelement', 'Typed.echo');
is($beam->sql(q{SELECT identity(1) + 1, identity('a'::text) || 'b',
		identity(ARRAY[1, NULL]), pg_typeof(identity(now()))}),
	'2|ab|{1,NULL}|timestamp with time zone', 'polymorphic functions');
create('shown(VARIADIC "any") RETURNS text', 'Typed.both');
fails_with(q{SELECT shown(1, 2)}, qr/42804: Typed.both\/2 returned \[1, 2\], not text/,
	'arguments of any type');
create('listed(VARIADIC items int[]) RETURNS int[]', 'Typed.echo');
is($beam->sql('SELECT listed(1, 2, 3)'), '{1,2,3}', 'VARIADIC is an array');
create('echo_etf(value etf) RETURNS etf', 'Typed.echo');
is($beam->sql(q{SELECT echo_etf(etf_tuple(etf_list(1, 'a'::text),
		etf_map(1, 2.5::float8)))::jsonb}), '[[1, "a"], {"1": 2.5}]',
	'terms come back as they went');
fails_with(q{SELECT echo_etf(etf_atom('an_atom_of_sql'))},
	qr/08P01: the sidecar cannot read the request.*an atom that Elixir does not know/,
	'... but no atom that Elixir does not have');
create('nothing(value int) RETURNS void', 'Typed.echo');
is($beam->sql('SELECT nothing(1)'), '', 'void returns nothing');
create('pairs(a int, b int, OUT first int, OUT second text)', 'Typed.pair');
is($beam->sql('SELECT * FROM pairs(1, 2)'), '1|2', 'columns of OUT parameters');

# Results that do not fit

create("given_$_->[0](kind text) RETURNS $_->[1]", 'Typed.given')
  for [ int => 'int' ], [ numeric => 'numeric' ], [ ints => 'int[]' ],
  [ text => 'text' ], [ json => 'jsonb' ];
$beam->sql(q{
	CREATE TYPE pair AS (a int, b text);
	CREATE DOMAIN word AS text NOT NULL CHECK (length(VALUE) < 3);
	CREATE DOMAIN small AS numeric(4, 1)});
create('given_pair(kind text) RETURNS pair', 'Typed.given');
create('echo_word(value text) RETURNS word', 'Typed.echo');
create('echo_small(value numeric) RETURNS small', 'Typed.echo');

for my $case (
	[ q{given_numeric('error')}, '42804', 'Typed.given/1 returned {:error, :x}, not numeric' ],
	[ q{given_int('big')}, '22003',
		'Typed.given/1 returned 1099511627776, out of range for integer' ],
	[ q{given_int('date')}, '42804', 'Typed.given/1 returned ~D[2024-02-29], not integer' ],
	[ q{given_ints('nested')}, '42804',
		'Typed.given/1 returned [1, "two", 3], not integer[]',
		'In it, "two" is not integer.' ],
	[ q{given_ints('ragged')}, '2202E',
		'Typed.given/1 returned lists of different lengths as an array' ],
	[ q{given_pair('extra')}, '42703',
		'Typed.given/1 returned a row with the key :c, which pair does not have' ],
	[ q{given_pair('nested')}, '42804', 'Typed.given/1 returned [1, "two", 3], not pair' ],
	[ q{given_text('bytes')}, '22021', 'invalid byte sequence' ],
	[ q{given_text('atom')}, '42804', 'Typed.given/1 returned :x, not text' ],
	[ q{echo_word('long')}, '23514', 'value for domain word violates' ],
	[ q{echo_word(NULL)}, '23502', 'domain word does not allow null' ],
	[ q{echo_small(12345)}, '22003', 'numeric field overflow' ])
{
	my ($call, $state, @texts) = @$case;
	my $pattern = join '.*', $state, map { quotemeta } @texts;

	fails_with("SELECT $call", qr/$pattern/, "$call is refused");
}
fails_with(q{SELECT echo_small(12345)},
	qr/CONTEXT: result of the Elixir function Typed.echo\/1/,
	'an error of the server names the function');
is($beam->sql(q{SELECT given_pair('partial'), given_pair('tuple'),
		given_pair('nil') IS NULL, given_json('date'), given_json('error'),
		given_json('bytes'), echo_small(12.34)}),
	'(,x)|(1,x)|t|"2024-02-29"|["error", "x"]|{"base64": "/wAB"}|12.3',
	'rows from maps and tuples, documents from anything');

# What else is taken for a value: docs/types.md

$beam->sql(q{CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE spot AS (x int, y int[]);
	CREATE TYPE named AS ("größe" int, "名" int)});
for my $case (
	[ 'oid', '"4000000000"', '4000000000' ],
	[ 'regclass', '"pg_class"', 'pg_class' ],
	[ 'xid8', '18446744073709551615', '18446744073709551615' ],
	[ 'float8', '3', '3' ],
	[ 'float8', ':"-inf"', '-Infinity' ],
	[ 'float8', '2 ** 100', '1.2676506002282294e+30' ],
	[ 'numeric', '-(2 ** 100)', '-1267650600228229401496703205376' ],
	[ 'numeric', '0.1', '0.1' ],
	[ 'numeric', '"12.50"', '12.50' ],
	[ 'numeric', ':NaN', 'NaN' ],
	[ 'money', '-1.5', '-$1.50' ],
	[ 'uuid', '<<1::128>>', '00000000-0000-0000-0000-000000000001' ],
	[ 'mood', ':ok', 'ok' ],
	[ 'mood', '"sad"', 'sad' ],
	[ 'date', '"2024-02-29"', '2024-02-29' ],
	[ 'timestamptz', '%{~U[2024-06-01 12:00:00Z] | utc_offset: 3600, std_offset: 3600}',
		'2024-06-01 10:00:00+00' ],
	[ 'timetz', '{~T[12:00:00], -3600}', '12:00:00-01' ],
	[ 'interval', '%{__struct__: Duration, year: 1, month: 2, week: 1, day: 1, hour: 1,
		minute: 1, second: 1, microsecond: {-500000, 6}}',
		'1 year 2 mons 8 days 01:01:00.5' ],
	[ 'int[]', '~c"ab"', '{97,98}' ],
	[ 'int[]', '[[1, nil], [3, 4]]', '{{1,NULL},{3,4}}' ],
	[ 'jsonb[]', '[[1], [2]]', '{[1],[2]}' ],
	[ 'spot', '%{x: 1, y: [2]}', '(1,{2})' ],
	[ 'spot', '%{__struct__: Spot, x: 1}', '(1,)' ],
	[ 'spot', '%{"y" => []}', '(,{})' ],
	[ 'spot', '{nil, [1]}', '(,{1})' ],
	[ 'named', '%{größe: 1, 名: 2}', '(1,2)' ],
	[ 'int4range', '%{__struct__: Postgrex.Range, lower: nil, upper: 5,
		lower_inclusive: false, upper_inclusive: true}', '(,6)' ],
	[ 'int4multirange', '[%{__struct__: Postgrex.Range, lower: 1, upper: 5,
		lower_inclusive: true, upper_inclusive: false}]', '{[1,5)}' ],
	[ 'inet', '{127, 0, 0, 1}', '127.0.0.1' ],
	[ 'inet', '{0, 0, 0, 0, 0, 0, 0, 1}', '::1' ],
	[ 'tsvector', '"a:1 b"', "'a':1 'b'" ],
	[ 'jsonb', '%{1 => :a, :b => {1, 2.5}, "c" => nil}',
		'{"1": "a", "b": [1, 2.5], "c": null}' ],
	[ 'jsonb', '%{[1] => 2}', '[[[1], 2]]' ],
	[ 'jsonb', '[1 | 2]', '[1, 2]' ],
	[ 'jsonb', '%{__struct__: Decimal, sign: -1, coef: 15, exp: -1}', '-1.5' ],
	[ 'jsonb', '%{__struct__: Thing, a: ~T[12:00:00.5]}', '{"a": "12:00:00.5"}' ],
	[ 'jsonb', '2 ** 70', '1180591620717411303424' ],
	[ 'json', '%{a: [true]}', '{"a": [true]}' ])
{
	my ($type, $source, $expected) = @$case;

	next if $type =~ /multirange/ && $beam->sql('SHOW server_version_num') < 140000;
	is($beam->sql("SET TimeZone = 'UTC';
			CREATE OR REPLACE FUNCTION pg_temp.value(source text) RETURNS $type
				LANGUAGE elixir AS 'Typed.eval';
			SELECT pg_temp.value(\$\$$source\$\$)"), $expected, "$type: $source");
}
for my $case (
	[ 'int', '"1"' ], [ 'int', '1.0' ], [ 'text', ':a' ], [ 'bool', '1' ],
	[ 'date', '%{~D[2024-01-31] | day: 32}' ], [ 'date', '%{~D[2023-02-28] | day: 29}' ],
	[ 'time', '%{~T[24:00:00] | second: 1}' ], [ 'uuid', ':a' ], [ 'int[]', '[1 | 2]' ],
	[ 'spot', '{1}' ], [ 'bytea', '<<1::3>>' ], [ 'inet', '{1, 2, 3}' ], [ 'point', '{1, 2}' ])
{
	my ($type, $source) = @$case;

	$source =~ s/24:00:00/23:00:00/ and $source =~ s/second: 1/hour: 24, second: 1/;
	fails_with("CREATE FUNCTION pg_temp.value(source text) RETURNS $type
			LANGUAGE elixir AS 'Typed.eval';
		SELECT pg_temp.value(\$\$$source\$\$)", qr/42804: .* not /, "no $type: $source");
}
fails_with("CREATE FUNCTION pg_temp.value(source text) RETURNS jsonb
		LANGUAGE elixir AS 'Typed.eval';
	SELECT pg_temp.value('<<0>>')", qr/22P05.*HINT.*bytea/s, 'no document has a zero byte');

# Which of the values would it be?
for my $source ('%{"a" => 1, a: 2}', '%{1 => 2, "1" => 2}', '%{b: [%{c: %{:"1" => 1, 1 => 1}}]}',
	'%{__struct__: Thing, a: 1} |> Map.put("a", 2)')
{
	fails_with("SELECT elixir_call('Typed.eval', to_jsonb(\$\$$source\$\$::text))",
		qr/22P05: +two keys of a map.*DETAIL: The map is %.*HINT:.*no two keys/s, "one key for two: $source");
}

# elixir_call makes the same documents.
my $decimal = '%{__struct__: Decimal, sign: 1, coef: ';
for my $case (
	[ "[${decimal}150, exp: -2}, ${decimal}1, exp: 20}]", '[1.50, 100000000000000000000]' ],
	[ "%{price: $decimal:NaN, exp: 0}}", '{"price": "NaN"}' ],
	[ "%{a: $decimal:b, exp: 0}, b: 1}", '{"a": {"exp": 0, "coef": "b", "sign": 1}, "b": 1}' ],
	[ '%{1 => :a, 2.5 => nil, :b => {1, 2.5}}', '{"1": "a", "b": [1, 2.5], "2.5": null}' ],
	[ '%{[1] => 2}', '[[[1], 2]]' ],
	[ '%{:a => %{}, "b" => [%{a: 1}], 1 => %{a: %{"a" => 1}}}', '{"1": {"a": {"a": 1}}, "a": {}, "b": [{"a": 1}]}' ], [ '[1 | 2]', '[1, 2]' ],
	[ "'abc'", '[97, 98, 99]' ], [ '<<255>>', '{"base64": "/w=="}' ], [ '<<1::3>>', '"<<1:3>>"' ],
	[ '[~D[2024-02-29], ~U[2024-02-29 12:00:00Z]]', '["2024-02-29", "2024-02-29T12:00:00Z"]' ],
	[ '%{__struct__: Thing, a: 1.0e300}', '{"a": 1' . '0' x 300 . '}' ], [ '%{}', '{}' ],
	[ '2 ** 70', '1180591620717411303424' ])
{
	my ($source, $expected) = @$case;

	is($beam->sql("CREATE FUNCTION pg_temp.value(source text) RETURNS jsonb
				LANGUAGE elixir AS 'Typed.eval';
			SELECT pg_temp.value(\$\$$source\$\$);
			SELECT elixir_call('Typed.eval', to_jsonb(\$\$$source\$\$::text))"),
		"$expected\n$expected", "both ways: $source");
}
is($beam->sql(q{SELECT elixir_call('Typed.eval', '"nil"')}), 'null', 'nil is a document here');
fails_with(q{SELECT elixir_call('Typed.eval', '"2 ** 500_000"')},
	qr/22003/, 'no number is as large');
fails_with(q{SELECT elixir_call('Typed.eval',
		'"Enum.reduce(1..1_000_000, [], fn _, list -> [list] end)"')},
	qr/54001/, 'a document that is too deep');

# Errors of Elixir

create('fail(message text) RETURNS int', 'Typed.fail');
create('refuse(code text) RETURNS int', 'Typed.refuse');
create('notice(text) RETURNS void', 'Typed.notice');
fails_with(q{SELECT fail('bad price')},
	qr/38000: Typed.fail\/1 raised ArgumentError: bad price DETAIL: .*CONTEXT: .*typed.ex:\d+: Typed.fail\/1/,
	'an exception, with its stack');
fails_with(q{SELECT refuse('23514')}, qr/23514: no DETAIL: d HINT: h/,
	'a SQLSTATE of the function');
fails_with(q{DO $$ BEGIN PERFORM fail('x'); EXCEPTION WHEN external_routine_exception
		THEN RAISE 'caught %', SQLERRM; END $$},
	qr/caught Typed.fail\/1 raised/, 'exceptions can be caught');
fails_with(q{SELECT notice('look here'); SELECT fail('x')}, qr/NOTICE: .*look here/,
	'a notice');

# Who calls

create('who() RETURNS text', 'Typed.who');
$beam->sql(q{CREATE ROLE app LOGIN; CREATE ROLE boss; GRANT CREATE ON SCHEMA public TO app;
	CREATE FUNCTION as_boss() RETURNS text LANGUAGE sql SECURITY DEFINER
		AS 'SELECT who()'; ALTER FUNCTION as_boss OWNER TO boss});
like($beam->sql('SET ROLE app; SELECT who(), as_boss()'), qr/app\|boss/,
	'the role that calls');
fails_with(q{SET ROLE app; CREATE FUNCTION mine() RETURNS int LANGUAGE elixir AS 'Typed.who'},
	qr/42501: permission denied for language elixir/,
	'only superusers create functions');
$beam->sql('REVOKE EXECUTE ON FUNCTION who FROM PUBLIC');
fails_with('SET ROLE app; SELECT who()', qr/42501: permission denied for function who/,
	'... and EXECUTE says who calls them');

# Sets

is($beam->sql('SELECT count(*), sum(numbers) FROM numbers(5000)'),
	'5000|12502500', 'a set of several packets');
is($beam->sql('SELECT * FROM rows(2)'), "1|\n2|row 2", 'rows of a table');
is($beam->sql('SELECT (rows(2)).name'), "\nrow 2", '... in the list of columns');
is($beam->sql('SELECT count(*) FROM numbers(0)'), 0, 'an empty set');
is($beam->sql('SELECT i, n FROM generate_series(1, 3) AS i, numbers(i) AS n'),
	"1|1\n2|1\n2|2\n3|1\n3|2\n3|3", 'a set for each row');
create('broken(n int) RETURNS SETOF int', 'Typed.broken_rows');
fails_with('SELECT count(*) FROM broken(3000)',
	qr/38000: Typed.broken_rows\/1 raised RuntimeError: row 3000/,
	'a set that breaks off');
is($beam->sql('SELECT count(*) FROM numbers(10) LIMIT 1'), 10,
	'... and the next one is whole');
create('loose(n int) RETURNS SETOF record', 'Typed.rows');
fails_with('SELECT loose(2)', qr/0A000: .*record in a context/,
	'... and none that it does not');
is($beam->sql('SELECT t.name FROM loose(2) AS t(id int, name text) WHERE id = 2'),
	'row 2', 'columns that the query names');

create('shaped(value text, VARIADIC ints int[]) RETURNS record', 'Typed.pair');
is($beam->sql(q{SELECT * FROM shaped('3', 65) AS t(a text, b text);
		SELECT * FROM shaped('3', 65) AS t(a jsonb, b text)}), qq{3|A\n"3"|A},
	'... at each query anew, VARIADIC or not');

# Triggers

$beam->sql(q{
	CREATE TABLE orders (id int, dropped int, quantity int, total numeric, note text);
	ALTER TABLE orders DROP COLUMN dropped;
	CREATE TRIGGER price BEFORE INSERT OR UPDATE OR DELETE ON orders
		FOR EACH ROW EXECUTE FUNCTION priced('eur', 'x')});
is($beam->sql(q{INSERT INTO orders VALUES (1, 2), (2, 0), (3, -1) RETURNING *}),
	'1|2|20|before insert row price public.orders ["eur", "x"] old nil'
	  . "\n3|-1||", 'a trigger changes, skips, or keeps a row');
is($beam->sql(q{UPDATE orders SET quantity = 99 WHERE id = 1 RETURNING total, note}),
	'990|before update row price public.orders ["eur", "x"] old 2',
	'... and sees the old one');
is($beam->sql(q{DELETE FROM orders RETURNING id}), 3, '... and skips a delete');
fails_with('INSERT INTO orders VALUES (4, -2)',
	qr/39P01: Typed.priced\/1 returned \{:error, :negative\} to a trigger/,
	'an answer that is none');
fails_with('INSERT INTO orders VALUES (4, -3)',
	qr/42703: .*the key "price", which orders does not have/, 'an unknown column');
$beam->sql(q{ALTER TABLE orders ADD COLUMN price int});
is($beam->sql('INSERT INTO orders VALUES (4, -3) RETURNING price'), 1,
	'... that is then there, in the same session or another');
is($beam->sql(q{INSERT INTO orders VALUES (5, -1); ALTER TABLE orders DROP COLUMN note;
		ALTER TABLE orders ADD COLUMN note varchar(10);
		INSERT INTO orders VALUES (6, -1) RETURNING id}), 6,
	'a table that changes between two calls');
create('log() RETURNS trigger', 'Typed.log');
create('boom() RETURNS trigger', 'Typed.boom');
$beam->sql(q{DROP TRIGGER price ON orders;
	CREATE TRIGGER stated AFTER INSERT ON orders EXECUTE FUNCTION log()});
fails_with(q{INSERT INTO orders VALUES (7); SELECT fail('x')},
	qr/NOTICE: .*after insert statement nil/, 'a statement has no row');
$beam->sql(q{CREATE CONSTRAINT TRIGGER late AFTER INSERT ON orders
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION boom()});
fails_with('INSERT INTO orders VALUES (8)',
	qr/38000: Typed.boom\/1 raised RuntimeError: not on my watch/,
	'a deferred trigger fails the commit');
is($beam->sql('SELECT count(*) FROM orders WHERE id = 8'), 0,
	'... and nothing is left');
$beam->sql(q{CREATE VIEW shown_orders AS SELECT id, quantity FROM orders;
	CREATE TRIGGER instead INSTEAD OF INSERT ON shown_orders
		FOR EACH ROW EXECUTE FUNCTION log()});
fails_with(q{INSERT INTO shown_orders VALUES (1, 2); SELECT fail('x')},
	qr/instead_of insert row .*"quantity" => 2/, 'a trigger of a view');
fails_with('SELECT priced()', qr/0A000: .*trigger function/,
	'a trigger function is called by triggers only');

# What may be created

for my $case (
	[ q{f() RETURNS int LANGUAGE elixir AS 'Typed.who; drop'}, '42601', 'is no name of' ],
	[ q{f() RETURNS int LANGUAGE elixir AS ''}, '42601', 'is no name of' ],
	[ q{f() RETURNS int LANGUAGE elixir AS '1.2'}, '42601', 'is no name of' ],
	[ q{f(a int) RETURNS int LANGUAGE elixir AS 'Typed.who'}, '42883',
		'does not take 1 arguments' ],
	[ q{f() RETURNS int LANGUAGE elixir AS 'Typed.nothing'}, '42883', 'is not registered' ],
	[ q{f(internal) RETURNS int LANGUAGE elixir AS 'Typed.echo'}, '0A000',
		'cannot take internal' ],
	[ q{f() RETURNS cstring LANGUAGE elixir AS 'Typed.who'}, '0A000',
		'cannot return cstring' ],
	[ q{f(int) RETURNS int WINDOW LANGUAGE elixir AS 'Typed.echo'}, '0A000',
		'window functions cannot be written in Elixir' ],
	[ q{f() RETURNS event_trigger LANGUAGE elixir AS 'Typed.who'}, '0A000',
		'cannot return event_trigger' ])
{
	fails_with("CREATE FUNCTION $case->[0]", qr/$case->[1]: .*$case->[2]/,
		$case->[0]);
}
create('spaced() RETURNS text', "\n Typed.who \t");
is($beam->sql('SELECT spaced() = current_user'), 't', 'blanks around the name');
fails_with(q{DO LANGUAGE elixir '1 + 1'}, qr/55000: DO LANGUAGE elixir is not allowed/,
	'DO needs a setting');

$beam->sql('DROP EXTENSION pg_etf_beam CASCADE');
is($beam->sql(q{SELECT count(*) FROM pg_proc WHERE proname = 'add'}), 0,
	'functions go with the language');

$beam->stop;
done_testing();
