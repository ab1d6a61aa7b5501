# What publications publish: tables, all tables, schemas, actions; made, altered
# and dropped in mid-stream.
use strict;
use warnings;

use EtfSession;
use EtfTest;
use EtfTruth;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('publication');

$etf->sql(q{CREATE SCHEMA app; CREATE SCHEMA "Other";
	CREATE TABLE a (id int PRIMARY KEY, v text);
	CREATE TABLE b (id int PRIMARY KEY, v text);
	CREATE TABLE app.a (id int PRIMARY KEY, v text);
	CREATE TABLE "Other"."T" ("Id" int PRIMARY KEY, v text);
	CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
	CREATE PUBLICATION only_a FOR TABLE a;
	CREATE PUBLICATION "B, quoted" FOR TABLE b, "Other"."T";
	CREATE PUBLICATION everything FOR ALL TABLES;
	CREATE PUBLICATION nothing;
	CREATE PUBLICATION inserts FOR TABLE a, b WITH (publish = 'insert');
	CREATE PUBLICATION deletes FOR TABLE a WITH (publish = 'delete, truncate')});

my $truth = EtfTruth->new($etf, 's');

# A change of each kind in each table.
sub change_all
{
	$etf->sql(join '; ', map {
		my ($table, $key) = @$_;
		("INSERT INTO $table VALUES (1, 'x'), (2, 'y')",
			"UPDATE $table SET v = 'z' WHERE $key = 1",
			"UPDATE $table SET $key = 3 WHERE $key = 2",
			"DELETE FROM $table WHERE $key = 1", "TRUNCATE $table")
	} [ 'a', 'id' ], [ 'b', 'id' ], [ 'app.a', 'id' ], [ '"Other"."T"', '"Id"' ]);
	$etf->sql('TRUNCATE a, b, app.a');
	$etf->sql('INSERT INTO unlogged VALUES (1); TRUNCATE unlogged');
	$etf->sql('CREATE TEMP TABLE passing (id int PRIMARY KEY);
		INSERT INTO passing VALUES (1); TRUNCATE passing');
	return;
}

my %counts = (
	'only_a' => 7,
	'nothing' => 0,
	'everything' => 25,
	'everything, nothing' => 25,
	'inserts' => 4,
	'deletes' => 3,
	'inserts,deletes' => 4 + 3,
	' "B, quoted"' => 13,
	'ONLY_A,"B, quoted"' => 19,
	'"only_a" , "only_a"' => 7);

for my $names (sort keys %counts)
{
	change_all();
	my $lines = $truth->agree($names, publication_names => $names);
	is(scalar @$lines, $counts{$names}, "$names: as many")
	  or diag join "\n", @$lines;
}

# Patterns and actions take away from what is published.
change_all();
is_deeply($truth->agree('patterns and actions', publication_names => 'everything',
		pgoutput => { publication_names => 'inserts' },
		ours => { include_tables => 'public.*', actions => 'insert' }),
	[ map { ("insert public.$_ id='1' v='x'", "insert public.$_ id='2' v='y'") } 'a', 'b' ],
	'patterns and actions: what is left');

# What is done to publications counts from there on.
$etf->sql(q{INSERT INTO b VALUES (10, 'before');
	ALTER PUBLICATION only_a ADD TABLE b; INSERT INTO b VALUES (11, 'added');
	ALTER PUBLICATION only_a SET (publish = 'insert'); DELETE FROM b WHERE id = 11;
	ALTER PUBLICATION only_a DROP TABLE b; INSERT INTO b VALUES (12, 'dropped');
	ALTER PUBLICATION only_a SET TABLE app.a; INSERT INTO app.a VALUES (12, 'set');
	ALTER PUBLICATION only_a OWNER TO CURRENT_USER; INSERT INTO app.a VALUES (13, 'same');
	ALTER TABLE app.a RENAME TO z; INSERT INTO app.z VALUES (15, 'renamed table');
	ALTER TABLE app.z RENAME TO a;
	ALTER PUBLICATION only_a SET (publish = 'insert, update, delete, truncate');
	ALTER PUBLICATION only_a SET TABLE a});
is(scalar @{ $truth->agree('altered', publication_names => 'only_a') },
	4, 'altered: as many');

# A new name of a schema, which pgoutput does not notice on some versions.
$etf->sql(q{ALTER SCHEMA "Other" RENAME TO other; INSERT INTO other."T" VALUES (14);
	ALTER SCHEMA other RENAME TO "Other"; DELETE FROM "Other"."T"});
is_deeply([ grep { !/^tx/ } @{ $truth->ours(publication_names => '"B, quoted"') } ],
	[ "insert other.T Id='14' v=null", "delete Other.T key Id='14'" ],
	'the new name of a schema is told');
$truth->move_on;

# In a transaction, and undone in it.
$etf->sql(q{BEGIN; INSERT INTO b VALUES (20, 'before'); SAVEPOINT s;
	ALTER PUBLICATION only_a ADD TABLE b; INSERT INTO b VALUES (21, 'undone'); ROLLBACK TO s;
	INSERT INTO b VALUES (22, 'after'); ALTER PUBLICATION only_a ADD TABLE b;
	INSERT INTO b VALUES (23, 'added'); COMMIT; INSERT INTO b VALUES (24, 'still');
	ALTER PUBLICATION only_a DROP TABLE b; DELETE FROM b});
is(scalar @{ $truth->agree('in a transaction', publication_names => 'only_a') },
	2, 'in a transaction: as many');

# A publication of another session, while transactions are open: rows that come
# after it are there, where the server tells the open one of what others have
# changed.  Where it does not, what is known of the table stays as it was then.
my %tells_others = (13 => 22, 14 => 19, 15 => 14, 16 => 10, 17 => 6);
my $session = EtfSession->new($etf);

$session->sql('BEGIN; INSERT INTO b VALUES (30)');
$etf->sql('ALTER PUBLICATION only_a ADD TABLE b');
$session->sql('INSERT INTO b VALUES (31); COMMIT; INSERT INTO b VALUES (32)');
$session->quit;
$etf->sql('ALTER PUBLICATION only_a DROP TABLE b; DELETE FROM b');
my $beside = $truth->agree('added beside', publication_names => 'only_a');
SKIP:
{
	my $minor = $etf->sql('SHOW server_version_num') % 100;

	skip 'this minor version does not tell open transactions', 2
	  if $minor < ($tells_others{ $etf->version } // 0);
	is($beside->[-2], "insert public.b id='31' v=null", 'added beside: the open one');
	is($beside->[-1], "insert public.b id='32' v=null", 'added beside: the next transaction');
}

# One that is missing: pgoutput before 18 stops, ours warns and goes on, with
# what is published by others and from where it exists.
sub lines_and_warnings
{
	my (%option) = @_;
	my $offset = -s $etf->node->logfile;
	my $lines = [ grep { !/^tx / } @{ $truth->ours(%option) } ];
	my $log = substr slurp_file($etf->node->logfile), $offset;
	my @warnings = $log =~ /WARNING:\s+(.*)/g;

	$truth->move_on;
	return ($lines, \@warnings);
}

$etf->sql(q{INSERT INTO a VALUES (40); INSERT INTO b VALUES (40); INSERT INTO b VALUES (41);
	CREATE PUBLICATION late FOR TABLE b; INSERT INTO b VALUES (42);
	ALTER PUBLICATION late RENAME TO later; INSERT INTO b VALUES (43);
	ALTER PUBLICATION later RENAME TO late; INSERT INTO b VALUES (44);
	DROP PUBLICATION late; INSERT INTO b VALUES (45);
	CREATE PUBLICATION late FOR TABLE b; INSERT INTO b VALUES (46);
	DROP PUBLICATION late; DELETE FROM a; DELETE FROM b});
my ($lines, $warnings) = lines_and_warnings(publication_names => 'late, "Never", only_a');
is_deeply($lines, [ "insert public.a id='40' v=null",
		(map { "insert public.b id='$_' v=null" } 42, 44, 46),
		"delete public.a key id='40'" ],
	'what is published while there is a publication');
is_deeply([ sort @$warnings ], [ 'publication "Never" does not exist',
		'publication "late" does not exist' ], 'a warning for each name, once');

# A name is cut as everywhere in SQL.
my $long = 'x' x 63;
$etf->sql("CREATE PUBLICATION $long FOR TABLE a; INSERT INTO a VALUES (50); DELETE FROM a");
is(scalar @{ $truth->agree('a long name', publication_names => "${long}yz") }, 2,
	'a long name: as many');

# Lists of names are read as the server reads them: what pgoutput, given one
# name that does not exist, says of it.
my @lists = ('a1', ' a1', "a1\t,b1", "\n a1 ", 'A1', '"A1"', '"a""1"', '"a,1", b', '"a"1', 'a"1',
	'a""1', '"a', 'a,', ',a', 'a,,b', 'a b', '""', '"" , x', '"""', ' ', 'a.b', "\x{e4}\x{c4}",
	"a\x{a0}b", "a'1", 'a\\1', ('y' x 70), "\x{e4}" x 40, '"' . 'Z' x 64 . '"');

sub first_named
{
	my ($plugin, $list, @options) = @_;
	my $slot = $truth->copy($plugin);
	my $text = $list =~ s/'/''/gr;
	my (undef, undef, $error) = $etf->node->psql('postgres',
		"SELECT count(*) FROM pg_logical_slot_peek_binary_changes('$slot', NULL, NULL, "
		  . join(', ', map { "'$_'" } @options, 'publication_names', $text) . ')');

	$etf->drop_slot($slot);
	return $error =~ /publication "(.*)"(?: does not exist)?$/m ? $1 : 'malformed';
}

$etf->sql('INSERT INTO a VALUES (1); DELETE FROM a');
for my $list (map { utf8::encode(my $bytes = $_); $bytes } @lists)
{
	is(first_named('pg_etf_decoding', $list),
		first_named('pgoutput', $list, 'proto_version', 1), "the list <$list>");
}
$truth->move_on;

SKIP:
{
	skip 'no publications of schemas', 4 if $etf->version < 15;
	$etf->sql(q{CREATE PUBLICATION schemas FOR TABLES IN SCHEMA app;
		INSERT INTO app.a VALUES (60); INSERT INTO a VALUES (60);
		CREATE TABLE app.new (id int PRIMARY KEY); INSERT INTO app.new VALUES (61);
		ALTER TABLE app.new SET SCHEMA public; INSERT INTO new VALUES (62);
		ALTER TABLE new SET SCHEMA app; INSERT INTO app.new VALUES (63);
		ALTER PUBLICATION schemas ADD TABLE a; INSERT INTO a VALUES (64);
		ALTER PUBLICATION schemas DROP TABLES IN SCHEMA app; INSERT INTO app.a VALUES (65);
		ALTER PUBLICATION schemas ADD TABLES IN SCHEMA "Other";
		INSERT INTO "Other"."T" VALUES (66);
		DROP TABLE app.new});
	is(scalar @{ $truth->agree('schemas', publication_names => 'schemas') }, 5,
		'schemas: as many');
	$etf->sql(q{ALTER PUBLICATION schemas SET TABLES IN SCHEMA app;
		INSERT INTO app.a VALUES (70); DROP SCHEMA app CASCADE; INSERT INTO a VALUES (70);
		ALTER PUBLICATION schemas ADD TABLES IN SCHEMA CURRENT_SCHEMA; INSERT INTO a VALUES (71)});
	is(scalar @{ $truth->agree('a schema that is dropped',
			publication_names => 'schemas') }, 2, 'a schema that is dropped: as many');
}

$etf->stop;
done_testing();
