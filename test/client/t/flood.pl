# A flood of small messages over a network: read in gulps, to its last row, and nothing waits once
# it is over.
use strict;
use warnings;

use lib 'test/client/perl', 'test/lib/perl';

BEGIN { $ENV{ETF_PLUGIN} = 'pgoutput'; }

use EtfClient;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $rows = 200_000;
my $etf = EtfTest->new('flood', conf => "listen_addresses = '127.0.0.1'\nwal_sender_timeout = 0");
my $port = $etf->node->port;
$etf->sql('CREATE TABLE t (id int PRIMARY KEY, v text)');
$etf->slot($_) for qw(one other);

sub client
{
	my ($slot) = @_;

	return EtfClient->start($etf->node, slot => qq{<<"$slot">>}, credit_events => 10_000_000,
		credit_bytes => 1_000_000_000,
		conninfo => qq{<<"host=127.0.0.1 port=$port dbname=postgres">>});
}

sub times_it_slept
{
	my ($client) = @_;

	return slurp_file("/proc/$client->{pid}/status") =~ /^voluntary_ctxt_switches:\s+(\d+)/m ? $1 : die;
}

# In transactions of a hundred; a value of 20 MB in the middle.
sub write_flood
{
	my ($from) = @_;

	$etf->sql("DO \$\$ BEGIN FOR i IN 0..@{[ $rows / 100 - 1 ]} LOOP
		INSERT INTO t SELECT $from + 100 * i + g, CASE WHEN i = 1000 AND g = 50 THEN repeat(md5(g::text), 655360) ELSE 'a value' END
		FROM generate_series(1, 100) g; COMMIT; END LOOP; END \$\$");
	return;
}

write_flood(0);
my @clients = map { client($_) } qw(one other);
$_->expect(qr/^\{status,connected/, 'connected') for @clients;
my @before = map { times_it_slept($_) } @clients;

is(scalar @{ $_->rows_until($rows) }, $rows, 'all of it comes') for @clients;
for my $i (0, 1)
{
	my $slept = times_it_slept($clients[$i]) - $before[$i];

	cmp_ok($slept, '<', $rows / 10, 'many rows at a time');
}

# Each at once, between floods and behind them.
for my $round (1 .. 3)
{
	my $longest = 0;

	for my $i (1 .. 10)
	{
		my $id = 10_000_000 * $round + $i;
		my $since = time;

		$etf->sql("INSERT INTO t VALUES ($id, 'alone')");
		$_->rows_until($id, 10) for @clients;
		$longest = time - $since if time - $since > $longest;
		last if $longest > 5;
	}
	cmp_ok($longest, '<', 1, 'a row that comes alone is read at once');
	next if $round == 3;
	write_flood($rows * $round);
	is(scalar @{ $_->rows_until($rows * $round + $rows) }, $rows, 'all of it comes') for @clients;
}
for my $client (@clients)
{
	$client->say('ack');
	is($client->stop, 0, 'a clean stop');
	$client->quit;
}

done_testing;
