# The type etf, and logical messages of terms.
use strict;
use warnings;

use BeamTest;
use EtfTest;
use Test::More;

my $beam = BeamTest->new('etf', preload => 0, conf => "wal_level = logical\n" . EtfTest::server_gate());

sub shown { return $beam->sql("SELECT ($_[0])::text"); }

my @terms = (
	"etf(1)" => '1',
	"etf(NULL::int)" => 'nil',
	"etf('a'::text)" => '<<"a">>',
	"etf('a'::varchar)" => '<<"a">>',
	"etf('a'::name)" => '<<"a">>',
	"etf('a'::char(2))" => '<<"a ">>',
	"etf('\\x00'::bytea)" => '<<0>>',
	"etf(true)" => 'true',
	"etf(1.5::float8)" => '1.5',
	"etf(ARRAY[1, NULL])" => '[1,nil]',
	"etf(jsonb '{\"a\": [1]}')" => '#{<<"a">> => [1]}',
	"etf_atom('ok')" => 'ok',
	"etf_atom('')" => "''",
	"etf_tuple()" => '{}',
	"etf_tuple(1, 'a'::text, etf_atom('b'), NULL::int)" => '{1,<<"a">>,b,nil}',
	"etf_tuple('literal')" => '{<<"literal">>}',
	"etf_tuple(VARIADIC ARRAY[1, 2])" => '{1,2}',
	"etf_tuple(VARIADIC '{}'::int[])" => '{}',
	"etf_list()" => '[]',
	"etf_list(1, etf_list(2))" => '[1,[2]]',
	"etf_list(VARIADIC ARRAY[etf(1), NULL])" => '[1,nil]',
	"etf_map()" => '#{}',
	"etf_map('a'::text, 1, etf_atom('b'), 2)" => '#{<<"a">> => 1,b => 2}',
	"etf_map(1, 1, 1.0::float8, 2)" => '#{1 => 1,1.0 => 2}',
	"etf_charlist('abc')" => '[97,98,99]',
	"etf_charlist('')" => '[]',
	"etf(ROW(1, 2))" => '#{<<"f1">> => 1,<<"f2">> => 2}',
	"etf(etf(1))" => '1');
while (my ($sql, $text) = splice @terms, 0, 2)
{
	is(shown($sql), $text, $sql);
}
is(shown("etf_charlist('hé')"), '[104,233]', 'characters beyond ASCII');
is(shown("etf_charlist('h€')"), '[104,8364]', 'and beyond a byte');

is($beam->sql("SELECT etf(1), etf(1)::bytea, '\\x836101'::etf::bytea, '\\x836101'::bytea::etf"),
	'\\x836101|\\x836101|\\x836101|\\x836101', 'as bytes, and back');
is($beam->sql("SELECT etf_tuple(1, etf_atom('a'), etf_map('k'::text, 2.5::float8))::jsonb"),
	'[1, "a", {"k": 2.5}]', 'as jsonb');

is($beam->sql(BeamTest::documented('etf')), '{sold,42,#{<<"item">> => <<"tea">>},nil}',
	'what the documentation shows');
$beam->sql("CREATE TABLE stock AS SELECT 'tea' AS item, 9 AS quantity");
like($beam->sql(BeamTest::documented('emit')), qr/^[0-9A-F]+\/[0-9A-F]+$/, 'and emits');

