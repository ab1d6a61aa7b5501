# Publications of our plugin: which the client asks for before it streams, and
# what it says when one is missing, or was.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use IPC::Run;
use Test::More;

my $etf = EtfTest->new('publications');
my $node = $etf->node;

$etf->sql(q{CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY);
	CREATE PUBLICATION p FOR TABLE t; CREATE PUBLICATION "P, 'q'" FOR TABLE u;
	CREATE ROLE reader LOGIN REPLICATION});
$etf->slot('s');

# The printer, up to now, or as given; its status, stdout and stderr.
sub client
{
	my ($names, @more) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'),
			'--slot=s', '--print=json', '--endpos', $etf->end_of_wal,
			'-o', "publication_names=$names", @more ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
	my $status = $? >> 8;
	$etf->wait_until_idle('s');
	return ($status, $out, $err);
}

subtest 'publications that are there' => sub {
	$etf->sql('INSERT INTO t VALUES (1); INSERT INTO u VALUES (1)');
	my ($status, $out, $err) = client('p');
	is($status, 0, 'status');
	like($out, qr/"table":"t"/, 'its table');
	unlike($out, qr/"table":"u"/, 'no other');
	$etf->sql('INSERT INTO t VALUES (2); INSERT INTO u VALUES (2)');
	($status, $out, $err) = client(q{"P, 'q'", P}, '-U', 'reader');
	is($status, 0, 'status of a role without rights') or diag $err;
	like($out, qr/"table":"t".*"table":"u"/s, 'both, with quotes');
};

# A walsender keeps what it has looked up: what the client asks it before it
# streams must not be about tables that are decoded.
subtest 'a row that is older than a column' => sub {
	$etf->sql('INSERT INTO t VALUES (3)');
	$etf->sql('ALTER TABLE t ADD late int DEFAULT 7');
	my ($status, $out, $err) = client('p', '--tables=public.t');
	is($status, 0, 'status') or diag $err;
	like($out, qr/"id":3/, 'it comes');
	unlike($out, qr/late/, 'as it was');
	$etf->sql('INSERT INTO t VALUES (4)');
	like((client('p', '--tables=public.t'))[1], qr/"late":7/, 'a newer one has the column');
};

subtest 'one that is missing now' => sub {
	my ($status, undef, $err) = client('p, nosuch, "Nor This"');
	is($status, 3, 'status of config');
	like($err, qr/there is no publication "Nor This", nosuch|there is no publication nosuch, "Nor This"/,
		'all are named');
	like($err, qr/CREATE PUBLICATION/, 'a hint');

	my $confirmed = $etf->confirmed('s');
	my $client = EtfClient->start($node,
		options => '#{publication_names => <<"nosuch">>}');
	$client->expect(qr/^\{fatal,config,.*there is no publication nosuch/, 'by the port');
	is($client->exit_status, 3, 'exit status');
	is($etf->confirmed('s'), $confirmed, 'nothing is confirmed');

	$client = EtfClient->start($node, slot => '<<"made">>', create => 'if_missing',
		options => '#{publication_names => <<"nosuch">>}');
	$client->expect(qr/^\{fatal,config,/, 'with a slot to be made');
	$client->exit_status;
	is($etf->sql(q{SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'made'}),
		0, 'no slot is made');
};

subtest 'one that was missing' => sub {
	$etf->sql(q{INSERT INTO t VALUES (10); CREATE PUBLICATION late FOR TABLE t;
		INSERT INTO t VALUES (11)});
	my $client = EtfClient->start($node, credit_events => 100, credit_bytes => 1000000,
		options => '#{publication_names => <<"late">>}');
	$client->expect(qr/^\{log,warning,.*the server: publication \\"late\\" does not exist/,
		'the plugin\'s warning is passed on');
	$client->say('{send, stop}');
	is($client->exit_status, 0, 'exit status');
	my ($status, $out) = client('late');
	is($status, 0, 'printed');
	like($out, qr/"id":11/, 'what came after it');
	unlike($out, qr/"id":10/, 'not what came before');
};

subtest 'lists that differ, a filter that raises' => sub {
	plan skip_all => 'neither lists nor filters' if $etf->version < 15;
	$etf->sql(q{CREATE TABLE w (a int PRIMARY KEY, b int, c int);
		CREATE PUBLICATION ab FOR TABLE w (a, b); CREATE PUBLICATION ac FOR TABLE w (a, c);
		CREATE PUBLICATION raises FOR TABLE w WHERE (1 / a > 0); INSERT INTO w VALUES (0, 1, 2)});
	my ($status, $out, $err) = client('ab, ac');
	is($status, 3, 'lists: status of config');
	like($err, qr/different column lists for table "public.w".*hint: Name only one/s, 'lists: why');
	my $client = EtfClient->start($node, options => '#{publication_names => <<"raises">>}');
	$client->expect(
		qr/^\{status,reconnecting,#\{class => server_error,.*row filter of table \\"public.w\\".*division by zero/,
		'a filter that raises: why, and what to do');
	$client->stop;
	($status, $out, $err) = client('ac');
	is($status, 0, 'the way on');
	like($out, qr/"c":2/, 'with a row');
};

subtest 'a list that is none' => sub {
	my ($status, undef, $err) = client('p,');
	is($status, 3, 'status of config');
	like($err, qr/publication/, 'why');
};

$etf->stop;
done_testing();
