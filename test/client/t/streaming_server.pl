# Transactions in progress of a real server: however they come, they are the
# same.  As pgoutput_streaming.pl, a link, this reads those of pgoutput.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfCommand;
use EtfCutter;
use EtfSession;
use EtfStreams;
use EtfTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

$SIG{PIPE} = 'IGNORE';

my $pgoutput = $FindBin::Script =~ /^pgoutput/;
my @plugin = $pgoutput ? ('-opublication_names=everything') : ('--control=off');
my $etf = EtfTest->new($pgoutput ? 'pgoutput_streaming' : 'streaming',
	conf => "logical_decoding_work_mem = 64kB\nmax_replication_slots = 30");
my $node = $etf->node;

if ($etf->version < 14)
{
	my ($status, undef, $err) = EtfCommand::run($ENV{ETF_CLIENT}, '--dbname',
		$node->connstr('postgres'), '--temporary', '--streaming');

	is($status, 3, 'PostgreSQL 13 cannot');
	like($err, qr/streaming needs PostgreSQL 14/, 'and it says so');
	done_testing();
	exit;
}

my $dir = PostgreSQL::Test::Utils::tempdir();
my $copies = 0;

$etf->sql('CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE u (a int);
	CREATE SEQUENCE n; ALTER TABLE u REPLICA IDENTITY FULL');

# More rows than the server keeps in memory.
sub rows
{
	my ($count) = @_;

	return "INSERT INTO t SELECT nextval('n'), repeat('x', 500) FROM generate_series(1, $count);";
}

# Read a copy of the slot to its end: what is printed, and said.
sub read_copy
{
	my ($end, @options) = @_;
	my $slot = 'copy' . ++$copies;
	my ($out, $err) = ('', '');

	$etf->sql("SELECT pg_copy_logical_replication_slot('s', '$slot')");
	IPC::Run::run([ @options && $options[0] eq 'unshare' ? splice(@options, 0, 6) : (),
			$ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'),
			'--slot', $slot, @plugin, '--endpos', $end, '--print=json',
			'--transactions', '-oframe_bytes=4096', '-omessages=on', @options ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(300));
	$etf->sql("SELECT pg_drop_replication_slot('$slot')");
	# pgoutput tells the end of what it streamed, of others with their last frame.
	$out =~ s/"end_lsn":(?:null|"[^"]*")/"end_lsn":0/g if $pgoutput;
	return wantarray ? ($out, $err) : $out;
}

# Lines that a lost connection repeats are the same, and told by their places.
sub without_repeats
{
	my %seen;

	return join '', grep { !$seen{$_}++ } split /^/m, $_[0];
}

# Of a long text only the first line that differs is of interest.
sub same_lines
{
	my ($got, $expected, $name) = @_;
	my @got = split /^/m, $got;
	my @expected = split /^/m, $expected;
	my $at = 0;

	return if ok($got eq $expected, $name);
	$at++ while ($got[$at] // '') eq ($expected[$at] // '');
	diag "line $at of @{[scalar @got]}: ", $got[$at] // '(none)', "\nof ",
	  scalar(@expected), ': ', $expected[$at] // '(none)';
	return;
}

sub is_same
{
	my ($end, $name) = @_;
	my $whole = read_copy($end);
	my ($streamed, $err) =
	  read_copy($end, '--streaming', "--spool-dir=$dir", '--stats-interval=1h', '--verbose');
	my ($streams) = $err =~ /"streams":(\d+)/;

	cmp_ok($streams // 0, '>', 0, "$name: it is streamed") or diag $err;
	same_lines($streamed, $whole, "$name: and is the same");
	is_deeply([ glob "$dir/*" ], [], "$name: no file is left");
	return $whole;
}

if ($pgoutput)
{
	$etf->sql('CREATE PUBLICATION everything FOR ALL TABLES');
	$etf->sql("SELECT pg_create_logical_replication_slot('s', 'pgoutput')");
}
else
{
	$etf->slot('s');
}

subtest 'savepoints' => sub {
	$etf->sql('BEGIN;' . rows(300)
		  . 'SAVEPOINT a;' . rows(200) . 'UPDATE t SET v = v WHERE id % 3 = 0;'
		  . 'SAVEPOINT b;' . rows(200) . 'ROLLBACK TO b;' . rows(50)
		  . 'SAVEPOINT c;' . rows(200) . 'RELEASE c; INSERT INTO u VALUES (1);'
		  . 'ROLLBACK TO a;' . rows(100)
		  . "SELECT pg_logical_emit_message(true, 'kept', 'm');"
		  . 'SAVEPOINT d; DELETE FROM t WHERE id < 50;'
		  . "SELECT pg_logical_emit_message(true, 'lost', 'm');"
		  . 'SAVEPOINT e;' . rows(200) . 'ROLLBACK TO d; TRUNCATE u;' . rows(100)
		  . 'COMMIT');
	my $end = $etf->end_of_wal;
	my $whole = is_same($end, 'one transaction');
	my $rows = () = $whole =~ /"op":"insert"/g;

	is($rows, 500, 'without what was rolled back');
	like($whole, qr/"prefix":"kept"/, 'with the message that was kept');
	unlike($whole, qr/"prefix":"lost"/, 'without the other one');
};

subtest 'two that take turns, beside ordinary ones' => sub {
	my @sessions = map { EtfSession->new($etf) } 1 .. 2;

	$_->sql('BEGIN; SET work_mem = 64') for @sessions;
	for my $turn (1 .. 4)
	{
		for my $session (@sessions)
		{
			$session->sql(rows(150) . 'SAVEPOINT s;' . rows(150) . 'ROLLBACK TO s');
			$etf->sql('INSERT INTO u VALUES (2)');
		}
	}
	$sessions[1]->sql('COMMIT');
	$etf->sql('BEGIN;' . rows(300) . 'ROLLBACK');
	$etf->sql('INSERT INTO u VALUES (3)');
	$sessions[0]->sql('COMMIT');
	$_->quit for @sessions;
	is_same($etf->end_of_wal, 'both');
};

# What they are is known to others at the commit only; and of what is rolled
# back nothing is left, but what was described before and behind it.
subtest 'types, tables and columns of its own' => sub {
	my $made = q{SELECT nextval('n'), 'ok'::mood FROM generate_series(1, 300)};

	$etf->sql("BEGIN; CREATE TYPE mood AS ENUM ('sad', 'ok');
		CREATE TABLE made (id int PRIMARY KEY, m mood); INSERT INTO made $made;"
		  . 'SAVEPOINT a; ALTER TABLE made ADD COLUMN gone text;'
		  . "INSERT INTO made $made; ROLLBACK TO a; INSERT INTO made $made;"
		  . 'SAVEPOINT b; ALTER TABLE made ADD COLUMN more mood;'
		  . "INSERT INTO made $made; RELEASE b; INSERT INTO made $made; COMMIT;"
		  . q{INSERT INTO made VALUES (0, 'sad', 'ok')});
	my $whole = is_same($etf->end_of_wal, 'all of it');

	like($whole, qr/"id":0,"m":"sad","more":"ok"/, 'and what comes after it');
	unlike($whole, qr/"gone"/, 'without what is void');
};

# Each with one frame more: in the stream, in the replay, and behind it.  With
# pgoutput there is one for each row.
subtest 'a connection lost at every frame' => sub {
	my $end = $etf->end_of_wal;
	my $whole = read_copy($end);
	my $cutter = EtfCutter->new($node, $pgoutput ? 71 : 1);
	my ($out, $err) = read_copy($end, '--streaming', '--dbname', $cutter->conninfo,
		'--reconnect-min=1ms', '--reconnect-max=5ms', '--circuit-after=0',
		'--verbose', '--stats-interval=1h');
	my ($reconnects) = $err =~ /"reconnects":(\d+)/;

	cmp_ok($reconnects // 0, '>', 20, 'often') or diag $err;
	same_lines(without_repeats($out), $whole, 'and all of it comes, in order');
};

# A step of a transaction with savepoints in savepoints, and what is open then.
sub random_step
{
	my ($open) = @_;
	my $step = int rand 10;

	if ($step < 4 || (!@$open && $step > 6))
	{
		return rows(1 + int rand 120);
	}
	if ($step < 7)
	{
		push @$open, 's' . int rand 1e6;
		return "SAVEPOINT $open->[-1];";
	}
	my $at = int rand @$open;
	my $name = $open->[$at];

	splice @$open, $step < 9 ? $at + 1 : $at;
	return $step < 9 ? "ROLLBACK TO $name;" : "RELEASE $name;";
}

subtest 'whatever savepoints there are' => sub {
	my $seed = $ENV{PG_ETF_SEED} // 11;
	my @sessions = map { { session => EtfSession->new($etf) } } 1 .. 3;

	srand $seed;
	diag "PG_ETF_SEED=$seed";
	for my $turn (1 .. 150)
	{
		my $turns = $sessions[ int rand @sessions ];
		my $steps = $turns->{left} // 0;

		if ($steps == 0)
		{
			$turns->{session}->sql($turns->{open} ? int(rand 3) ? 'COMMIT; BEGIN' : 'ROLLBACK; BEGIN' : 'BEGIN');
			@$turns{qw(open left)} = ([], 5 + int rand 15);
		}
		$turns->{left}--;
		$turns->{session}->sql(random_step($turns->{open}));
	}
	$_->{session}->sql('COMMIT') for grep { $_->{open} } @sessions;
	$_->{session}->quit for @sessions;
	is_same($etf->end_of_wal, "seed $seed");
};

# Where the server can send every change at once, blocks are of one change.
subtest 'every change at once' => sub {
	my $setting = EtfStreams::immediate($etf);

	plan(skip_all => 'the server cannot') unless $setting;
	local $ENV{PGOPTIONS} = "-c $setting=immediate";

	$etf->sql('BEGIN;' . rows(3) . 'SAVEPOINT a;' . rows(2)
		  . 'ROLLBACK TO a; SAVEPOINT b; INSERT INTO u VALUES (5);'
		  . "SELECT pg_logical_emit_message(true, 'one', 'm'); RELEASE b;"
		  . rows(2) . 'COMMIT; INSERT INTO u VALUES (6)');
	is_same($etf->end_of_wal, 'blocks of one change');
};

# Whatever the disk says: the server does it then.
subtest 'a full disk' => sub {
	my $end = $etf->end_of_wal;
	my @full = ('unshare', '-Urm', 'sh', '-c',
		"mount -t tmpfs -o size=1m none $dir && exec \"\$@\"", 'sh');

	if (system("unshare -Urm true 2>/dev/null") != 0)
	{
		plan(skip_all => 'needs namespaces of users');
	}
	$etf->sql('BEGIN;' . rows(10000) . 'COMMIT');
	$end = $etf->end_of_wal;
	my $user = getpwuid $<;
	my ($out, $err) = read_copy($end, @full, '--streaming', "--spool-dir=$dir",
		"--username=$user");

	like($err, qr/warning: .*No space left on device; reconnecting without streaming/,
		'is a warning');
	same_lines($out, read_copy($end), 'and nothing is missing');
};

# The files of a process that its slot's transaction is in.
sub spooled
{
	my ($pid) = @_;

	return map { [ $_, stat $_ ] } grep { (readlink($_) // '') =~ /^\Q$dir\E/ }
	  glob "/proc/$pid/fd/*";
}

subtest 'a client that is killed' => sub {
	my $session = EtfSession->new($etf);
	my $client = EtfClient->start($node, slot => '<<"k">>', create => 'if_missing',
		streaming => 'true', spool_dir => "<<\"$dir\">>",
		$pgoutput ? (plugin => 'pgoutput',
			options => '#{publication_names => <<"everything">>}') : ());
	$client->expect(qr/^\{status,connected,/, 'connected');
	$session->sql('BEGIN;' . rows(1000));
	my $until = time + 60;
	sleep 1 while $client->stat('open_streams') == 0 && time < $until;
	my @files = spooled($client->client_pid);

	is(scalar @files, 1, 'a file is open');
	is($files[0][3] & 07777, 0600, 'for nobody else');
	is($files[0][4], 0, 'without a name');
	is_deeply([ glob "$dir/*" ], [], 'nor is one to be seen');
	kill 'KILL', $client->client_pid;
	$client->expect(qr/^\{exit,/, 'killed');
	is_deeply([ glob "$dir/*" ], [], 'nothing is left');
	$session->sql('COMMIT');
	$session->quit;
};

$etf->stop;
done_testing();
