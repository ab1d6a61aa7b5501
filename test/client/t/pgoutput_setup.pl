# How a slot of pgoutput comes about: which plugin it is, its publications, and
# what is refused.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfCommand;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('setup');
my $node = $etf->node;
my @client =
  ($ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'), '--slot', 's');

sub client { return EtfCommand::run(@client, @_); }

# Up to now, without going on.
sub stream
{
	return client('--start', '--json', '-v', '--no-loop', '--endpos',
		$etf->end_of_wal, @_);
}

sub plugin { return $etf->sql(q{SELECT plugin FROM pg_replication_slots}); }

# In a way that there is on each server: our file is not found, or not allowed.
sub forbid
{
	my ($conf) = @_;

	$etf->sql(EtfTest::server_gate()
		? "ALTER SYSTEM SET output_plugin_libraries = $conf"
		: 'SELECT 1');
	$etf->reload;
	return;
}

$etf->sql('CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE keyless (v text)');

subtest 'publications are needed, and come first' => sub {
	my ($status, $out, $err) = client('--create-slot', '--plugin=pgoutput');

	is($status, 3, 'none is named');
	like($err, qr/hint: Run CREATE PUBLICATION/, 'how to make one');
	($status, $out, $err) = client('--create-slot', '--plugin=pgoutput', '-o',
		'publication_names=p, "Q 1"');
	is($status, 3, 'it is not there');
	like($err, qr/there is no publication p, "Q 1"/, 'which');
	$etf->sql('CREATE PUBLICATION p FOR TABLE t');
	($status) = client('--create-slot', '--plugin=pgoutput', '-o',
		'publication_names=p');
	is($status, 0, 'made');
	is(plugin(), 'pgoutput', 'with pgoutput');
	$etf->sql('DROP PUBLICATION p');
	($status, $out, $err) = stream('-o', 'publication_names=p');
	is($status, 3, 'it is gone');
	like($err, qr/drop the slot, create the publication, then the slot/,
		'and cannot come back');
	$etf->sql(q{INSERT INTO t VALUES (1, 'one'); CREATE PUBLICATION "Q 1" FOR TABLE t});
	($status, $out, $err) = stream();
	is($status, 3, 'an existing slot, and no name');
	like($err, qr/slot "s" is one of pgoutput, and no publication is named/, 'so');
	($status, $out, $err) = stream('-o', 'publication_names="Q 1"');
	is($status, $etf->version < 18 ? 3 : 0, 'one that was made too late');
	like($err, qr/The publication was made after the slot/, 'it says so')
	  if $etf->version < 18;
};

subtest 'a slot decides' => sub {
	my ($status, $out, $err) = stream('--plugin=pg_etf_decoding');

	is($status, 8, 'not the plugin that was asked for');
	($status, $out, $err) = client('--drop-slot');
	is($status, 8, 'it may be that of a subscription');
	($status) = client('--drop-slot', '--plugin=pgoutput');
	is($status, 0, 'dropped by name');
	($status) =
	  client('--create-slot', '--plugin=pgoutput', '-o', 'publication_names="Q 1"');
	$etf->sql("INSERT INTO t VALUES (2, 'two')");
	($status, $out, $err) = stream('-o', 'publication_names="Q 1"');
	is($status, 0, 'read') or diag $err;
	like($out, qr/"record":\{"id":2,"v":"two"\}/, 'a row');
	like($err, qr/slot "s" is read with pgoutput, since the slot was made with it, values as/,
		'it is told');
	($status, $out) = client('--status');
	like($out, qr/^s +postgres +pgoutput /m, 'and shown');
	($status, $out) = stream('-o', 'publication_names="Q 1"');
	unlike($out, qr/"id":2/, 'what was read is confirmed');
};

subtest 'what pgoutput cannot do' => sub {
	my @read = ('-o', 'publication_names="Q 1"');

	for ([ '-o', 'skip_empty=off', qr/skip_empty=off/ ],
		[ '-o', 'mask_columns=public.t.v:null', qr/mask_columns/ ],
		[ '-o', 'exclude_columns=public.t.v', qr/exclude_columns/ ],
		[ '-o', 'ddl=tables', qr/ddl/ ],
		[ '-o', 'updates=changed', qr/updates/ ],
		[ '--control=off', qr/control=off/ ],
		[ '--two-phase', qr/two_phase/ ],
		[ '-o', 'dialect=cobol', qr/invalid value for option "dialect": "cobol"/ ],
		[ '-o', 'color=red', qr/unrecognized option "color"/ ])
	{
		my @options = @$_;
		my $pattern = pop @options;
		my ($status, $out, $err) = stream(@read, @options);

		is($status, 3, "@options");
		like($err, $pattern, 'so');
	}
	my ($status) = client('--drop-slot', '--plugin=pgoutput');
	is($status, 0, 'dropped');
  SKIP:
	{
		skip 'no two-phase slots', 2 if $etf->version < 14;
		$etf->sql(q{SELECT pg_create_logical_replication_slot('s', 'pgoutput',
			false, true)});
		my ($code, $out, $err) = stream(@read);
		is($code, 3, 'a two-phase slot');
		like($err, qr/is a two-phase slot/, 'so');
		$etf->drop_slot('s');
	}
};

# From where it has its name on, it can be read by that.
subtest 'a publication that is renamed' => sub {
	my @read = ('-o', 'publication_names=named');
	my $another = qr/hint: .*another name.*, give that one/;

	$etf->sql('CREATE PUBLICATION named FOR TABLE t');
	client('--create-slot', '--plugin=pgoutput', @read);
	$etf->sql(q{INSERT INTO t VALUES (70, 'before')});
	my ($status, $out, $err) = stream(@read);
	like($out, qr/"id":70/, 'read by its name') or diag $err;
	$etf->sql(q{ALTER PUBLICATION named RENAME TO other; INSERT INTO t VALUES (71, 'after')});
	($status, $out, $err) = stream(@read);
	is($status, 3, 'which it has no more');
	like($err, $another, 'so');
	($status, $out, $err) = stream('-o', 'publication_names=other');
	is($status, 0, 'read by its new name') or diag $err;
	like($out, qr/"id":71/, 'on from there');
	client('--drop-slot', '--plugin=pgoutput');
	$etf->sql('DROP PUBLICATION other; DELETE FROM t WHERE id >= 70');
};

subtest 'a publication made with the slot' => sub {
	my @make = ('--create=if_missing', '--plugin=pgoutput',
		'--create-publication', '-o', 'publication_names=made');
	my $before = $etf->sql('SELECT count(*) FROM pg_publication');
	my ($status, $out, $err) = stream(@make);

	is($status, 3, 'of no tables');
	like($err, qr/create_publication: it is not said for which tables\n.*hint: .*--tables='public\.\*'/, 'so');
	($status, $out, $err) = stream(@make, '--tables=shop.*');
	is($status, 3, 'of none that is there');
	like($err, qr/no table can be published that matches "shop\.\*"\n/, 'so');
	($status, $out, $err) = stream(@make, '--tables=public.*', '-o', 'exclude_tables=public.*');
	like($err, qr/that matches "public\.\*" and is not excluded\n/, 'or that is not left out');
	($status, $out, $err) = stream(grep { !/^(?:-o|publication_names=.*)$/ } @make);
	is($status, 2, 'without a name');
	like($err, qr/create_publication creates the first of publication_names, and there is none/, 'so');
	is($etf->sql('SELECT count(*) FROM pg_replication_slots'), 0, 'no slot');
	($status, $out, $err) =
	  stream(@make, '--tables=public.*', '-o', 'publication_names=made, absent');
	is($status, 3, 'the first alone is made');
	like($err, qr/there is no publication absent.*: create_publication makes the first one only\.$/ms, 'so');
	is($etf->sql('SELECT count(*) FROM pg_publication'), $before, 'nothing is');
	($status, $out, $err) = stream(@make, '--tables=public.*');
	is($status, 0, 'made') or diag $err;
	like($err, qr/is read with pgoutput, since it was asked for, values as/, 'told');
	like($err, qr/publication "made" was created for all changes, of 1 table\(s\): public\.t$/m, 'of which tables');
	like($err, qr/publication "made_inserts" was created for inserts and truncates, of 1 table\(s\): public\.keyless$/m,
		'and which without an identity');
	is($etf->sql('SELECT pubname, tablename FROM pg_publication_tables '
			  . "WHERE pubname LIKE 'made%' ORDER BY 1"),
		"made|t\nmade_inserts|keyless", 'tables with and without identity');
	$etf->sql("INSERT INTO t VALUES (3, 'three'); INSERT INTO keyless VALUES ('x');"
		  . " DELETE FROM keyless");
	($status, $out, $err) = stream(@make, '--tables=public.*');
	like($out, qr/"id":3.*\n.*"v":"x"/, 'both are read') or diag $err;
	unlike($err, qr/no publication has|was created/, 'and known');
	client('--drop-slot', '--plugin=pgoutput');
};

# One that was made first could never be read.
subtest 'a slot and its publication, in one command' => sub {
	my @make = ('--create-slot', '--plugin=pgoutput', '--create-publication',
		'-o', 'publication_names=first', '--tables=public.*');
	my ($status, $out, $err) = client(@make);

	is($status, 2, 'not without a stream');
	like($err, qr/--create-publication needs --start/, 'so');
	is($etf->sql('SELECT count(*) FROM pg_replication_slots'), 0, 'no slot');
	($status, $out, $err) = stream(@make);
	is($status, 0, 'made') or diag $err;
	like($err, qr/publication "first" was created/, 'both');
	client('--drop-slot', '--plugin=pgoutput');
	$etf->sql('DROP PUBLICATION first, first_inserts');
};

# REPLICATION is enough to read, and is not what is missing here.
subtest 'rights to make a publication' => sub {
	my @make = ('--user=reader', '--create=if_missing', '--plugin=pgoutput',
		'--create-publication', '-o', 'publication_names=refused', '--tables=public.*');

	$etf->sql('CREATE ROLE reader LOGIN REPLICATION');
	for ([ 'SELECT 1', qr/permission denied for database/ ],
		[ 'GRANT CREATE ON DATABASE postgres TO reader', qr/must be owner of table/ ])
	{
		my ($sql, $pattern) = @$_;

		$etf->sql($sql);
		my ($status, $out, $err) = stream(@make);
		is($status, 3, $sql);
		like($err, $pattern, 'refused');
		like($err, qr/hint: .*CREATE on the database, and must own the tables/, 'why');
	}
	is($etf->sql('SELECT count(*) FROM pg_replication_slots'), 0, 'no slot');
	$etf->sql('DROP OWNED BY reader; DROP ROLE reader');
};

# Whichever plugin it will be, the option means the same.
subtest 'and with our plugin' => sub {
	my @make = ('--create=if_missing', '--create-publication', '-o',
		'publication_names=mine', '--tables=public.*');
	my ($status, $out, $err) = stream(@make);

	is($status, 0, 'made') or diag $err;
	is(plugin(), 'pg_etf_decoding', 'the slot is ours');
	is($etf->sql('SELECT pubname, tablename FROM pg_publication_tables '
			  . "WHERE pubname LIKE 'mine%' ORDER BY 1"),
		"mine|t\nmine_inserts|keyless", 'tables with and without identity');
	$etf->sql("INSERT INTO t VALUES (4, 'four'); INSERT INTO keyless VALUES ('y');"
		  . ' DELETE FROM keyless');
	($status, $out, $err) = stream(@make);
	like($out, qr/"id":4.*\n.*"v":"y"/, 'both are read') or diag $err;
	like($err, qr/is read with pg_etf_decoding, since the slot was made with it$/m, 'told');
	$etf->drop_slot('s');
	$etf->sql('DROP PUBLICATION mine, mine_inserts');
};

# With the suffix of the second one it is no name any more.
subtest 'names at their limit' => sub {
	for my $length (55, 56, 63)
	{
		my $name = 'n' x $length;
		my ($status, $out, $err) = stream('--create=if_missing', '--plugin=pgoutput',
			'--create-publication', '-o', "publication_names=$name", '--tables=public.*');

		is($status, $length == 55 ? 0 : 3, "of $length bytes") or diag $err;
		like($err, qr/create_publication: .*at most 55 bytes/, 'too long') if $length > 55;
		is($etf->sql("SELECT count(*) FROM pg_publication WHERE pubname LIKE 'nn%'"),
			$length == 55 ? 2 : 0, 'both, or none');
		$etf->drop_slot('s') if $length == 55;
		$etf->sql("DROP PUBLICATION $name, ${name}_inserts") if $length == 55;
	}
};

# A server would cut the name of a second one to that of another.
subtest 'a name that is longer than can be made' => sub {
	my $name = 'n' x 56;
	my @read = ('--create=if_missing', '--plugin=pgoutput', '--create-publication',
		'-o', "publication_names=$name", '--tables=public.*');

	$etf->sql("CREATE PUBLICATION $name FOR TABLE t; CREATE PUBLICATION ${name}_insert "
		  . "FOR TABLE keyless WITH (publish = 'insert')");
	stream(@read);
	$etf->sql("INSERT INTO keyless VALUES ('another'); INSERT INTO t VALUES (56, 'its own')");
	my ($status, $out, $err) = stream(@read);
	like($out, qr/its own/, 'it is read') or diag $err;
	unlike($out, qr/another/, 'without another one');
	$etf->drop_slot('s');
	$etf->sql("DROP PUBLICATION $name, ${name}_insert");
};

subtest 'names that are too many to be told' => sub {
	my $schema = "\xc3\xa4" x 31;

	$etf->sql(qq{CREATE SCHEMA "$schema"; }
		  . join ';', map { qq{CREATE TABLE "$schema"."} . $_ x 62 . '" (id int)' } 'a' .. 'e');
	my ($status, $out, $err) = stream('--create=if_missing', '--plugin=pgoutput',
		'--create-publication', '-o', 'publication_names=many', "--tables=$schema.*");
	is($status, 0, 'made') or diag $err;
	like($err, qr/ of 5 table\(s\): ("\Q$schema\E"\.a{62}, ).{200,300}[^?]\.\.\.$/m, 'as many as fit');
	$etf->drop_slot('s');
	$etf->sql(qq{DROP PUBLICATION many_inserts, many; DROP SCHEMA "$schema" CASCADE});
};

SKIP:
{
	skip 'this server lets every plugin in', 1 if !EtfTest::server_gate();
	subtest 'ours where it may be, else pgoutput' => sub {
		my @make = ('--create=if_missing', '-o', 'publication_names="Q 1"');
		my ($status, $out, $err) = stream(@make);

		is($status, 0, 'ours') or diag $err;
		like($err, qr/is read with pg_etf_decoding, since the server has it$/m, 'told');
		is(plugin(), 'pg_etf_decoding', 'it is');
		$etf->drop_slot('s');
		forbid('pgoutput');
		($status, $out, $err) = client('--create-slot');
		is($status, 9, 'no publication is named');
		($status, $out, $err) = stream(@make);
		is($status, 0, 'pgoutput') or diag $err;
		is(plugin(), 'pgoutput', 'it is');
		like($err, qr/read with pgoutput, since .*pg_etf_decoding/, 'and why');
		client('--drop-slot', '--plugin=pgoutput');
		($status, $out, $err) =
		  client('--create-slot', '-o', 'publication_names="Q 1"');
		is($status, 0, 'by --create-slot, too');
		is(plugin(), 'pgoutput', 'it is');
		my $client = EtfClient->start($node,
			options => '#{publication_names => <<"\"Q 1\"">>}',
			credit_events => 10, credit_bytes => 100000);
		$client->expect(
			qr/^\{status,connected.*format => (?:binary|text).*plugin => pgoutput/s,
			'the BEAM is told');
		is($client->stop, 0, 'stop');
		$client->quit;
		$etf->wait_until_idle('s');
		forbid('pgoutput, test_decoding, pg_etf_decoding');
	};
}

$etf->stop;
done_testing();
