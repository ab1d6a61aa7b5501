# docs/sql-to-beam.md as it is written: the ten minutes, then what follows them.
# Other tests run blocks of it, too; none is left out.
use strict;
use warnings;

use BeamTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $page = slurp_file('docs/sql-to-beam.md');

# Each block has a name, by which some test asks for it; two do so elsewhere.
my $asked = join '', map { slurp_file($_) } glob 'test/beam/t/*.pl';
my %elsewhere = (
	build => 'test/build/build.pl',
	consumer => 'elixir_client/test/integration/sql_to_beam_test.exs');
my @blocks = $page =~ /((?:^<!-- run: .*\n)?^```\w.*\n)/mg;
cmp_ok(scalar @blocks, '>', 15, 'there are blocks');
for my $block (@blocks)
{
	my ($name) = $block =~ /run: (.*?) -->/;

	next if $name && $elsewhere{$name};
	ok($name && $asked =~ /documented\('\Q$name\E'\)/,
		'is run: ' . ($name // $block));
}

if (!$ENV{ETF_ELIXIR})
{
	done_testing();
	exit;
}

my $dir = PostgreSQL::Test::Utils::tempdir();
my $conf = BeamTest::documented('conf') =~ s{/srv/shop}{$dir}gr;
ok($conf =~ s{-pa \S+/ebin}{-pa $ENV{ETF_EBIN}}, 'where the library is');
append_to_file("$dir/price.ex", BeamTest::documented('price'));

# What the snippets leave out.
append_to_file("$dir/stock.ex", <<'END' =~ s/SNIPPETS/BeamTest::documented('set') . BeamTest::documented('trigger function')/er);
defmodule Shop.Stock do
  def stream(2), do: [%{item: "tea", missing: 3}, %{item: "coffee", missing: 1}]
end

defmodule Shop.Orders do
  use PgEtf.Functions
  import Shop.Price

SNIPPETS
end

defmodule Shop.Report do
  use PgEtf.Functions

  @sql true
  def run(%{"month" => month}), do: %{"of" => month}
end
END

my $beam = BeamTest->new('docs', preload => 0, extension => 0, conf => $conf);
my @statements = split /(?<=;)\n/, BeamTest::documented('first calls');
my ($shown) = $page =~ /run: first calls -->\n```sql\n.*?```\n\n```\n(.*?)```/s;
my $answer = '';

# Without what lays out tables.
sub squeezed { return $_[0] =~ s/-{2,}|[\s|+]+/ /gr =~ s/\s+/ /gr =~ s/^ | $//gr; }

$beam->sql(shift @statements);
$beam->wait_until_ready;
for my $statement (@statements)
{
	my ($stdout, $stderr) = ('', '');

	$beam->node->psql('postgres', $statement, stdout => \$stdout,
		stderr => \$stderr,
		extra_params => [ '-P', 'tuples_only=off', '-P', 'footer=off' ]);
	$answer .= $stdout . "\n" . ($stderr =~ s/^psql:.*?: //r) . "\n";
}
$answer =~ s{\Q$dir\E}{/srv/shop}g;
is(squeezed($answer), squeezed($shown), 'what psql shows');

$beam->sql('DROP FUNCTION price; ' . BeamTest::documented('function'));
is($beam->sql(q{SELECT price('tea', 3)}), 12, 'a function that is declared by hand');
$beam->sql(q{SELECT elixir_import('Shop.Orders');
	CREATE TABLE orders (item text, quantity int, total numeric)});
is($beam->sql('SELECT * FROM reorder(2)'), "tea|3\ncoffee|1", 'a set');
$beam->sql(BeamTest::documented('trigger'));
is($beam->sql(q{INSERT INTO orders VALUES ('tea', 10) RETURNING total}), 36, 'a trigger');
is($beam->sql(BeamTest::documented('call')), '{"of": "2024-02"}', 'a call');

# The UUID that the page shows is nobody's.
my ($async, $get) = split /(?<=;)\n/, BeamTest::documented('async');
my $uuid = $beam->sql($async);
like($beam->sql($get), qr/"status": "lost"/, 'a result that nobody has');
ok($get =~ s/'[0-9a-f-]{36}'/'$uuid'/, 'a UUID');
is($beam->sql($get), '{"result": {"of": "2024-02"}, "status": "done"}', 'a result');
my ($both) = $page =~ /`(SELECT etf_decode\(etf_encode.*?)`/;
$beam->sql(q{CREATE FUNCTION etf_encode(anyelement) RETURNS bytea
	LANGUAGE sql AS 'SELECT etf($1)::bytea'});
is($beam->sql($both), '1.5', 'there and back');

# The table of settings.
my %said = $page =~ /^\| `(elixir\.\w+)` \| (\S[^|]*?) \|/mg;
my %is = map { split /\|/ } split /\n/, $beam->sql(
	q{SELECT name || '|' || coalesce(nullif(current_setting(name), ''), 'empty')
	FROM pg_settings WHERE name LIKE 'elixir.%'
	AND name NOT IN ('elixir.command', 'elixir.code_path')});

for my $name (sort keys %said)
{
	next unless $is{$name};
	is($said{$name} =~ s/`//gr, $is{$name}, "the default of $name");
}
ok(index($page, "`$_`") >= 0, "$_ is described") for sort keys %is;

$beam->stop;
done_testing();
