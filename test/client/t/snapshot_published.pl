# What a publication has is read as of the snapshot, whatever was done to it since: what the stream tells behind the
# snapshot begins with the publication as it was there.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfBackfill;
use EtfCutter;
use EtfTest;
use Test::More;

my $etf = EtfTest->new('snapshot_published', conf => 'max_wal_senders = 20');
my $network = EtfCutter->new($etf->node, 0);
my $client;

# Rows whose large values the changes leave out; "big" is read first.
sub fill
{
	for my $table (qw(big t))
	{
		my $rows = $table eq 'big' ? 600 : 300;

		$etf->sql("DROP TABLE IF EXISTS $table;
			CREATE TABLE $table (id int PRIMARY KEY, n int, v text);
			ALTER TABLE $table ALTER v SET STORAGE EXTERNAL;
			INSERT INTO $table SELECT i, i, repeat(i::text || ' ', 1000) FROM generate_series(1, $rows) i");
	}
	return;
}

sub publish
{
	my ($what) = @_;

	$etf->sql("DROP PUBLICATION IF EXISTS p; CREATE PUBLICATION p FOR TABLE $what");
	return;
}

sub start
{
	my ($slot) = @_;

	$client = EtfBackfill->start($etf, $slot,
		conninfo => '<<"' . $network->conninfo . ' application_name=pg_etf_client">>',
		credit_events => 100,
		options => '#{rows => map, dialect => elixir, publication_names => p}');
	$client->say('{credit, false}');
	$client->backfill('b', mode => 'exact', jobs => 1, tables => 'public.*');
	return;
}

# There is a snapshot, and nobody has asked yet what its tables are.
sub before_plan
{
	$network->hold('SET TRANSACTION SNAPSHOT');
	start(@_);
	ok($network->held, 'there is a snapshot');
	return;
}

# The first table is being read, and takes credit.
sub while_read
{
	start(@_);
	$client->expect(qr/^\{backfill,round,/, 'a round');
	return;
}

sub finish
{
	$network->release;
	$client->say('{credit, true}');
	$client->expect(qr/^\{backfill,finished,<<"b">>/, 'it ends');
	return;
}

# What the mirror has of "t" once the stream has brought what was done last.
sub mirrored
{
	$etf->sql('INSERT INTO t VALUES (1000, 1, $$last$$)');
	$client->shows('public.t', 1000, 'the stream goes on');
	return map { /id=/ ? ($_) : () } $client->mirror_lines('public.t');
}

my %moments = ('before the plan' => \&before_plan, 'while another table is read' => \&while_read);
my $number = 0;

sub each_moment
{
	my ($name, $published, $alter, $check) = @_;

	for my $moment (sort keys %moments)
	{
		my $slot = 's' . ++$number;

		subtest "$name, $moment" => sub {
			fill();
			publish($published);
			$moments{$moment}->($slot);
			$alter->();
			finish();
			$check->();
			$client->ends($slot);
		};
	}
	return;
}

# The stream does not tell of a table what becomes of it before it is added.
each_moment('a table that is added', 'big',
	sub { $etf->sql('DELETE FROM t WHERE id <= 200'); $etf->sql('ALTER PUBLICATION p ADD TABLE t') },
	sub {
		is(scalar(mirrored()), 1, 'nothing is read of it');
		$client->backfill('c', mode => 'exact', tables => 'public.t');
		$client->expect(qr/^\{backfill,finished,<<"c">>/, 'another one reads it');
		$client->equals('public.t', 'and has it', 10);
	});

# An update leaves out what only the read has.
each_moment('a table that is left out', 'big, t',
	sub { $etf->sql('UPDATE t SET n = n + 1000'); $etf->sql('ALTER PUBLICATION p DROP TABLE t') },
	sub { $client->equals('public.t', 'each row of it is there', 10) });

each_moment('a publication that is dropped', 'big, t',
	sub {
		$etf->sql('UPDATE t SET n = n + 1000');
		$etf->sql('DROP PUBLICATION p; CREATE PUBLICATION p FOR TABLE big WITH (publish = $$insert$$)');
	},
	sub { $client->equals('public.t', 'its rows are read', 10) });

SKIP:
{
	skip 'no conditions', 3 if $etf->version < 15;

	each_moment('a condition that is removed', 'big, t WHERE (id <= 100)',
		sub { $etf->sql('DELETE FROM t WHERE id > 50'); $etf->sql('ALTER PUBLICATION p SET TABLE big, t') },
		sub {
			is(scalar(mirrored()), 51, 'a row that it has left out is not read');
			$client->equals('public.t', 'what became of the others is told', 10);
		});

	each_moment('a condition that is set', 'big, t',
		sub { $etf->sql('UPDATE t SET n = n + 1000'); $etf->sql('ALTER PUBLICATION p SET TABLE big, t WHERE (id <= 100)') },
		sub { $client->equals('public.t', 'all rows are read', 10) });

	each_moment('a list of columns', 'big, t (id, n)',
		sub { $etf->sql('ALTER PUBLICATION p SET TABLE big, t') },
		sub {
			my @lines = mirrored();
			is(scalar(grep { /\bv=/ } @lines), 1, 'what it lacked is not read');
			is(scalar(@lines), 301, 'each row is');
		});
}

done_testing;
