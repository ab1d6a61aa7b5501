# --check: what makes a first day fail is found, with what to do.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfCommand;
use EtfStandby;
use EtfTest;
use FakeServer;
use IPC::Run;
use Test::More;

my $etf = EtfTest->new('check', conf => 'max_slot_wal_keep_size = 1GB');
my $node = $etf->node;
my @client = ($ENV{ETF_CLIENT}, '-d', $node->connstr('postgres'), '--check');

# Its status, its lines by name, and stderr.
sub check
{
	my ($status, $out, $err) = EtfCommand::run(@client, @_);

	return ($status, $out, $err);
}

sub finds
{
	my ($words, $status, @lines) = @_;
	my ($found, $out, $err) = check(@$words);

	is($found, $status, "status of @$words") or diag $out, $err;
	like($out, $_, 'says') for @lines;
	unlike($out, qr/^(?!ok |warning |error )/m, 'a level in each line');
	return $out;
}

subtest 'a server that is ready' => sub {
	my $out = finds([], 0, qr/^ok +server: PostgreSQL \d+\S*, primary, database postgres/m,
		qr/^ok +wal_level: logical$/m, qr/^ok +max_slot_wal_keep_size: 1GB$/m,
		qr/^ok +replication connection: accepted$/m,
		qr/^ok +plugin: a slot of pg_etf_decoding can be created$/m,
		qr/^ok +tables: none yet$/m);

	unlike($out, qr/^(?:error|warning)/m, 'nothing else to say');
	is($etf->sql('SELECT count(*) FROM pg_replication_slots'), 0, 'nothing left behind');
};

subtest 'a connection string on stdin' => sub {
	my $in = $node->connstr('postgres') . "\n";
	my ($out, $err) = ('', '');

	IPC::Run::run([ $ENV{ETF_CLIENT}, '-d', '-', '--check' ], '<', \$in, '>', \$out,
		'2>', \$err);
	is($? >> 8, 0, 'taken') or diag $err;
	like($out, qr/database postgres/, 'and used');
	for my $bad ('', 'x' x 9000)
	{
		IPC::Run::run([ $ENV{ETF_CLIENT}, '-d', '-', '--check' ], '<', \$bad, '>',
			\$out, '2>', \$err);
		is($? >> 8, 2, 'none, or too long a one, is refused');
		like($err, qr/on stdin/, 'and told why');
	}
};

subtest 'tables, patterns and publications' => sub {
	$etf->sql(q{CREATE TABLE keyed (id int PRIMARY KEY); CREATE TABLE log (line text);
		CREATE TABLE full_row (line text); ALTER TABLE full_row REPLICA IDENTITY FULL;
		CREATE UNLOGGED TABLE scratch (line text);
		CREATE PUBLICATION p FOR TABLE keyed; CREATE PUBLICATION q FOR TABLE log});
	finds([], 0, qr/^warning +tables: 1 of 3 have no replica identity: public\.log\. .*REPLICA IDENTITY FULL/m);
	finds([ '--tables=public.keyed,public.f*' ], 0,
		qr/^ok +tables: 2, each with a replica identity$/m);
	finds([ '--tables=public.keyed,shop.*' ], 0,
		qr/^warning +patterns: "shop\.\*" matches no table\. /m);
	finds([ '-o', 'exclude_columns=public.keyed.id, *.keyed.idd', '-o',
			'mask_columns=public.log.line:fixed(a.b,c),public.log.lines:null' ], 0,
		qr/^warning +patterns: "\*\.keyed\.idd" of exclude_columns matches no column\. /m,
		qr/^warning +patterns: "public\.log\.lines" of mask_columns matches no column\. /m);
	finds([ '-o', 'publication_names=p', '--tables=public.keyed,public.log' ], 0,
		qr/^ok +publications: all of them exist$/m,
		qr/^warning +published tables: include_tables matches 1 table\(s\) that no publication has: public\.log/m);
	finds([ '-o', 'publication_names=q' ], 0,
		qr/^warning +published tables: updates and deletes fail on the server in 1 .*: public\.log/m);
	finds([ '-o', 'publication_names=nosuch,p' ], 3,
		qr/^error +publications: missing: nosuch\. Run CREATE PUBLICATION nosuch /m);
	my ($status, $out, $err) = check('--tables=keyed');
	is($status, 2, 'a pattern without a schema is refused');
	like($err, qr/did you mean "public\.keyed"/, 'and corrected');
};