for my $bad (
	[ "'abc'::etf", qr/22P02.*HINT.*hexadecimal/s ],
	[ "etf('a')", qr/22P02.*HINT/s ],
	[ "'\\x'::etf", qr/22P03/ ],
	[ "'\\x83'::etf", qr/22P03.*ends inside a term.*At offset/s ],
	[ "'\\x826101'::etf", qr/22P03.*131/ ],
	[ "'\\x83610101'::etf", qr/22P03.*more bytes/ ],
	[ "'\\x8377ff'::bytea::etf", qr/22P03/ ],
	[ "'\\x836764000161000000050000000104'::etf", qr/22P03.*creation/ ],
	[ "'\\x8361zz'::etf", qr/22023|22P02/ ],
	[ "etf_map(1, 2, 3)", qr/22023.*even number/ ],
	[ "etf_map('a'::text, 1, 'b'::text, 2, 'a'::varchar, 3)", qr/22P03.*a key twice.*DETAIL:  It is <<"a">>/s ],
	[ "etf_map(1, 1, '\\x836200000001'::etf, 2)", qr/22P03.*a key twice/s ],
	[ "'\\x83680174000000026b0001616a6c0000000161616a6a'::etf", qr/22P03.*a key twice/s ],
	[ "'\\x837400000002716400056c6973747376000373657161026101716400056c6973747364000373657161026102'::etf", qr/22P03.*a key twice.*lists:seq/s ],
	[ "etf_atom(repeat('x', 256))", qr/22023.*255/s ],
	[ "etf_atom(NULL) IS NULL AND 1/0 = 1", qr/22012/ ])
{
	like($beam->sql_error("SELECT $bad->[0]"), $bad->[1], "not valid: $bad->[0]");
}

# Binary, and stored
is($beam->sql("CREATE TABLE terms (id int, term etf);
	INSERT INTO terms SELECT i, etf_list(VARIADIC array_agg(g)) FROM generate_series(1, 3) i, generate_series(1, 5000) g GROUP BY i;
	SELECT count(*), count(DISTINCT term::text), sum(octet_length(term::bytea)) FROM terms"),
	'3|1|' . 3 * (1 + 5 + 1 + 255 * 2 + (5000 - 255) * 5), 'large ones are stored');
my $copy = PostgreSQL::Test::Utils::tempdir() . '/terms';
is($beam->sql("COPY terms TO '$copy' (FORMAT binary); CREATE TABLE again (LIKE terms);
	COPY again FROM '$copy' (FORMAT binary);
	SELECT count(*) FROM terms t JOIN again a ON t.id = a.id AND t.term::bytea = a.term::bytea"),
	'3', 'COPY in binary');

$beam->sql('CREATE EXTENSION pg_etf_decoding');

# In a stream: a column as it is, a message as the term that it is.
is($beam->sql("SELECT slot_name FROM pg_create_logical_replication_slot('s', 'pg_etf_decoding')"),
	's', 'a slot');
$beam->sql("INSERT INTO terms VALUES (9, etf_tuple(etf_atom('a'), 1))");
$beam->sql("BEGIN; SELECT etf_emit('box', etf_tuple(etf_atom('sold'), 42, 1.50)); COMMIT;
	BEGIN; SELECT etf_emit('box', 'gone'::text); ROLLBACK;
	BEGIN; SAVEPOINT a; SELECT etf_emit('box', 'gone too'::text); ROLLBACK TO a; SELECT etf_emit('box', 'kept'::text); COMMIT;
	SELECT etf_emit('now', NULL::int, false)");
my $stream = $beam->sql("SELECT etf_to_text(data) FROM
	pg_logical_slot_get_binary_changes('s', NULL, NULL, 'messages', 'on')");
like($stream, qr/<<"term">> => \{a,1\}/, 'a column of type etf goes as it is');
my @bodies = $stream =~ /\{message,<<"box">>,<<([0-9,]+)>>\}/g;
is(scalar @bodies, 2, 'of the messages, those that were not rolled back');
is(body_text($bodies[0]) =~ s/#\{[^}]*\}/a decimal/r, '{sold,42,a decimal}', 'are terms');
is(body_text($bodies[1]), '<<"kept">>', 'each of them');

sub body_text
{
	my ($numbers) = @_;
	my $hex = unpack 'H*', pack 'C*', split /,/, $numbers;

	return shown("'\\x$hex'::etf");
}

$beam->stop;
done_testing();
