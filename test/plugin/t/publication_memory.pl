# Row filters leave no memory behind, and thousands of partitions that are
# published via their root take little of it and are told once.
use strict;
use warnings;

use EtfReceiver;
use EtfTest;
use Test::More;

# Scaled for every day; PG_ETF_FULL=1 for the long form.
my $full = $ENV{PG_ETF_FULL};
my $rows = $full ? 5_000_000 : 500_000;
my $partitions = $full ? 10_000 : 1_500;

# In kB: what the allocator and the caches of the server may add, and what the
# plans of all tables together may take.
my $slack = 8 * 1024;
my $plans = 64 * 1024;

my $etf = EtfTest->new('publication_memory',
	conf => "max_wal_size = 10GB\nmax_locks_per_transaction = 2000\n"
	  . "wal_sender_timeout = 0\nshared_buffers = 256MB");

# Transactions of 1000 rows, in one session.
sub change_rows
{
	my ($statement, $count) = @_;

	return $etf->run_text("SELECT format(\$\$$statement\$\$, n * 1000 + 1, n * 1000 + 1000)"
		  . " FROM generate_series(0, $count / 1000 - 1) n \\gexec\n");
}

SKIP:
{
	skip 'no row filters', 4 if $etf->version < 15;
	$etf->sql(q{CREATE TABLE t (a int PRIMARY KEY, b text, c numeric, d text);
		ALTER TABLE t REPLICA IDENTITY FULL;
		CREATE PUBLICATION filtered FOR TABLE t WHERE (b LIKE '%7' AND c * 2 > 10 AND length(d) > 5)});
	$etf->slot('s');
	my $receiver = EtfReceiver->start($etf, 's', publication_names => 'filtered');
	my $insert = q{INSERT INTO t SELECT i, i, i, repeat('x', 100) FROM generate_series(%s, %s) i};
	is(change_rows($insert, 20_000), '', 'rows to warm up with');
	EtfReceiver::wait_until_sent($etf, 's');
	my $before = $etf->walsender_memory('s');
	$etf->sql('TRUNCATE t');
	is(change_rows($insert, $rows / 2), '', 'inserts')
	  or BAIL_OUT('no rows');
	is(change_rows('UPDATE t SET b = c * 3 WHERE a BETWEEN %s AND %s', $rows / 2), '', 'updates');
	ok(EtfReceiver::wait_until_sent($etf, 's'), 'were sent');
	my $grown = $etf->walsender_memory('s') - $before;
	diag "walsender: $before kB, then $grown kB more";
	cmp_ok($grown, '<', $slack, "a filter of $rows rows leaves no memory behind");
	$receiver->stop;
	$etf->drop_slot('s');
}

# Another plugin on the same changes tells how much of it is the server's.
$etf->sql(q{CREATE TABLE root (a int, b text, PRIMARY KEY (a)) PARTITION BY LIST (a);
	CREATE PUBLICATION p FOR TABLE root WITH (publish_via_partition_root)});
$etf->sql("DO \$\$BEGIN FOR i IN 1..$partitions LOOP
	EXECUTE format('CREATE TABLE leaf_%s PARTITION OF root FOR VALUES IN (%s)', i, i);
	COMMIT; END LOOP; END\$\$");
$etf->slot('s');
$etf->sql(q{SELECT pg_create_logical_replication_slot('other', 'test_decoding')});
my @receivers = (
	EtfReceiver->start($etf, 's', publication_names => 'p'),
	EtfReceiver->start($etf, 'other'));
$etf->sql(q{INSERT INTO root VALUES (1, 'x')});
EtfReceiver::wait_until_sent($etf, $_) for 's', 'other';
my %before = map { $_ => $etf->walsender_memory($_) } 's', 'other';
$etf->sql("INSERT INTO root SELECT i, 'y' FROM generate_series(2, $partitions) i");
$etf->sql("UPDATE root SET b = 'z'");
EtfReceiver::wait_until_sent($etf, $_) for 's', 'other';
my ($ours, $others) =
  map { $etf->walsender_memory($_) - $before{$_} } 's', 'other';
diag "walsender: $partitions partitions: $ours kB, another plugin $others kB more";
cmp_ok($ours - $others, '<', $plans + $slack, "plans of $partitions partitions are bounded");
$_->stop for @receivers;

$etf->sql(q{SELECT pg_drop_replication_slot('s'), pg_drop_replication_slot('other')});
$etf->slot('s');
$etf->sql(q{UPDATE root SET b = 'w'; UPDATE root SET b = 'v'});
my $lines = $etf->decode('s', publication_names => 'p');
is(scalar(grep { /^update root / } @$lines), 2 * $partitions, 'all rows come');
is(scalar(grep { /^relation / } @$lines), 1, 'and the root is told once');

$etf->stop;
done_testing();
