# Signatures of every kind, and wherever PostgreSQL may call a function from.
use strict;
use warnings;

use BeamTest;
use Test::More;

BeamTest::needs_elixir();

my $beam = BeamTest->with_sidecar('contexts',
	conf => "max_prepared_transactions = 2\nelixir.log_notices = on");

$beam->sql(q{SELECT elixir_import('Typed');
	CREATE DOMAIN positive AS int CHECK (VALUE > 0);
	CREATE DOMAIN present AS int NOT NULL;
	CREATE TYPE inner_row AS (a positive, b int[]);
	CREATE TYPE outer_row AS (x inner_row[], y positive[], z present);
	CREATE DOMAIN small_row AS inner_row CHECK ((VALUE).a < 100);
	CREATE TYPE no_columns AS ();
	CREATE TYPE mood AS ENUM ('sad')});
$beam->sql("CREATE $_") for
  q{FUNCTION io(INOUT a int, INOUT b text DEFAULT 'd') LANGUAGE elixir AS 'Typed.pair'},
  q{FUNCTION named(a int, b int DEFAULT 5) RETURNS int LANGUAGE elixir AS 'Typed.add'},
  q{FUNCTION one_column(n int) RETURNS TABLE (x int) LANGUAGE elixir AS 'Typed.numbers'},
  q{FUNCTION void_set(n int) RETURNS SETOF void LANGUAGE elixir AS 'Typed.numbers'},
  q{FUNCTION any_set(n anyelement) RETURNS SETOF anyelement LANGUAGE elixir AS 'Typed.numbers'},
  q{FUNCTION shown_row(value record) RETURNS text LANGUAGE elixir AS 'Typed.show'},
  q{FUNCTION shown_enum(value anyenum) RETURNS text LANGUAGE elixir AS 'Typed.show'},
  q{FUNCTION shown_range(value anyrange) RETURNS text LANGUAGE elixir AS 'Typed.show'},
  q{FUNCTION sleeping(ms int) RETURNS int LANGUAGE elixir AS 'Shop.sleep'},
  q{FUNCTION napping(ms int) RETURNS SETOF int LANGUAGE elixir AS 'Typed.napping'},
  q{FUNCTION trigger_set() RETURNS SETOF trigger LANGUAGE elixir AS 'Typed.log'},
  q{FUNCTION log() RETURNS trigger LANGUAGE elixir AS 'Typed.log'},
  q{PROCEDURE called(a int, b int) LANGUAGE elixir AS 'Typed.add'},
  q{PROCEDURE changed(INOUT a int, INOUT b text) LANGUAGE elixir AS 'Typed.pair'},
  q{AGGREGATE total(int) (SFUNC = add, STYPE = int, INITCOND = '0')},
  q{OPERATOR === (FUNCTION = add, LEFTARG = int, RIGHTARG = int)},
  map { my ($name, $type) = @$_; "FUNCTION $name(source text) RETURNS $type LANGUAGE elixir AS 'Rude.run'" }
  [ outer_of => 'outer_row' ], [ small_of => 'small_row' ], [ smalls_of => 'small_row[]' ],
  [ small_set => 'SETOF small_row' ], [ nothings => 'SETOF no_columns' ], [ ints => 'SETOF int' ],
  [ ranges => 'int4range[]' ];

sub gives { my ($sql, $expected) = @_; return is($beam->sql("SELECT $sql"), $expected, $sql); }
sub fails { my ($sql, $pattern) = @_; return like($beam->sql_error("SELECT $sql"), $pattern, $sql); }

# Signatures
gives(q{* FROM io(1)}, '1|d');
gives(q{(io(1, 'x')).b}, 'x');
gives(q{named(b => 2, a => 1), named(1)}, '3|6');
gives(q{* FROM one_column(2)}, "1\n2");
gives(q{count(*) FROM void_set(3)}, 3);
gives(q{count(*) FROM (SELECT void_set(3)) AS voids}, 3);
gives(q{sum(any_set) FROM any_set(3::bigint)}, 6);
gives(q{shown_row(ROW(1, 'x', NULL)), shown_row(ROW(2))},
	'%{"f1" => 1, "f2" => "x", "f3" => nil}|%{"f1" => 2}');
gives(q{shown_enum('sad'::mood)}, '"sad"');
like($beam->sql(q{SELECT shown_range(int4range(1, 2))}), qr/Postgrex\.Range/, 'a range');
gives(q{total(i) FROM generate_series(1, 10) AS i}, 55);
gives(q{1 === 2}, 3);
is($beam->sql(q{CALL changed(7, 'x'); DO $$ BEGIN CALL called(1, 2); COMMIT; CALL called(3, 4); END $$}),
	'7|x', 'procedures');
fails(q{trigger_set()}, qr/0A000/);

# Types in types
gives(q{outer_of('%{x: [%{a: 1, b: [1, 2]}, {2, []}, nil], y: [1, 2], z: 3}')},
	q{("{""(1,\\\\""{1,2}\\\\"")"",""(2,{})"",NULL}","{1,2}",3)});
