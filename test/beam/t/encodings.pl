# Databases that are not UTF-8: LATIN1, which has few characters, and SQL_ASCII,
# which takes any bytes.
use strict;
use warnings;

use BeamTest;
use Test::More;

BeamTest::needs_elixir();

my $beam = BeamTest->with_sidecar('encodings', conf => 'elixir.log_notices = on');
my $db;

# Bytes come back as they are.
sub sql { return $beam->sql($_[0], $db); }
sub fails { return $beam->sql_error($_[0], $db); }

sub create_database
{
	my ($encoding) = @_;

	$db = lc $encoding;
	$beam->sql("CREATE DATABASE $db ENCODING '$encoding' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
	sql(q{CREATE EXTENSION pg_etf_beam;
		CREATE FUNCTION echo(value text) RETURNS text LANGUAGE elixir AS 'Typed.echo';
		CREATE FUNCTION shown(value text) RETURNS text LANGUAGE elixir AS 'Typed.show';
		CREATE FUNCTION run(source text) RETURNS text LANGUAGE elixir AS 'Rude.run';
		CREATE FUNCTION document(source text) RETURNS jsonb LANGUAGE elixir AS 'Rude.run';
		CREATE FUNCTION log() RETURNS trigger LANGUAGE elixir AS 'Typed.log'});
	return;
}

create_database('LATIN1');
is(sql("SELECT echo(E'\\xe4'), length(echo(E'\\xe4')), octet_length(echo(E'\\xe4'))"),
	"\xe4|1|1", 'text of LATIN1');
is(sql(q{SELECT length(run('"\u00e4"'))}), 1, 'a character that it has');
like(fails(qq{SELECT $_}), qr/22P05/, "one that it lacks: $_")
  for q{run('"\u20ac"')}, q{document('"\u20ac"')}, q{document('%{"\u20ac" => 1}')},
  q{elixir_call('Rude.run', '"\"\\u20ac\""')};
like(fails(q{SELECT run('raise "\u20ac too much"')}), qr/38000.*raised RuntimeError: \\x\{20AC\} too much/,
	'in a message it is shown as a number');
like(fails(q{SELECT run('raise PgEtf.SQLError, code: "23514", message: "\u20ac", detail: "\u20ac", hint: "\u20ac"')}),
	qr/23514: \\x\{20AC\}.*DETAIL:  \\x\{20AC\}.*HINT:  \\x\{20AC\}/s, 'in all its parts');
like(fails(q{SELECT run('PgEtf.Functions.notice("\u20ac"); nil'); SELECT 1/0}),
	qr/NOTICE: .*\\x\{20AC\}/, 'in a notice');
like(fails(q{SELECT run(':"\u20ac"')}), qr/42804.*returned :"\\x\{20AC\}", not text/,
	'in a term');
like(fails(qq{CREATE TABLE "t\xe4" ("\xdf" int);
	CREATE TRIGGER t BEFORE INSERT ON "t\xe4" FOR EACH ROW EXECUTE FUNCTION log();
	INSERT INTO "t\xe4" VALUES (7); SELECT 1/0}), qr/NOTICE: .*before insert row.*=> 7/,
	'names of tables and columns');
is(sql("SELECT etf_atom(E'\\xe4')::bytea, etf(E'\\xe4'::text)::bytea"),
	'\x837702c3a4|\x836d00000002c3a4', 'terms are UTF-8');

create_database('SQL_ASCII');
is(sql(q{SELECT run('"\u20ac"') = E'\xe2\x82\xac'}), 't', 'text of Elixir is taken as it is');
is(sql(q{SELECT shown(E'\xff')}), '<<255>>', 'bytes that are no text are a binary');
like(fails(q{SELECT echo(E'\xff')}), qr/22021/, 'which is no result');
is(sql(q{SELECT elixir_call('Shop.echo', ('"' || E'\xff' || '"')::jsonb)}), '{"base64": "/w=="}',
	'in a document it is encoded');
like(fails(q{SELECT elixir_call(E'Shop.\xff', '1')}), qr/42883/, 'a name that is no text');
like(fails(q{SELECT etf_atom(E'\xff')}), qr/22023/, 'no atom');
like(fails(q{SELECT etf_charlist(E'\xff')}), qr/22021/, 'no charlist');
is(sql(q{SELECT etf(E'\xff'::text)::bytea}), '\x836d00000001ff', 'but a binary');
like(fails(qq{SELECT erlang_call('none\@127.0.0.1', E'm\\xff', 'f')}), qr/22023.*cannot be a name/,
	'no name of a module');

$beam->stop;
done_testing();
