# Thousands of published tables: one question to the catalogs, however many they
# are, and little memory for each.  PG_ETF_FULL=1: ten thousand.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $count = $ENV{PG_ETF_FULL} ? 10000 : 2000;
my $etf = EtfTest->new('tables', conf => "max_locks_per_transaction = 20000\nlog_statement = all");

sub each_table
{
	my ($statement, $step) = (@_, 1);

	$etf->sql('DO $do$ BEGIN FOR i IN 1..'
		  . "$count BY $step LOOP EXECUTE format(\$\$$statement\$\$, i); END LOOP; END \$do\$");
	return;
}

# Those of the control connection; everything else is not recursive.
sub questions { return scalar(() = slurp_file($etf->node->logfile) =~ /WITH RECURSIVE/g); }

# Types that have to be asked for, and identities that do; every other one has no key.
$etf->sql(q{CREATE TYPE mood AS ENUM ('ok'); CREATE TYPE pair AS (a int, b text)});
each_table('CREATE TABLE t%1$s (id int, v text, m mood, p pair, at timestamptz)');
each_table('ALTER TABLE t%1$s ADD PRIMARY KEY (id)', 2);
each_table('ALTER TABLE t%1$s REPLICA IDENTITY FULL');
$etf->sql('CREATE PUBLICATION everything FOR ALL TABLES');
$etf->sql('CREATE PUBLICATION listed FOR TABLE ' . join ', ', map { "t$_" } 1 .. $count);

for my $publication (qw(everything listed))
{
	subtest "$count tables, $publication" => sub {
		my $asked = questions();

		$etf->sql(q{SELECT pg_create_logical_replication_slot('s', 'pgoutput')});
		my $began = time;
		my $client = EtfClient->start($etf->node, credit_events => 1000000,
			credit_bytes => 1000000000, options => '#{rows => tuple, dialect => compact, '
			  . "publication_names => <<\"$publication\">>, include_tables => <<\"public.*\">>}");
		$client->expect(qr/^\{status,connected,.*reconnects => 0/s, 'connected, at the first attempt');
		$client->expect(qr/^\{log,info,.* $count published column/, 'what comes otherwise is told');
		cmp_ok(time - $began, '<', 10, 'soon');
		my $memory = EtfTest::resident_memory($client->client_pid);
		cmp_ok($memory, '<', 8 << 10, 'memory, in kB: it knows types, and no tables');

		each_table(q{INSERT INTO t%1$s VALUES (%1$s, 'x', 'ok', (1, 'y'), now())});
		$began = time;
		is(scalar @{ $client->rows_until($count) }, $count, 'a row of each');
		my $took = time - $began;
		is(questions() - $asked, 2, 'one question for all, and one for what is told');
		my $each = (EtfTest::resident_memory($client->client_pid) - $memory) / $count;
		cmp_ok($each, '<', 6, 'memory of each, in kB');
		note sprintf '%.1f MB, and %.1f kB a table; %.2f s for the first rows', $memory / 1024, $each, $took;

		$client->say('ack');
		is($client->stop, 0, 'a clean end');
		$client->quit;
		$etf->wait_until_idle('s');
		$etf->drop_slot('s');
		each_table('DELETE FROM t%1$s');
	};
}

$etf->stop;
done_testing();