fails(q{outer_of('%{x: [%{a: 0}], z: 3}')}, qr/23514/);
fails(q{outer_of('%{y: [1, -2], z: 3}')}, qr/23514/);
fails(q{outer_of('%{x: []}')}, qr/23502/);
gives(q{small_of('{1, [2]}'), small_of('nil') IS NULL}, '(1,{2})|t');
fails(q{small_of('{100, [2]}')}, qr/23514/);
gives(q{smalls_of('[{1, [2]}, %{a: 3}]')}, '{"(1,{2})","(3,)"}');
fails(q{smalls_of('[{1, [2]}, {100, []}]')}, qr/23514/);
gives(q{* FROM small_set('[{1, [2]}, nil, %{b: [3]}]')}, "1|{2}\n|\n|{3}");
fails(q{* FROM small_set('[{1, [2]}, {100, []}]')}, qr/23514/);
gives(q{count(*) FROM nothings('[{}, %{}, nil]')}, 3);
gives(q{ranges('[%{__struct__: Postgrex.Range, lower: 1, upper: 5, lower_inclusive: true, upper_inclusive: false}, nil]')},
	'{"[1,5)",NULL}');
gives(q{* FROM ints('~c"ab"')}, "97\n98");
fails("* FROM ints('$_')", qr/38000|42804/) for '5', '%{a: 1}', '[1, [2]]', '[1 | 2]', '"abc"';
is($beam->sql(q{SELECT 1 FROM ints('Stream.repeatedly(fn -> 1 end)') LIMIT 0}), '', 'a set that nobody reads');
like($beam->sql_error(q{SET statement_timeout = 500; SELECT count(*) FROM ints('Stream.repeatedly(fn -> 1 end)')}),
	qr/57014/, 'one without end');

# Where a call may come from
is($beam->sql(q{CREATE TABLE checked (a int CHECK (add(a, 1) > 0),
			b int GENERATED ALWAYS AS (add(a, 10)) STORED, c int DEFAULT add(1, 1));
		CREATE INDEX ON checked (add(a, 2)) WHERE add(a, 1) > 1;
		INSERT INTO checked (a) VALUES (1), (2) RETURNING b, c}), "11|2\n12|2",
	'defaults, generated columns, indexes');
like($beam->sql_error('INSERT INTO checked (a) VALUES (-5)'), qr/23514/, 'constraints');
like($beam->sql_error(q{CREATE TRIGGER big BEFORE INSERT ON checked FOR EACH ROW
			WHEN (add(NEW.a, 1) > 5) EXECUTE FUNCTION log();
		INSERT INTO checked (a) VALUES (3), (7); SELECT 1/0}),
	qr/NOTICE(?!.*"a" => 3).*"a" => 7/s, 'WHEN of a trigger');
is($beam->sql(q{CREATE TABLE parted (a int, q int) PARTITION BY LIST (a);
		CREATE TABLE part1 PARTITION OF parted FOR VALUES IN (1);
		CREATE TABLE part2 (x text, q int, a int); ALTER TABLE part2 DROP COLUMN x;
		ALTER TABLE parted ATTACH PARTITION part2 FOR VALUES IN (2);
		CREATE TRIGGER logged BEFORE INSERT ON parted FOR EACH ROW EXECUTE FUNCTION log();
		INSERT INTO parted VALUES (1, 1), (2, 2); UPDATE parted SET a = 2; SELECT a, q FROM parted ORDER BY q}),
	"2|1\n2|2", 'partitions of other shapes');
is($beam->sql(q{CREATE FUNCTION inlined(a int) RETURNS int LANGUAGE sql AS 'SELECT add(a, 1)';
		SELECT inlined(i) FROM generate_series(1, 2) AS i}), "2\n3", 'in a function that is inlined');
is($beam->sql(q{BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT add(n, 1) FROM numbers(5000) AS n;
		FETCH 1 FROM c; COMMIT; FETCH 1 FROM c; CLOSE c;
		BEGIN; DECLARE d CURSOR FOR SELECT n FROM numbers(5000) AS n; FETCH 1 FROM d; ROLLBACK;
		SELECT add(1, 1)}), "2\n3\n1\n2", 'cursors, kept and abandoned');
is($beam->sql(q{BEGIN; SELECT add(1, 2); PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'; SELECT add(2, 2)}),
	"3\n4", 'a transaction that is prepared');
is($beam->sql(q{SET statement_timeout = 300; DO $$ BEGIN
		PERFORM sleeping(5000);
	EXCEPTION WHEN query_canceled THEN
		PERFORM set_config('test.sum', add(1, 2)::text, false); END $$;
	SELECT current_setting('test.sum')}), 3, 'a call that is canceled within a block');

# What is under way goes on with what it began with.
for my $call ('sleeping(2000)', 'count(n) FROM napping(1000) AS n')
{
	my $session = $beam->node->background_psql('postgres');
	my ($name) = $call =~ /(\w+)\(\d/;

	$session->query_until(qr/begun/, "\\echo begun\nSELECT $call;\n");
	$beam->wait_for(q{SELECT elixir_call('Shop.sleeping') = '1'}, 'a call is under way');
	$beam->sql("DROP FUNCTION $name(int)");
	like($session->query('SELECT 1'), qr/^(2000|2)\n1$/, "a function that is dropped: $name");
	$session->quit;
}

$beam->stop;
done_testing();
