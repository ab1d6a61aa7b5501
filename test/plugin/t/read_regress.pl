# Equal terms over the database that PostgreSQL's own regression suite leaves:
# each row of each table, read, is the row of its insert.  If its source is there:
# PG_ETF_REGRESS=.../src/test/regress.
use strict;
use warnings;

use EtfReads;
use EtfRegress;
use EtfTest;
use Test::More;

my $dir = $ENV{PG_ETF_REGRESS} or plan skip_all => 'PG_ETF_REGRESS is not set';
my $etf = EtfTest->new('read_regress');
my @forms = ('dialect=elixir', 'dialect=erlang,rows=tuple', 'dialect=compact,keys=atom');
my (%count, @wrong);

sub clean_up
{
	$etf->sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots;
		DROP TABLE IF EXISTS public.etf_copy", 'regression');
	return;
}

$etf->sql('CREATE DATABASE regression TEMPLATE template0');
$etf->sql('CREATE EXTENSION pg_etf_decoding', 'regression');
EtfRegress::run_suite($etf, $dir, 'regression');

# Larger ones have nothing that smaller ones do not have.
my @tables = split /\n/, $etf->sql(q{SELECT format('%I.%I', schema, name)
	FROM etf_tables('{}') WHERE pages + toast_pages < 1000 AND strpos(name, $$'$$) = 0 ORDER BY 1}, 'regression');
for my $i (0 .. $#tables)
{
	my $form = $forms[ $i % @forms ];
	my $difference = eval { EtfReads::differs($etf, $tables[$i], $form, 'regression') };

	# Such as a table that a trigger or a domain lets nobody copy.
	if (!defined $difference)
	{
		note "$tables[$i]: $@";
		clean_up();
	}
	$difference //= 'not copied';
	$count{$difference}++;
	push @wrong, "$tables[$i] $difference: $form" if $difference =~ /^(by|as) /;
}
is_deeply(\@wrong, [], 'rows that are read are those of their inserts');
cmp_ok($count{'the same rows'} // 0, '>', 90, 'of many tables');
cmp_ok($count{'not copied'} // 0, '<', 10, 'of almost all');
diag join ', ', map { "$count{$_} tables: $_" } sort keys %count;

$etf->stop;
done_testing();
