# Where clients keep what they have read: each role its own, nobody's news.
use strict;
use warnings;

use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('store');
my $node = $etf->node;
my $insert = q{INSERT INTO etf_backfill (slot, id, state) VALUES ('s', 'b', '\x01')};

$etf->sql(q{CREATE ROLE one REPLICATION; CREATE ROLE other REPLICATION;
	CREATE ROLE nobody_much; CREATE TABLE t (id int PRIMARY KEY);
	CREATE PUBLICATION everything FOR ALL TABLES});

sub as_role
{
	my ($role, $sql) = @_;

	return $etf->sql("SET ROLE $role; $sql");
}

# Each role its own.
as_role('one', $insert);
as_role('other', $insert);
is(as_role('one', 'SELECT owner FROM etf_backfill'), 'one', 'a role sees its own rows');
is(as_role('one', 'DELETE FROM etf_backfill RETURNING owner'), 'one', 'and deletes no others');
like($etf->sql_error('SET ROLE one; ' . $insert =~ s/\(slot/(owner, slot/r =~ s/\('s'/('other', 's'/r),
	qr/row-level security/, 'nobody writes for another role');
like($etf->sql_error("SET ROLE nobody_much; $insert"), qr/row-level security/,
	'a role that has no slot keeps nothing');
is(as_role('nobody_much', 'SELECT count(*) FROM etf_backfill'), '0', 'and sees nothing');

# It is no news, and nothing to be read.
$etf->slot('s');
$etf->sql("$insert; UPDATE etf_backfill SET state = '\\x02'; INSERT INTO t VALUES (1)");
is($etf->sql("SELECT count(*), string_agg(etf_to_text(data), '') ~ 'insert,\\d+,\\{1\\}' FROM "
		. EtfTest::slot_call('peek', 's', rows => 'tuple')),
	'1|t', 'its changes are not decoded');
unlike($etf->sql("SELECT string_agg(etf_to_text(data), '') FROM "
		. EtfTest::slot_call('peek', 's', publication_names => 'everything')),
	qr/etf_backfill/, 'whatever is published');
is($etf->sql("SELECT string_agg(name, ' ' ORDER BY name) FROM etf_tables('{}')"), 't',
	'it is not among the tables to read');
$etf->sql('CREATE SCHEMA mine; CREATE TABLE mine.etf_backfill (id int PRIMARY KEY)');
is($etf->sql("SELECT string_agg(name, ' ' ORDER BY name) FROM etf_tables('{}')"), 'etf_backfill t',
	'but a table of a user may have its name');

# What belongs to this cluster alone does not leave it.
my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr('postgres') ]);
like($dump, qr/CREATE EXTENSION IF NOT EXISTS pg_etf_decoding/, 'pg_dump: the extension');
unlike($dump, qr/COPY public\.etf_backfill|CREATE TABLE public\.etf_backfill/,
	'but neither the table nor what is in it');

# The script for those who had 1.0.
$etf->sql('CREATE DATABASE old');
$etf->sql(q{CREATE EXTENSION pg_etf_decoding VERSION '1.0'; ALTER EXTENSION pg_etf_decoding UPDATE},
	'old');
is($etf->sql(q{SELECT count(*) FROM etf_backfill}, 'old'), '0', 'an update makes it, too');

done_testing;
