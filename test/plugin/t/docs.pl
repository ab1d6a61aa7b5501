# What the documentation shows is so.
use strict;
use warnings;

use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('docs');
my $reference = slurp_file('docs/options.md');
my $start = slurp_file('docs/command-line.md');

# The options.
my ($table) =
  $reference =~ /options: begin.*?-->\s*\|.*?\n\|[-|]*\n(.*?)\s*<!-- options: end/s;
is(
	$table,
	$etf->sql(
		q{SELECT format('| `%s` | %s | %s | %s |', name,
			coalesce('`' || default_value || '`', 'none'),
			replace(valid, '*', '`*`'), help) FROM etf_options()}),
	'the table of options is that of etf_options()');

# The commands and statements that need no client.
my ($shell) = $start =~ /run: recvlogical -->\s*```sh\n(.*?)```/s;
my ($shown) = $start =~ /```erlang\n.*?\n2> binary_to_term\(Bin\)\.\n(.*?)```/s;
my ($psql) = $start =~ /```sql\n(.*?)```/s;
my $file = $etf->new_file;

$etf->sql('CREATE TABLE orders (id bigint PRIMARY KEY, paid boolean)');
for my $line (split /\n/, $shell)
{
	my @words = split ' ', $line;

	is(shift @words, 'pg_recvlogical', 'a command of command-line.md');
	@words = map { $_ eq 'changes.etf' ? $file : $_ } @words;
	splice @words, 0, 4, '-d', $etf->node->connstr('postgres');
	push @words, '--no-loop', '--endpos', $etf->end_of_wal
	  if grep { $_ eq '--start' } @words;
	command_ok([ 'pg_recvlogical', @words ], $line);
	$etf->sql('INSERT INTO orders VALUES (1, false)')
	  if $line =~ /--create-slot/;
}
$etf->write_text("$file.text", $shown);
is($etf->oracle->ask('alike', map { EtfOracle::quote($_) } $file, "$file.text"),
	'alike', 'the term that it shows');
like($etf->sql($psql), qr/\{tx,whole,.*\{insert,\d+,\{2,true\}\}\]\}$/,
	'and the statements for psql');

# The atoms.
my $docs = slurp_file('docs/protocol.md') . slurp_file('docs/types.md');
is_deeply(
	[ grep { $docs !~ /[`:{,'\s]\Q$_\E[`,'}\s:]/ } split /\n/, $etf->oracle->ask('tags') ],
	[], 'every atom of a frame is documented');

$etf->stop;
done_testing();
