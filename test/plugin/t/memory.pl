# What a walsender has resident stays flat, whatever it decodes; giant values
# neither stop the slot nor stay in memory.
use strict;
use warnings;

use EtfReceiver;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

# Scaled for every day; PG_ETF_FULL=1 for what the issue asks.
my $full = $ENV{PG_ETF_FULL};
my $changes = $full ? 5_000_000 : 600_000;
my $tables = $full ? 10_000 : 1_500;
my $wide_tables = $full ? 2_000 : 500;

# In kB: what the allocator and the caches of the server may add, and what the
# plans of all tables together may take.
my $slack = 8 * 1024;
my $plans = 64 * 1024;

my $etf = EtfTest->new('memory',
	conf => "max_wal_size = 10GB\nmax_locks_per_transaction = 2000\n"
	  . "wal_sender_timeout = 0\nshared_buffers = 64MB");

sub insert_rows
{
	my ($count) = @_;

	# Transactions of 1000 rows, as many as needed, in one session.
	return $etf->run_text(
		"SELECT format('INSERT INTO rows SELECT i, i, repeat(''x'', 50), "
		  . "now(), i * 1.5, ''{\"a\": [1, 2]}'', ARRAY[i, NULL] "
		  . "FROM generate_series(%s, %s) i', n * 1000 + 1, n * 1000 + 1000) "
		  . "FROM generate_series(0, $count / 1000 - 1) n \\gexec\n");
}

# Many changes.
$etf->sql('CREATE TABLE rows (a int, b bigint, c text, d timestamptz, e numeric,
	f jsonb, g int[])');
$etf->slot('s');
my $receiver = EtfReceiver->start($etf, 's');
is(insert_rows(20_000), '', 'rows to warm up with');
EtfReceiver::wait_until_sent($etf, 's');
my $before = $etf->walsender_memory('s');
is(insert_rows($changes), '', "$changes rows");
ok(EtfReceiver::wait_until_sent($etf, 's'), 'were sent');
my $grown = $etf->walsender_memory('s') - $before;
diag "walsender: $before kB, then $grown kB more";
cmp_ok($grown, '<', $slack, "$changes changes leave no memory behind");

# Changes that are filtered leave none either.
$receiver->stop;
$receiver = EtfReceiver->start($etf, 's', exclude_tables => 'public.rows');
is(insert_rows(20_000), '', 'rows to warm up with');
EtfReceiver::wait_until_sent($etf, 's');
$before = $etf->walsender_memory('s');
is(insert_rows($changes / 5), '', 'rows that are filtered');
EtfReceiver::wait_until_sent($etf, 's');
$grown = $etf->walsender_memory('s') - $before;
diag "walsender: $before kB, then $grown kB more";
cmp_ok($grown, '<', $slack, 'filtered changes leave no memory behind');
$receiver->stop;

# Many tables.  The server's own caches grow with each that stays, so another
# plugin on the same changes tells how much of it is ours.
my $columns = join ', ', map {
	"a$_ int, b$_ text, c$_ numeric(10,2), d$_ timestamptz, e$_ int[]"
} 1 .. 5;

