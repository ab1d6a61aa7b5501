# What slots and streams are doing, for programs: --status=json|prometheus and
# --metrics-file.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfCommand;
use EtfTest;
use IPC::Run;
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('status');
my $node = $etf->node;
my @client = ($ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'));
my $page = slurp_file('docs/metrics.md');
my @credit = (credit_events => 100000, credit_bytes => 100000000);

sub client { return EtfCommand::run(@client, @_); }

# Samples of a text of Prometheus: name and labels => value.  Each metric has
# its help and type before it, and the page has it with the same type.
sub samples
{
	my ($text, $what) = @_;
	my (%samples, %types, $last);

	for my $line (split /\n/, $text)
	{
		if ($line =~ /^# HELP (\w+) \S/) { $last = $1; }
		elsif ($line =~ /^# TYPE (\w+) (counter|gauge)$/)
		{
			fail "$what: $1 comes twice" if $types{$1};
			fail "$what: $1 has no help" if $1 ne $last;
			$types{$1} = $2;
		}
		elsif ($line =~ /^(\w+)\{(slot="[^"]*"(?:,\w+="[^"]*")?)\} (\d+)$/)
		{
			fail "$what: $1 has no type" if !$types{$1};
			$samples{"$1 $2"} = $3;
		}
		else { fail "$what: an odd line: $line"; }
	}
	is_deeply([ grep { $page !~ /^\| `$_` \| $types{$_} \|/m } sort keys %types ],
		[], "$what: docs/metrics.md has each metric, with its type");
	is(system("printf '%s' '$text' | $ENV{PROMTOOL} check metrics"), 0,
		"$what: promtool has nothing to say")
	  if $ENV{PROMTOOL} && $text ne '';
	return \%samples;
}

sub names { return [ sort map { /^(\w+)/ } keys %{ $_[0] } ]; }

$etf->sql('CREATE TABLE t (id int PRIMARY KEY)');

subtest 'no slot' => sub {
	for my $format ('json', 'prometheus')
	{
		my ($status, $out, $err) = client("--status=$format");

		is($status, 0, $format);
		is($out . $err, '', 'nothing to tell');
		($status, $out) = client("--status=$format", '--slot', 'nosuch');
		is($status, 5, 'one that does not exist is an error');
	}
	my ($status, $out, $err) = client('--status=xml');
	is($status, 2, 'another format');
	like($err, qr/--status must be table, json or prometheus/, 'is told of');
};

$etf->slot('s');
$etf->slot('u');

subtest 'slots as JSON' => sub {
	my ($status, $out) = client('--status=json');
	my @slots = map { decode_json($_) } split /\n/, $out;

	is_deeply([ map { $_->{slot} } @slots ], [ 's', 'u' ], 'a line for each');
	my ($slot) = @slots;
	is_deeply([ sort keys %$slot ],
		[ sort qw(slot database plugin lag_bytes wal_status retained_bytes
			  safe_wal_bytes confirmed active active_pid catalog_xmin_age
			  invalidated wal_level sync_skipped) ], 'all keys');
	is($slot->{database}, 'postgres', 'text');
	like($slot->{retained_bytes}, qr/^\d+$/, 'a number');
	ok(!$slot->{active} && JSON::PP::is_bool($slot->{active}), 'a boolean');
	is($slot->{active_pid}, undef, 'what is not there is null');
	is($slot->{safe_wal_bytes}, undef, 'so is a limit that nobody set');
	like($out, qr/"lag_bytes":\d+,/, 'numbers are not text');
	($status, $out) = client('--status', 'json', '--slot', 'u');
	is(scalar(split /\n/, $out), 1, 'one of them');
};

subtest 'slots as metrics' => sub {
	my ($status, $out) = client('--status=prometheus');
	my $samples = samples($out, 'slots');

	is($status, 0, 'the status');
	is($samples->{'pg_etf_slot_active slot="s"'}, 0, 'nobody reads it');
	is($samples->{'pg_etf_wal_status slot="u",status="reserved"'}, 1, 'wal_status');
	is($samples->{'pg_etf_wal_status slot="u",status="lost"'}, 0, 'and no other');
	like($samples->{'pg_etf_retained_wal_bytes slot="s"'}, qr/^\d+$/, 'retained');
	is_deeply([ grep { /safe_wal/ } keys %$samples ], [], 'no limit, no number');

	my $reader = EtfClient->start($node, slot => 's', @credit);
	$reader->expect(qr/^\{status,connected/, 'a reader');
	($status, $out) = client('--status=prometheus', '--slot=s');
	is(samples($out, 'one slot')->{'pg_etf_slot_active slot="s"'}, 1,
		'somebody reads it');
	unlike($out, qr/slot="u"/, 'of the slot that was asked for');
	$reader->stop;
	$reader->quit;
};

subtest 'a limit, and a slot that is lost' => sub {
	$etf->sql(q{ALTER SYSTEM SET max_slot_wal_keep_size = '2GB'});
	$node->reload;
	ok($node->poll_query_until('postgres', 'SELECT bool_and(safe_wal_size > 0) '
			  . 'FROM pg_replication_slots'), 'a limit');
	my ($status, $out) = client('--status=prometheus', '--slot=s');
	cmp_ok(samples($out, 'a limit')->{'pg_etf_safe_wal_bytes slot="s"'}, '>',
		1e9, 'how much is left');

	$etf->sql(q{ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'});
	$node->reload;
	for (1 .. 4)
	{
		$etf->sql(q{SELECT pg_logical_emit_message(false, '', repeat('x', 100000)) FROM generate_series(1, 100)});
		$etf->sql('SELECT pg_switch_wal()');
	}
	$etf->sql('CHECKPOINT');
	($status, $out) = client('--status=prometheus', '--slot=s');
	my $samples = samples($out, 'lost');
	is($samples->{'pg_etf_wal_status slot="s",status="lost"'}, 1, 'lost');
	is_deeply([ grep { /safe_wal/ } keys %$samples ], [], 'nothing is left to tell');
	$etf->sql('ALTER SYSTEM RESET max_slot_wal_keep_size');
	$node->reload;
	$etf->drop_slot('s');
	$etf->drop_slot('u');
};

my $dir = PostgreSQL::Test::Utils::tempdir();
my $file = "$dir/shop.prom";

sub read_samples { return -e $file ? samples(slurp_file($file), 'the file') : {}; }

# Statistics come in their own time.
sub wait_for
{
	my ($client, $key, $value) = @_;

	for (1 .. 600)
	{
		$client->pump_nb;
		my ($found) = -e $file && slurp_file($file) =~ /^\Q$key\E (\d+)$/m;
		return pass("$key is $value") if defined $found && $found eq $value;
		select undef, undef, undef, 0.05;
	}
	return fail("$key is $value") || diag(-e $file ? slurp_file($file) : 'no file');
}

subtest 'a file of metrics' => sub {
	my ($out, $err) = ('', '');
	my $client = IPC::Run::start([ @client, '--slot=s', '--create-slot', '--start',
			'--json', '--metrics-file', $file, '--stats-interval=100ms' ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));

	wait_for($client, 'pg_etf_up{slot="s"}', 1);
	$etf->sql('INSERT INTO t SELECT generate_series(1, 7)');
	wait_for($client, 'pg_etf_events_total{slot="s"}', 7);
	wait_for($client, 'pg_etf_wal_status{slot="s",status="reserved"}', 1);
	my $samples = read_samples();
	is($samples->{'pg_etf_state slot="s",state="streaming"'}, 1, 'its state');
	cmp_ok($samples->{'pg_etf_client_resident_memory_bytes slot="s"'}, '>', 1e6,
		'its memory');
	is_deeply([ glob "$dir/*" ], [$file], 'nothing is left beside it');
	like($err, qr/^\{"state":/m, 'statistics are on stderr, too, if asked for');
	$client->signal('TERM');
	ok($client->finish, 'the end');
	$samples = read_samples();
	is($samples->{'pg_etf_up slot="s"'}, 0, 'after which it is not up');
	is($samples->{'pg_etf_events_total slot="s"'}, 7, 'with its totals');
};

subtest 'without the control connection' => sub {
	my ($out, $err) = ('', '');
	my $client = IPC::Run::start([ @client, '--slot=s', '--json', '--control=off',
			'--metrics-file', $file ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));

	ok($node->poll_query_until('postgres',
		'SELECT active FROM pg_replication_slots'), 'it reads');
	$client->signal('TERM');
	$client->finish;
	my $samples = read_samples();
	is_deeply([ grep { /retained|safe|xmin|wal_status/ } keys %$samples ], [],
		'what only that knows is not there');
	unlike($err, qr/^\{/m, 'statistics are not on stderr, unless asked for');
};

subtest 'a file that cannot be written' => sub {
	my $end = $etf->sql('SELECT pg_current_wal_insert_lsn()');
	my ($status, $out, $err) = client('--slot=s', '--json', '--endpos', $end,
		'--metrics-file=/nonexistent/shop.prom', '--stats-interval=50ms');

	is($status, 0, 'is no reason to stop');
	my @told = $err =~ /warning: (\/nonexistent.*)/g;
	is_deeply(\@told, ['/nonexistent/shop.prom cannot be written: '
			  . 'No such file or directory'], 'and is told of, once');

	symlink '/etc/hostname', "$dir/evil.prom.tmp" or die;
	my $before = slurp_file('/etc/hostname');
	($status, $out, $err) = client('--slot=s', '--json', '--endpos', $end,
		"--metrics-file=$dir/evil.prom");
	like($err, qr/evil.prom cannot be written/, 'nor where a link leads');
	is(slurp_file('/etc/hostname'), $before, 'which is as before');
	POSIX::mkfifo("$dir/$_", 0600) or die for 'pipe.prom.tmp', 'pipe';
	mkdir "$dir/folder" or die;
	for my $name ('pipe.prom', 'pipe', 'folder')
	{
		($status, $out, $err) = client('--slot=s', '--json', '--endpos', $end,
			"--metrics-file=$dir/$name");
		is($status, 0, "nor is $name waited for");
		like($err, qr/$name cannot be written/, 'and it is told of');
	}
	ok(-p "$dir/pipe", 'what is no file stays');
	ok(!-e "$dir/folder.tmp", 'and nothing is left beside it');

	my @full = ('sh', '-c', 'ulimit -f 1; trap "" XFSZ; exec "$@"', 'sh', @client,
		'--slot=s', '--json', '--endpos', $end, "--metrics-file=$dir/full.prom");
	IPC::Run::run(\@full, '<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout(60));
	like($err, qr/full.prom cannot be written: File too large/, 'nor on a full disk');
	is_deeply([ glob "$dir/full*" ], [], 'where no half of it is left');
	($status, $out, $err) = client('--slot=s', '--to=a@b', '--metrics-file=x');
	is($status, 2, 'it is for the printer');
};

done_testing();