# As a stream would make it, without leaving anything.
subtest 'a publication that is to be made' => sub {
	my @make = ('--create-publication', '-o', 'publication_names=made', '--tables=public.*');
	my $long = 'n' x 56;

	my $out = finds([@make], 0, qr/^ok +publications: the first can be created, for 3 table\(s\)$/m);
	unlike($out, qr/^(?:error|warning) +publi/m, 'nothing else to say');
	finds([ @make, '-o', "publication_names=$long" ], 3,
		qr/^error +publications: create_publication: a name may have at most 55 bytes/m);
	finds([ @make, '-o', 'publication_names=made, nosuch' ], 3,
		qr/^error +publications: there is no publication nosuch\. Run/m);
	finds([ @make, '--tables=shop.*' ], 3,
		qr/^error +publications: create_publication: no table can be published that matches "shop\.\*"/m);
	my ($status, undef, $err) = check('--create-publication', '--tables=public.*');
	is($status, 2, 'one without a name');
	like($err, qr/the first of publication_names, and there is none/, 'is refused');
	finds([ @make, '-o', 'publication_names=p' ], 0, qr/^ok +publications: all of them exist$/m);
	$etf->slot('early');
	finds([ @make, '-S', 'early' ], 3, qr/^error +publications: missing: made\. .*before the slot/m);
	$etf->drop_slot('early');
	$etf->sql('CREATE ROLE cdc LOGIN REPLICATION');
	finds([ @make, '-U', 'cdc' ], 3,
		qr/^error +publications: permission denied for database .*needs CREATE on the database/m);
	$etf->sql('GRANT CREATE ON DATABASE postgres TO cdc');
	finds([ @make, '-U', 'cdc' ], 3, qr/^error +publications: must be owner of table/m);
	$etf->sql('REVOKE CREATE ON DATABASE postgres FROM cdc; DROP ROLE cdc');
	$etf->sql('BEGIN; LOCK TABLE keyed; '
		  . q{SELECT pg_logical_emit_message(true, '', ''); PREPARE TRANSACTION 'locked'});
	finds([@make], 0, qr/^warning +publications: canceling statement due to lock timeout\. A table/m);
	$etf->sql(q{ROLLBACK PREPARED 'locked'});
	is($etf->sql(q{SELECT count(*) FROM pg_publication WHERE pubname ~ 'made|nnn'}), 0,
		'nothing left behind');
};

