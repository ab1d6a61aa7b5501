# Thousands of tables in one transaction: each is told, in frames of the usual
# size, and the walsender keeps nothing of them.
use strict;
use warnings;

use EtfReceiver;
use EtfTest;
use Test::More;
use Time::HiRes 'time';

my $slack = 8 * 1024;    # kB, for the allocator and the server's caches
my $etf = EtfTest->new('many', conf => "max_locks_per_transaction = 5000\nshared_buffers = 64MB");
my $many = $ENV{PG_ETF_FULL} ? 10_000 : 2_000;

# Before 14 each command of a transaction makes decoding go through all that it
# has invalidated: four times as long for twice as many tables, with any plugin.
$many = 500 if $etf->version < 14;

sub all_tables
{
	my ($statement) = @_;

	return $etf->sql("DO \$\$ BEGIN FOR i IN 1 .. $many LOOP EXECUTE format('$statement', i); END LOOP; END \$\$");
}

sub cycle
{
	all_tables($_)
	  for 'CREATE TABLE many_%s (id int PRIMARY KEY, a text NOT NULL, b numeric(10, 2) DEFAULT 1)',
	  'ALTER TABLE many_%s ADD c timestamptz DEFAULT now()', 'DROP TABLE many_%s';
	return;
}

# Without the events it is what the server's own caches take.
sub grown
{
	my ($slot, $cycles, %option) = @_;
	my $receiver = EtfReceiver->start($etf, $slot, %option);
	my @memory;

	EtfReceiver::wait_until_sent($etf, $slot);
	for (1 .. $cycles)
	{
		my $started = time;

		cycle();
		ok(EtfReceiver::wait_until_sent($etf, $slot), "$slot: 3 transactions of $many tables");
		push @memory, $etf->walsender_memory($slot);
		diag sprintf '%s: %.1f s, walsender has %d kB, at most %d kB', $slot, time - $started, $memory[-1],
		  $etf->walsender_peak($slot);
	}
	$receiver->stop;
	$etf->drop_slot($slot);
	return @memory;
}

$etf->slot('off');
my @off = grown('off', 1);
$etf->slot('tables');
my @tables = grown('tables', 2, ddl => 'tables');
cmp_ok($tables[1] - $tables[0], '<', $slack, 'another cycle leaves nothing behind');
cmp_ok($tables[1] - $off[0], '<', 2 * $slack, 'and hardly more than without the events');

$etf->slot('s');
cycle();
my $lines = $etf->decode('s', ddl => 'tables');
is(scalar(grep { /^schema none/ } @$lines), $many, "$many tables come");
is(scalar(grep { /^schema public.* -> public/ } @$lines), $many, 'change');
is(scalar(grep { /-> none$/ } @$lines), $many, 'and go');
cmp_ok(scalar(grep { /^tx (first|middle|last|whole) 0 0 / } @$lines), '>', 6, 'in frames that count nothing');
is(scalar(grep { /^tx (whole|last)/ } @$lines), 3, 'of three transactions');

$etf->stop;
done_testing();
