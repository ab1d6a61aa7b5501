# What a slot of pgoutput will not bring, or brings otherwise, is told by name:
# as it is read, and of tables that come later.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfCommand;
use EtfTest;
use Test::More;

my $etf = EtfTest->new('told');
my $node = $etf->node;

# Up to now, without going on.
sub stream
{
	return EtfCommand::run($ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'),
		'--slot', 's', '--start', '--json', '-v',
		'--no-loop', '--endpos', $etf->end_of_wal, @_);
}

$etf->sql('CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE keyless (v text)');

subtest 'what comes otherwise is told' => sub {
	$etf->sql('CREATE TYPE pair AS (a int, b text); CREATE DOMAIN pairs AS pair[]; '
		  . 'CREATE TABLE nested (id int PRIMARY KEY, p pair, "Ps" pairs, c regclass); '
		  . 'CREATE PUBLICATION nested FOR TABLE nested, t');
	$etf->sql(q{SELECT pg_create_logical_replication_slot('s', 'pgoutput')});
	my @read = ('-o', 'publication_names=nested');
	my ($status, $out, $err) = stream(@read);
	my $composites = qr/info: the attributes of composites are .* now, in 2 published column\(s\): /;

	like($err, qr/${composites}public\.nested\."Ps", public\.nested\.p$/m, 'composites');
	unlike($err, qr/reg\* values|as text because/, 'names, in a binary session')
	  if $etf->version >= 14;
	($status, $out, $err) = stream(@read, '--format=text');
	like($err, qr/info: reg\* values .* 1 published column\(s\): public\.nested\.c$/m,
		'names as text');
	unlike($err, qr/because of/, 'which was asked for');
	$etf->sql('ALTER TABLE t ADD COLUMN a aclitem[]');
	($status, $out, $err) = stream(@read);
	like($err, qr/info: values come as text because of .* 1 published column\(s\): public\.t\.a$/m,
		'the column behind a text session')
	  if $etf->version >= 14;
	$etf->sql('ALTER TABLE t DROP COLUMN a');
	$etf->drop_slot('s');
	$etf->sql('DROP PUBLICATION nested; DROP TABLE nested; DROP DOMAIN pairs; DROP TYPE pair');
};

# Neither told, nor a reason for a session in text.
subtest 'columns outside of a list' => sub {
	plan skip_all => 'no lists before 15' if $etf->version < 15;
	$etf->sql('CREATE TYPE pair AS (a int, b text); CREATE TABLE listed (id int PRIMARY KEY, '
		  . 'p pair, a aclitem[]); CREATE PUBLICATION listed FOR TABLE listed (id); '
		  . 'CREATE PUBLICATION whole FOR TABLE listed');
	$etf->sql(q{SELECT pg_create_logical_replication_slot('s', 'pgoutput')});
	$etf->sql('INSERT INTO listed VALUES (15)');
	my ($status, $out, $err) = stream('-o', 'publication_names=listed');
	like($out, qr/"id":15/, 'it is read') or diag $err;
	for ([ listed => 'binary' ], [ whole => 'text' ])
	{
		my ($publication, $format) = @$_;

		($status, $out, $err) = stream('-o', "publication_names=$publication");
		is($status, 0, $publication) or diag $err;
		like($err, qr/values as $format/, "as $format");
		is(!!($err =~ /composites are/), $publication eq 'whole', 'composites are told, or not');
	}
	$etf->wait_until_idle('s');
	$etf->drop_slot('s');
	$etf->sql('DROP PUBLICATION listed, whole; DROP TABLE listed; DROP TYPE pair');
};

subtest 'what will not come is told' => sub {
	$etf->sql('CREATE TABLE gen (id int PRIMARY KEY, '
		  . 'twice int GENERATED ALWAYS AS (id * 2) STORED); '
		  . 'CREATE TABLE forgotten (id int PRIMARY KEY); '
		  . 'CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id); '
		  . 'CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (9); '
		  . 'CREATE PUBLICATION part FOR TABLE t, gen, keyless, parted '
		  . 'WITH (publish_via_partition_root)');
	$etf->sql(q{SELECT pg_create_logical_replication_slot('s', 'pgoutput')});
	my $client = EtfClient->start($node,
		options => '#{publication_names => <<"part">>, include_tables => <<"public.*">>}',
		credit_events => 10, credit_bytes => 100000);

	$client->expect(qr/^\{log,warning,.*generated columns.* 1 .*public\.gen/,
		'generated columns');
	$client->expect(qr/^\{log,warning,.*updates and deletes fail.*public\.keyless/,
		'tables without identity');
	$client->expect(qr/^\{log,warning,.* 1 table.*no publication has: public\.forgotten/,
		'tables without publication');
	is($client->stop, 0, 'stop');
	$client->quit;
	$etf->wait_until_idle('s');
	$etf->drop_slot('s');
	$etf->sql('DROP PUBLICATION part');
};

# Of these alone, once each, and without a word of those that were told of.
subtest 'tables that come later are told of' => sub {
	$etf->sql('CREATE TYPE pair AS (a int, b text); CREATE TABLE early (id int PRIMARY KEY, p pair); '
		  . 'CREATE PUBLICATION later FOR TABLE early, keyless');
	$etf->sql(q{SELECT pg_create_logical_replication_slot('s', 'pgoutput')});
	my $client = EtfClient->start($node,
		options => '#{publication_names => <<"later">>, include_tables => <<"public.*">>}',
		credit_events => 100, credit_bytes => 1000000);
	my $told = qr/^\{log,(?:warning|info),<<"(?:updates|stored|include|the attributes)/;

	$client->expect(qr/^\{log,warning,.*updates and deletes fail.* 1 .*: public\.keyless"/, 'a first time');
	$client->silent(qr/^\{log,.*later_/, 1, 'of what there is');
	$etf->sql('CREATE TABLE later_plain (id int PRIMARY KEY); CREATE TABLE later_log (line text); '
		  . 'CREATE TABLE later_pair (id int PRIMARY KEY, p pair); '
		  . 'ALTER PUBLICATION later ADD TABLE later_plain, later_log, later_pair');
	$etf->sql('INSERT INTO early VALUES (1); INSERT INTO later_plain VALUES (1); '
		  . q{INSERT INTO keyless VALUES ('x')});
	$client->silent($told, 3, 'nothing is to be said of these');
	$etf->sql(q{INSERT INTO later_log VALUES ('x')});
	$client->expect(qr/^\{log,warning,.*updates and deletes fail.* 1 .*: public\.later_log"/,
		'without an identity');
	$etf->sql('INSERT INTO later_pair VALUES (1)');
	$client->expect(qr/^\{log,info,.*composites.* 1 .*: public\.later_pair\.p"/, 'with a composite');
	is(scalar(grep { /$told/ } @{ $client->{skipped} }), 0, 'and nothing else');
	$etf->sql('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots');
	$client->expect(qr/^\{status,connected/, 'another connection');
	$etf->sql(q{INSERT INTO later_log VALUES ('y'); INSERT INTO later_pair VALUES (2)});
	$client->silent($told, 3, 'tells nothing again');
	is($client->stop, 0, 'stop');
	$client->quit;
	$etf->wait_until_idle('s');
	$etf->drop_slot('s');
	$etf->sql('DROP PUBLICATION later; DROP TABLE early, later_plain, later_log, later_pair; DROP TYPE pair');
};

$etf->stop;
done_testing();