subtest 'the slot' => sub {
	finds([ '-S', $_ ], 3, qr/^error +slot: "\Q$_\E" is no name of a slot\. Use lower-case/m)
	  for 'Audit', "a'b", 'x' x 64;
	finds([ '-S', 's' ], 0, qr/^ok +slot: "s" does not exist yet \(--create-slot/m);
	$etf->slot('s');
	finds([ '-S', 's' ], 0,
		qr/^ok +slot: "s", plugin pg_etf_decoding, database postgres, nobody reads it$/m);
	$etf->sql(q{SELECT pg_create_physical_replication_slot('p');
		SELECT pg_create_logical_replication_slot('t', 'test_decoding');
		CREATE DATABASE other});
	finds([ '-S', 'p' ], 8, qr/^error +slot: "p" is a physical slot\. Use another name/m);
	finds([ '-S', 't' ], 8, qr/^error +slot: "t", plugin test_decoding, .*Use another name/m);
	finds([ '-S', 's', '-d', $node->connstr('other') ],
		8, qr/^error +slot: .*database postgres.*connect to that database/m);
	$etf->sql(q{SELECT pg_create_logical_replication_slot('of_pgoutput', 'pgoutput')});
	my @theirs = ('-S', 'of_pgoutput', '-o', 'publication_names=p');
	my $out = finds(\@theirs, 0, qr/^ok +plugin: a slot of pgoutput can be created$/m);
	unlike($out, qr/pg_etf_decoding/, 'the slot decides, nothing else is tried');
	finds([ @theirs, '-P', 'pg_etf_decoding' ], 8,
		qr/^error +slot: the slot was created with plugin "pgoutput"/m);
	finds([ '-S', 's', '-P', 'pgoutput', '-o', 'publication_names=p' ], 8,
		qr/^error +slot: the slot was created with plugin "pg_etf_decoding"/m,
		qr/^ok +plugin: a slot of pg_etf_decoding/m);
	$etf->drop_slot('of_pgoutput');
	$etf->sql('SELECT pg_switch_wal(), pg_logical_emit_message(true, $$$$, $$$$)') for 1 .. 8;
	finds([ '-S', 's' ], 0,
		qr/^warning +other slots: "t" keeps \d+ MB\. Nobody reads them: /m);
	finds([], 0, qr/^warning +other slots: "s" keeps \d+ MB, "t" keeps \d+ MB\. /m);
	my @reader = ($ENV{ETF_CLIENT}, '-d', $node->connstr('postgres'), '-S', 's', '--json');
	my ($in, $log) = ('', '');
	my $run = IPC::Run::start(\@reader, '<', \$in, '>', '/dev/null', '2>', \$log);
	$node->poll_query_until('postgres',
		q{SELECT active FROM pg_replication_slots WHERE slot_name = 's'});
	finds([ '-S', 's' ], 0, qr/^warning +slot: "s", .*, read by PID \d+\. Only one process/m);
	$run->signal('TERM');
	$run->finish;
	$etf->sql(q{SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
		WHERE slot_name <> 's'});
};

subtest 'a slot that is lost' => sub {
	set('max_slot_wal_keep_size = 16MB');
	$etf->sql('SELECT pg_switch_wal(), pg_logical_emit_message(true, $$$$, $$$$)') for 1 .. 4;
	$etf->sql('CHECKPOINT');
	finds([ '-S', 's' ], 7, qr/^error +slot: "s", .*(?:lost|wal_removed)\. Drop it and create it again/m);
	set('max_slot_wal_keep_size = 1GB');
	$etf->drop_slot('s');
	$etf->slot('s');
};

subtest 'what a database is like' => sub {
	$etf->sql(q{CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0});
	finds([ '-d', $node->connstr('bytes') ], 0, qr/^warning +encoding: SQL_ASCII\. Text/m);
	$etf->sql(q{UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'pg_etf_decoding'});
	finds([], 0, qr/^warning +extension: .* version 0\.9, .*ALTER EXTENSION pg_etf_decoding UPDATE\.$/m);
	$etf->sql(q{UPDATE pg_extension SET extversion = (SELECT default_version
		FROM pg_available_extensions AS a WHERE a.name = extname)
		WHERE extname = 'pg_etf_decoding'});
};

subtest 'a standby that would lose the slot' => sub {
	$etf->sql(q{SELECT pg_create_physical_replication_slot('standby')});
	if ($etf->version < 17)
	{
		finds([ '-S', 's' ], 0,
			qr/^warning +failover: the standby of slot standby will not have the slots\. Before/m);
	}
	else
	{
		finds([ '-S', 's' ], 0,
			qr/^warning +failover: the standby of slot standby will not .*--failover/m);
		finds([ '-S', 'new', '--failover' ], 0,
			qr/^warning +failover: .*ALTER SYSTEM SET synchronized_standby_slots = 'standby'/m);
		set(q{synchronized_standby_slots = 'standby'});
		finds([ '-S', 'new', '--failover' ], 0,
			qr/^ok +failover: the standbys are waited for$/m);
		set(q{synchronized_standby_slots = ''});
	}
	$etf->sql(q{SELECT pg_drop_replication_slot('standby')});
};

subtest 'on a standby' => sub {
	my $standby = EtfStandby->new($node, 'stands_by', conf => 'hot_standby_feedback = off');
	my @here = ('-d', $standby->connstr('postgres'), '--connect-timeout=3s');

	if ($etf->version < 16)
	{
		finds([@here], 3, qr/^error +server: .*, a standby, .*Connect to the primary/m);
	}
	else
	{
		finds([@here], 0, qr/^warning +standby: hot_standby_feedback off, .*Set both/m);
		finds([ @here, '--create-publication', '-o', 'publication_names=made', '--tables=public.*' ],
			3, qr/^error +publications: .*read-only transaction\. .*primary: create it there/m);
	}
	$standby->stop('immediate');
	$etf->sql(q{SELECT pg_drop_replication_slot('stands_by')});
};

sub set
{
	$node->append_conf('postgresql.conf', $_) for @_;
	$node->reload;
	my ($name, $value) = $_[-1] =~ /^(\S+) = '?(.*?)'?$/;
	$node->poll_query_until('postgres', "SELECT current_setting('$name') = '$value'")
	  or die "$name is not set";
	return;
}

subtest 'settings that are reloaded' => sub {
	set('max_slot_wal_keep_size = -1');
	finds([], 0, qr/^warning +max_slot_wal_keep_size: no limit\. .*'50GB', then reload\.$/m);
	set('max_slot_wal_keep_size = 1GB', 'wal_sender_timeout = 0');
	finds([], 0, qr/^warning +wal_sender_timeout: off\. .*holds its slot/m);
	set('wal_sender_timeout = 1s');
	finds([], 0, qr/^warning +wal_sender_timeout: 1s\. A pause/m);
	set('wal_sender_timeout = 1min');
	if ($etf->version >= 18)
	{
		set('idle_replication_slot_timeout = 1h');
		finds([], 0, qr/^warning +idle_replication_slot_timeout: 1h\. A slot/m);
		set('idle_replication_slot_timeout = 0');
	}
	finds(['--two-phase'], 0, qr/^ok +max_prepared_transactions: 10$/m)
	  if $etf->version >= 14;
};

subtest 'roles' => sub {
	$etf->sql('CREATE ROLE app LOGIN; CREATE ROLE cdc LOGIN REPLICATION');
	my $out = finds([ '-U', 'app' ], 4,
		qr/^error +replication connection: .*ALTER ROLE "app" REPLICATION\.$/m,
		qr/^error +plugin: .*ALTER ROLE "app" REPLICATION\.$/m);
	is(scalar(my @errors = $out =~ /^error/mg), 2, 'it may ask everything else');
	finds([ '-U', 'cdc' ], 0, qr/^ok +plugin/m);
	my ($status, $lines, $err) = check('-d', $node->connstr('nosuch'));
	is($status, 3, 'no connection, no check');
	like($err, qr/database "nosuch" does not exist/, 'but a reason');
	is($lines, '', 'alone');
};

subtest 'what pgoutput cannot do' => sub {
	finds(['--plugin=pgoutput'], 3,
		qr/^error +plugin: no publication is named\. Run CREATE PUBLICATION name .* name it/m);
	finds([ '--plugin=pgoutput', '-S', 'new' ], 3,
		qr/^error +plugin: slot "new" is one of pgoutput, and no publication is named/m);
	finds([ '--plugin=pgoutput', '-o', 'publication_names=p', '--two-phase' ], 3,
		qr/^error +plugin: two_phase is not possible with pgoutput\. It needs the plugin/m)
	  if $etf->version >= 14;
	finds([ '--plugin=pgoutput', '-o', 'publication_names=p' ], 0, qr/^ok +plugin/m);
};

subtest 'options of the plugin' => sub {
	my @pgoutput = ('--plugin=pgoutput', '-o', 'publication_names=p');

	finds([ '-o', 'rows=map', '-o', 'publication_names=p' ], 0, qr/^ok +options: accepted$/m);
	unlike(finds([], 0), qr/^\w+ +options/m, 'none, nothing to say');
	finds([ '-o', 'rows=maps' ], 3,
		qr/^error +options: invalid value for option "rows": "maps"\. Valid values are: /m);
	finds([ '-o', 'nosuch=1' ], 3, qr/^error +options: unrecognized option "nosuch"\. Valid/m);
	finds([ @pgoutput, '-o', 'rows=map' ], 0, qr/^ok +options: accepted$/m);
	finds([ @pgoutput, '-o', 'rows=maps' ], 3,
		qr/^error +options: invalid value for option "rows": "maps"\. Valid values are: /m);
	finds([ @pgoutput, '-o', 'skip_unchanged' ], 3,
		qr/^error +options: skip_unchanged is not possible with pgoutput\. It needs the plugin/m);
};

subtest 'what a snapshot would read' => sub {
	my @pgoutput = ('--plugin=pgoutput', '-o', 'publication_names=p,q');
	my $unreadable = qr/^error +snapshot: tables that cannot be read: public\.keyed \(no SELECT/m;

	unlike(finds([], 0), qr/^\w+ +snapshot/m, 'none is asked for');
	finds([ '--snapshot', '-U', 'cdc' ], 3, $unreadable, qr/\. GRANT SELECT on them/);
	finds([ '--snapshot=only', @pgoutput, '-U', 'cdc' ], 3, $unreadable);
	$etf->sql('GRANT SELECT ON keyed TO cdc');
	finds([ '--snapshot', '-U', 'cdc', '--tables=public.keyed' ], 0,
		qr/^ok +snapshot: 1 table\(s\) can be read$/m);
	finds([ '--snapshot', @pgoutput, '-U', 'cdc', '--tables=public.keyed' ], 0,
		qr/^ok +snapshot: 1 table\(s\) can be read$/m);
	finds([ '--snapshot', @pgoutput ], 0, qr/^ok +snapshot: 2 table\(s\) can be read$/m);
	finds([ '--snapshot', '-d', $node->connstr('other') ], 3,
		qr/^error +snapshot: the extension .* is not in this database.*CREATE EXTENSION/m);
	$etf->sql('REVOKE SELECT ON keyed FROM cdc');
};

# Where a plugin can be forbidden.
subtest 'a plugin that may not be used' => sub {
	plan skip_all => 'any plugin may' if EtfTest::server_gate() eq '';
	set('output_plugin_libraries = pgoutput');
	finds([], 9, qr/^error +plugin: .*ALTER SYSTEM SET output_plugin_libraries.*pg_etf_decoding; or, where nothing can be installed: .*CREATE PUBLICATION/m);
	finds([ '-o', 'publication_names=p' ], 0,
		qr/^warning +plugin: .* pgoutput is used instead\.$/m,
		qr/^ok +plugin: a slot of pgoutput can be created$/m);
	finds([ '-o', 'publication_names=p', '-P', 'pg_etf_decoding' ], 9, qr/^error +plugin/m);
	$node->append_conf('postgresql.conf', EtfTest::server_gate());
	$node->reload;
};

# As from something that speaks the protocol, and is no PostgreSQL.
sub answer_all
{
	my ($handle) = @_;

	$handle->syswrite(message('R', pack('N', 0))
		  . message('S', "server_version\0" . "15.20\0") . message('Z', 'I'));
	for (;;)
	{
		my (undef, $length) = unpack 'aN', FakeServer::get($handle, 5);

		FakeServer::get($handle, $length - 4);
		$handle->syswrite(answer(x => undef));
	}
}

subtest 'answers to other questions' => sub {
	my $server = FakeServer->new(startup => \&answer_all);
	my @to = ($ENV{ETF_CLIENT}, '-d', $server->connstr);

	finds([ '-d', $server->connstr ], 3,
		qr/^error +server: this is no answer to what was asked\. Connect to the server itself/m);
	for my $format ('table', 'json', 'prometheus')
	{
		my ($status, undef, $err) = EtfCommand::run(@to, "--status=$format");

		is($status, 3, 'nor is it a status');
		like($err, qr/no answer to what was asked/, 'which is told');
	}
};

subtest 'a slot that has to wait' => sub {
	$etf->sql(q{BEGIN; CREATE TABLE held (); PREPARE TRANSACTION 'held'});
	finds([ '--connect-timeout=1s' ], 0,
		qr/^warning +plugin: it takes long to create a slot\. .*pg_stat_activity/m);
	$etf->sql(q{ROLLBACK PREPARED 'held'});
};

subtest 'settings that need a restart' => sub {
	$etf->drop_slot('s');
	$node->append_conf('postgresql.conf', $_)
	  for 'wal_level = replica', 'max_replication_slots = 1', 'max_wal_senders = 1';
	$node->restart;
	if ($etf->version < 19)
	{
		finds([], 3, qr/^error +wal_level: replica\. Set wal_level = logical .*restart/m,
			qr/^error +plugin: .*wal_level/m);
		$node->append_conf('postgresql.conf', 'wal_level = logical');
		$node->reload;
		$node->poll_query_until('postgres', q{SELECT pending_restart
			FROM pg_settings WHERE name = 'wal_level'});
		finds([], 3, qr/^error +wal_level: replica\. It was changed, .*is restarted/m);
		$node->restart;
	}
	finds([], 0, qr/^ok +plugin/m, qr/^warning +max_wal_senders: 0 of 1 in use\./m);
	$etf->slot('s');
	finds([], 3, qr/^error +max_replication_slots: 1 of 1 in use\. Raise/m);
	finds([ '-S', 's' ], 0, qr/^ok +max_replication_slots: 1 of 1/m,
		qr/^warning +plugin: all replication slots are in use/m);
	$etf->drop_slot('s');
};

done_testing();