# A statement for each, with %s for the number, in a transaction of its own.
sub for_tables
{
	my ($count, @statements) = @_;
	my $body = join ' ', map { "EXECUTE format('$_', i);" } @statements;

	return $etf->sql("DO \$\$BEGIN FOR i IN 1..$count LOOP $body COMMIT;
		END LOOP; END\$\$");
}

my @come_and_go = ("CREATE TABLE gone_%s ($columns)",
	'INSERT INTO gone_%s VALUES (1)', 'DROP TABLE gone_%s');

# Growth of our walsender and of the other one.
sub growth_with_tables
{
	my ($count, @statements) = @_;
	my @slots = ('s', 'other');
	my %before = map { $_ => $etf->walsender_memory($_) } @slots;

	for_tables($count, @statements);
	for my $slot (@slots)
	{
		ok(EtfReceiver::wait_until_sent($etf, $slot), "$slot: $count tables");
	}
	my @grown = map { $etf->walsender_memory($_) - $before{$_} } @slots;
	diag "walsender: $count tables: $grown[0] kB, another plugin $grown[1] kB more";
	return @grown;
}

$etf->sql(q{SELECT pg_create_logical_replication_slot('other', 'test_decoding')});
$receiver = EtfReceiver->start($etf, 's');
my $other = EtfReceiver->start($etf, 'other');
for_tables($tables / 5, @come_and_go);
EtfReceiver::wait_until_sent($etf, $_) for 's', 'other';
my ($ours) = growth_with_tables($tables, @come_and_go);
cmp_ok($ours, '<', $slack, "$tables tables that came and went leave no memory");

# What the server's log says of the hash table of tables, in bytes.
sub table_of_tables
{
	my $node = $etf->node;
	my $offset = -s $node->logfile;
	my $until = time + 120;

	$etf->sql('SELECT pg_log_backend_memory_contexts('
		  . $etf->walsender_pid('s') . ')');
	while (time < $until)
	{
		my $log = substr slurp_file($node->logfile), $offset;

		return $1 if $log =~ /pg_etf_decoding tables: (\d+) total in .*?\n.*Grand/s;
		sleep 1;
	}
	return;
}

SKIP:
{
	skip 'no view into a walsender before 14', 1 if $etf->version < 14;
	cmp_ok(table_of_tables(), '<', 64 * 1024, 'nor an entry each');
}

# A plan of 240 kB for each, of which the server keeps little.
my $fields = join ', ', map { "field_$_ int" } 1 .. 1000;
$etf->sql("CREATE TYPE wide AS ($fields)");
for_tables($wide_tables, 'CREATE TABLE here_%s (a wide)');
EtfReceiver::wait_until_sent($etf, $_) for 's', 'other';
($ours, my $others) =
  growth_with_tables($wide_tables, 'INSERT INTO here_%s VALUES (NULL)');
cmp_ok($ours - $others, '<', $plans + $slack,
	'the plans of tables that stay are bounded');

# The labels of an enum are known once, not for each column.  In new slots, so
# that nothing is there yet that could be used again.
$_->stop for $receiver, $other;
$etf->sql(q{CREATE TYPE enum AS ENUM ('one', 'two')});
for_tables($tables, 'CREATE TABLE enum_%s (a enum)');
for my $slot ([ 's', 'pg_etf_decoding' ], [ 'other', 'test_decoding' ])
{
	$etf->wait_until_idle($slot->[0]);
	$etf->drop_slot($slot->[0]);
	$etf->sql("SELECT pg_create_logical_replication_slot('$slot->[0]', '$slot->[1]')");
}
$receiver = EtfReceiver->start($etf, 's');
$other = EtfReceiver->start($etf, 'other');
$etf->sql(q{INSERT INTO enum_1 VALUES ('one')});
EtfReceiver::wait_until_sent($etf, $_) for 's', 'other';
($ours, $others) =
  growth_with_tables($tables, q{INSERT INTO enum_%s VALUES (''two'')});
cmp_ok($ours - $others, '<', $tables * 4 + $slack / 4,
	'a column of an enum takes no more than another');
$_->stop for $receiver, $other;
$etf->drop_slot('other');

# Values are taken out of their compressed form one at a time.  The server has
# room for each at its full size from the start: these 200 MB are not ours.
$etf->sql('CREATE TABLE blanks (' . join(', ', map { "a$_ json" } 1 .. 20) . ')');
$receiver = EtfReceiver->start($etf, 's');
$etf->sql('INSERT INTO rows VALUES (1)');
EtfReceiver::wait_until_sent($etf, 's');
$before = $etf->walsender_peak('s');
my $blanks = q{(repeat(' ', 10000000) || '[1]')::json};
$etf->sql("INSERT INTO blanks SELECT " . join(', ', ($blanks) x 20));
$etf->sql('INSERT INTO rows VALUES (1)');
ok(EtfReceiver::wait_until_sent($etf, 's'), 'a row of compressed values');
$grown = $etf->walsender_peak('s') - $before;
diag "walsender: $before kB, at most $grown kB more for 20 values of 10 MB";
cmp_ok($grown, '<', 250 * 1024, 'does not take what they take together');
$receiver->stop;

# Sessions in one backend: every third ends in an ERROR.
$etf->drop_slot('s');
$etf->slot('s');
$etf->sql(
	q{CREATE TYPE broken;
	CREATE FUNCTION broken_in(cstring) RETURNS broken
		LANGUAGE internal IMMUTABLE STRICT AS 'textin';
	CREATE FUNCTION broken_out(broken) RETURNS cstring
		LANGUAGE internal IMMUTABLE STRICT AS 'internal_out';
	CREATE TYPE broken (INPUT = broken_in, OUTPUT = broken_out, LIKE = text);
	CREATE TABLE of_broken (a broken)});
$etf->sql('INSERT INTO rows SELECT i FROM generate_series(1, 100) i');
$etf->sql(q{INSERT INTO of_broken VALUES ('x')});

# Returns what the backend has resident after so many sessions, in kB.
my $used = q{substring(pg_read_file('/proc/self/status', 0, 10000)
	from 'RssAnon:\s+(\d+)')::bigint};
$etf->sql(
	qq{CREATE FUNCTION sessions(n int) RETURNS bigint LANGUAGE plpgsql AS \$\$
	BEGIN
		FOR i IN 1..n LOOP
			BEGIN
				PERFORM count(*) FROM pg_logical_slot_peek_binary_changes('s',
					NULL, NULL, 'exclude_tables',
					CASE WHEN i % 3 = 0 THEN 'public.none' ELSE 'public.of_broken' END);
			EXCEPTION WHEN feature_not_supported THEN NULL;
			END;
		END LOOP;
		RETURN $used;
	END \$\$});
my ($first, $last) = split /\n/,
  $etf->sql('SELECT sessions(200); SELECT sessions(200)');
diag "backend: $first kB after 200 sessions, $last after 200 more";
cmp_ok($last - $first, '<', 512,
	'200 sessions in one backend, a third ended by an ERROR, leak nothing');

$etf->stop;
done_testing();
