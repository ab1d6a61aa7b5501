# What a session keeps of functions and types follows what becomes of them.
use strict;
use warnings;

use BeamTest;
use Test::More;

BeamTest::needs_elixir();

my $beam = BeamTest->with_sidecar('changes');

is($beam->sql(q{
	CREATE FUNCTION changing(value text) RETURNS text LANGUAGE elixir AS 'Typed.show';
	SELECT changing('a');
	CREATE OR REPLACE FUNCTION changing(value text) RETURNS text
		LANGUAGE elixir AS 'Typed.echo';
	SELECT changing('a')}), qq{"a"\na}, 'a function that changes');
is($beam->sql(q{CREATE TYPE pair AS (a int, b text);
		CREATE FUNCTION given_pair(kind text) RETURNS pair LANGUAGE elixir AS 'Typed.given';
		SELECT given_pair('tuple'); ALTER TYPE pair ALTER ATTRIBUTE a TYPE text;
		SELECT given_pair('partial')}), "(1,x)\n(,x)",
	'a type that changes between two calls of a session');

$beam->sql(q{CREATE EXTENSION pg_etf_decoding;
	CREATE TABLE shifting (a text); INSERT INTO shifting VALUES ('a text of some length');
	CREATE FUNCTION shifting() RETURNS shifting LANGUAGE sql AS 'SELECT s FROM shifting s';
	CREATE FUNCTION shown_row(value shifting) RETURNS text LANGUAGE elixir AS 'Typed.show';
	CREATE FUNCTION same_row(value shifting) RETURNS shifting LANGUAGE elixir AS 'Typed.echo'});
is($beam->sql(q{DO $$ DECLARE seen text = ''; BEGIN
		FOR i IN 1 .. 2 LOOP
			seen := seen || etf(shifting())::text;
			seen := seen || etf_tuple(shifting())::text;
			seen := seen || etf_to_text(etf_encode(shifting()));
			seen := seen || shown_row(shifting());
			seen := seen || same_row(shifting())::text;
			seen := seen || etf_decode(etf_encode(shifting()), NULL::shifting)::text;
			EXECUTE 'ALTER TABLE shifting ALTER a TYPE int USING length(a::text)';
		END LOOP;
		PERFORM set_config('test.seen', seen, false);
	END $$; SELECT current_setting('test.seen')}),
	join('', map { my ($t, $c, $i) = @$_;
		"#{<<\"a\">> => $t}{#{<<\"a\">> => $t}}#{<<\"a\">> => $t}%{\"a\" => $i}($c)($c)" }
	  [ '<<"a text of some length">>', '"a text of some length"', '"a text of some length"' ],
	  [ 21, 21, 21 ]),
	'a row that changes between two calls of a statement');

$beam->stop;
done_testing();
