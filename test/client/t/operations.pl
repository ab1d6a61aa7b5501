# What docs/operations.md and docs/security.md tell people to do, done.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $operations = slurp_file('docs/operations.md');
my $security = slurp_file('docs/security.md');
my @credit = (credit_events => 100000, credit_bytes => 100000000);

# Classes: number => name, from a table in Markdown or in --help.
sub classes
{
	my ($text, $line) = @_;

	return { map { /$line/ ? ($1 => $2) : () } split /\n/, $text };
}

my ($help) = run_command([ $ENV{ETF_CLIENT}, '--help' ]);
my $classes = classes($help =~ s/.*Exit status:\n//sr, qr/^ +(\d+)  (\w+) +\w/);
delete $classes->{0};
cmp_ok(scalar keys %$classes, '>=', 15, 'there are classes');
is_deeply(classes($operations, qr/^\| (\d+) \| `(\w+)` \| \S.* \| \S.* \|$/),
	$classes, 'operations.md has each class, and what to do');
is_deeply(
	classes(slurp_file('docs/port.md'), qr/^\| (\d+) \| `(\w+)` \| \w.* \|$/),
	$classes, 'port.md has each class');

# Names of settings, from --help and from the first column of a table.
my ($listed) = $help =~ /^Settings.*?:\n(.*?)\n\n/ms;
my ($table_of_settings) =
  slurp_file('docs/port.md') =~ /^### Settings\n(.*?)^## /ms;
is_deeply(
	[ sort map { tr/-/_/r } $listed =~ /^ +(?:-\w, )?--([a-z-]+)/mg ],
	[ sort grep { !/^(connection|options)$/ } map { /`(\w+)`/g }
		  $table_of_settings =~ /^\| (`[^|]*) \|/mg ],
	'port.md and --help have the same settings');
my $error = slurp_file("$ENV{ETF_DRIVER}/error.ex");
is_deeply(classes($error, qr/^ +(\d+) => :(\w+),?$/), $classes,
	'PgEtf.Error knows each exit status');
my ($table) = $error =~ /\| class \|.*?\n(.*?)"""/s;
is_deeply([ grep { $table !~ /^ +\|[^|]*`:$_`[^|]*\| \S.* \|$/m }
	  sort values %$classes ], [], 'and documents each class');

# The role, made as the document says, with the lines for pg_hba.conf.
my $etf = EtfTest->new('operations', conf => 'wal_sender_timeout = 60s');
my $node = $etf->node;
my ($role) = $security =~ /<!-- run: role -->\n```sql\n(.*?)```/s;
my ($hba) = $security =~ /<!-- run: hba -->\n```\n(.*?)```/s;

ok($role && $hba, 'security.md has the role and its lines');
$etf->sql('CREATE DATABASE shop');
$role =~ s/'\.\.\.'/'open sesame'/;
$etf->sql("SET password_encryption = 'scram-sha-256'; $role", 'shop');
$etf->sql('CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher');
$etf->sql('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other ()', 'shop');
$hba =~ s/^hostssl(\s+\S+\s+\S+)\s+\S+/local$1/mg;
my $old_hba = slurp_file($node->data_dir . '/pg_hba.conf');
$etf->write_text($node->data_dir . '/pg_hba.conf',
	"$hba\n" . join '', grep { !/\ball\b.*\breject/ }
	  map { "$_\n" } split /\n/, $old_hba);
$node->reload;
$etf->sql('SELECT pg_sleep(0.2)');

my $conninfo = $node->connstr('shop') . ' user=cdc';
my @client = (
	conninfo => qq{<<"$conninfo">>},
	connection => '#{password => <<"open sesame">>}');
local $ENV{PGPASSWORD} = 'open sesame';

sub as_cdc
{
	my (@args) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([@args], '<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout(60));
	return ($? >> 8, $out, $err);
}

sub psql_as_cdc
{
	my ($sql, $extra) = @_;

	return as_cdc('psql', '-XqAt', '-d', $conninfo . ($extra // ''), '-c', $sql);
}

subtest 'the role can do what it is for' => sub {
	is($etf->sql(q{SELECT rolsuper OR rolcreaterole OR rolcreatedb OR
			rolbypassrls FROM pg_roles WHERE rolname = 'cdc'}), 'f',
		'it is no superuser');
	my ($status, $out, $err) = as_cdc($ENV{ETF_CLIENT}, '--dbname', $conninfo,
		'--slot', 's', '--create-slot');
	is($status, 0, 'make a slot') or diag $err;

	my $client = EtfClient->start($node, @credit, @client);
	$client->expect(qr/^\{status,connected/, 'stream');
	$etf->sql('INSERT INTO t VALUES (1)', 'shop');
	$client->expect(qr/^\{frame,.*\[1\]/, 'a row of a table of somebody else');
	ok($node->poll_query_until('postgres', 'SELECT count(*) = 2 FROM '
			  . "pg_stat_activity WHERE usename = 'cdc'"),
		'a control connection is there');
	$client->silent(qr/^\{log,warning/, 1, 'nothing to complain of');
	cmp_ok($client->stat('retained_bytes') // 0, '>', 0,
		'it sees what the slot keeps');
	my ($pid) = $etf->sql('SELECT active_pid FROM pg_replication_slots');
	($status, $out) =
	  as_cdc($ENV{ETF_CLIENT}, '--dbname', $conninfo, '--status');
	is($status, 0, '--status, without pg_monitor');
	like($out, qr/^s +shop .* $pid +- +logical +- *$/m, 'with all columns');
	$client->say('ack');
	is($client->stop, 0, 'stop, with the position confirmed');
	$client->quit;
	($status) = as_cdc($ENV{ETF_CLIENT}, '--dbname', $conninfo, '--slot', 's',
		'--drop-slot');
	is($status, 0, 'drop the slot');
};

subtest 'and no more' => sub {
	my ($status, $out, $err) = psql_as_cdc('SELECT * FROM t');
	like($err, qr/permission denied/, 'not read a table');
	($status, $out, $err) = psql_as_cdc('IDENTIFY_SYSTEM', ' replication=true');
	like($err, qr/no pg_hba.conf entry for replication|pg_hba.conf rejects/,
		'not copy the whole cluster');
	($status, $out, $err) = as_cdc('psql', '-XqAt', '-c', 'SELECT 1', '-d',
		$node->connstr('postgres') . ' user=cdc');
	like($err, qr/pg_hba.conf/, 'not reach another database');
  SKIP:
	{
		skip 'this server lets every plugin in', 1
		  unless EtfTest::server_gate();
		($status, $out, $err) =
		  psql_as_cdc('SET output_plugin_libraries = anything');
		like($err, qr/permission denied/, 'not let other plugins in');
	}
};

# The queries, each by the role that it is said to need.
subtest 'queries of operations.md' => sub {
	my @queries =
	  $operations =~ /<!-- run: (\w+) (\d+) -->\n```sql\n(.*?)```/sg;
	my %user = (monitor => 'watcher', admin => undef);
	my $number = 0;

	my @fenced = $operations =~ /^```sql$/mg;
	cmp_ok(@queries / 3, '>=', 6, 'there are some');
	cmp_ok(@fenced - @queries / 3, '<=', 1, 'hardly one that is not run');
	$etf->slot('s', 'shop');
	my $client = EtfClient->start($node, @credit, @client);
	$client->expect(qr/^\{status,connected/, 'a stream is there');
	while (my ($role, $since, $sql) = splice @queries, 0, 3)
	{
		$number++;
		next if $etf->version < $since;
		my ($out, $err);
		my $conn = $node->connstr('postgres');

		$conn .= " user=$user{$role}" if $user{$role};
		IPC::Run::run([ 'psql', '-XqA', '-v', 'ON_ERROR_STOP=1', '-d', $conn ],
			'<', \$sql, '>', \$out, '2>', \$err);
		is($err, '', "query $number runs");
		like($out, qr/^\(\d+ rows?\)$/m, 'and answers');
		like($out, qr/^s\|t\|\d+\|\d+\|\d+\|reserved\|/m,
			'the slots: with the numbers') if $sql =~ /safe_wal_size/;
		like($out, qr/^[^|]+\|streaming\|[^|]+\|[\d.]+\|/m,
			'the streams: with the numbers') if $sql =~ /reply_time/;
	}
	is($client->stop, 0, 'stop');
	$client->quit;
};

# A new library is for new sessions; a stream goes on with the old one.
subtest 'the library is replaced while it streams' => sub {
	my ($dir) = run_command([ 'pg_config', '--pkglibdir' ]);
	my $library = "$dir/pg_etf_decoding.so";
	my $client = EtfClient->start($node, @credit, @client);

	plan skip_all => 'this library is not ours to replace'
	  unless -o $library && !-l $library;
	$client->expect(qr/^\{status,connected/, 'a stream is there');
	system_or_bail('install', '-m', '755', $library, "$library.new");
	system_or_bail('install', '-m', '755', "$library.new", $library);
	$etf->sql('INSERT INTO t VALUES (2)', 'shop');
	$client->expect(qr/^\{frame,.*\[2\]/, 'it goes on');
	$etf->sql('SELECT pg_terminate_backend(active_pid) FROM '
		  . 'pg_replication_slots WHERE active');
	$client->expect(qr/^\{status,connected/, 'another session');
	$etf->sql('INSERT INTO t VALUES (3)', 'shop');
	$client->expect(qr/^\{frame,.*\[3\]/, 'with the new one');
	$client->say('ack');
	is($client->stop, 0, 'stop');
	$client->quit;
};

# The trap: with a logical slot a server needs the wal_level for it.  19 does
# with replica.
subtest 'uninstall' => sub {
	my ($drop) = $operations =~ /<!-- run: uninstall -->\s+```sql\n(.*?)```/s;
	my $slots = 'SELECT count(*) FROM pg_replication_slots';
	my $low = $etf->version < 19 ? 'replica' : 'minimal';

	ok($drop, 'the document has the statement');
	cmp_ok($etf->sql($slots), '>', 0, 'there is a slot');
	$node->append_conf('postgresql.conf',
		"wal_level = $low\nmax_wal_senders = 0");
	$node->stop;
	ok(!$node->start(fail_ok => 1), 'so the server does not start');
	like(slurp_file($node->logfile),
		qr/logical replication slot "s" exists, but "?wal_level"? < /,
		'and says so');
	$node->append_conf('postgresql.conf', 'wal_level = logical');
	$node->start;
	$etf->sql($drop);
	is($etf->sql($slots), 0, 'the statement drops the slots');
	$node->append_conf('postgresql.conf', "wal_level = $low");
	$node->restart;
	is($etf->sql('SHOW wal_level'), $low, 'then it does');
};

$etf->stop;
done_testing();
