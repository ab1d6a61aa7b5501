# A terminal: a password that is typed, and a screen that is shared.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfTest;
use Fcntl;
use IO::Pty;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# A container without /dev/pts.
plan skip_all => 'no terminals' unless eval { IO::Pty->new };

my $etf = EtfTest->new('terminal');
my $node = $etf->node;

$etf->sql("SET password_encryption = 'scram-sha-256'; "
	  . "CREATE ROLE cdc LOGIN REPLICATION PASSWORD 'open sesame'");
my $hba = $node->data_dir . '/pg_hba.conf';
my $trust = slurp_file($hba);
unlink $hba;
append_to_file($hba, "local all cdc scram-sha-256\n$trust");
$node->reload;
$etf->sql('CREATE TABLE t (id int)');
$etf->slot('s');
delete $ENV{PGPASSWORD};

my @silent = ($ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'),
	'--username', 'cdc');
my @client = (@silent, '-W');

# A program with a terminal of its own: its pid, and both ends of that.
sub on_terminal
{
	my (@command) = @_;
	my $pty = IO::Pty->new;
	my $slave = $pty->slave;
	my $pid = fork // die "cannot fork: $!";

	if ($pid == 0)
	{
		# A shell starts what runs in the background with these ignored.
		@SIG{ 'INT', 'QUIT' } = ('DEFAULT') x 2;
		$pty->make_slave_controlling_terminal;
		open STDIN, '<&', $slave;
		open STDOUT, '>&', $slave;
		open STDERR, '>&', $slave;
		exec @command or POSIX::_exit(126);
	}
	$pty->blocking(0);
	return ($pid, $pty, $slave);
}

# Type at the prompt of the client.  Returns how it ended, what was on the
# screen, and whether the terminal echoes again.
sub type
{
	my ($keys, @options) = @_;
	my ($screen, $typed, $until) = ('', 0, time + 60);
	my ($pid, $pty, $slave) = on_terminal(@options);

	while (time < $until)
	{
		my $gone = waitpid($pid, POSIX::WNOHANG) == $pid;
		my $status = $?;

		1 while $pty->sysread($screen, 4096, length $screen);
		if (!$typed && $screen =~ /Password: / && !echoes($slave))
		{
			$pty->syswrite($keys);
			$typed = 1;
		}
		return ($status, $screen, echoes($slave)) if $gone;
		sleep 0.02;
	}
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return ('none', $screen, echoes($slave));
}

sub echoes
{
	my ($terminal) = @_;
	my $termios = POSIX::Termios->new;

	$termios->getattr(fileno $terminal);
	return $termios->getlflag & POSIX::ECHO() ? 1 : 0;
}

subtest 'on a terminal' => sub {
	my ($status, $screen, $echo) = type("open sesame\n", @client, '--status');

	is($status, 0, 'the right one');
	like($screen, qr/^Password: \r\nslot .*\r\ns /s, 'does what was asked');
	unlike($screen, qr/sesame/, 'and is not shown');
	is($echo, 1, 'the next line is');

	$etf->sql('INSERT INTO t VALUES (1)');
	($status, $screen) = type("open sesame\n", @client, '--slot=s', '--print=json',
		'--endpos', $etf->end_of_wal);
	is($status, 0, 'the stream ends');
	like($screen, qr/"id":1\b/, 'with the change');
	unlike($screen, qr/no control connection/, 'over both connections');
};

subtest 'a password that is wanted is asked for' => sub {
	my ($status, $screen) = type("open sesame\n", @silent, '--status');

	is($status, 0, 'once');
	like($screen, qr/^Password: \r\nslot .*\r\ns /s, 'without -W');
	($status, $screen) = type("open sesame\n", @silent, '--slot=s',
		'--print=json', '--endpos', $etf->end_of_wal);
	is($status, 0, 'for a stream, too');
	unlike($screen, qr/error/, 'and nothing has failed');
	($status, $screen) = type("close sesame\n", @silent, '--status');
	is($status >> 8, 4, 'a wrong one is refused');
	($status, $screen) = type('', @silent, '-w', '--status');
	is($status >> 8, 4, '-w: it is not asked for');
	unlike($screen, qr/Password: /, 'whoever sits there');
	like($screen, qr/no password supplied.*hint: Supply the role's password.*-W/s,
		'and told what to do');
};

subtest 'what else may be typed' => sub {
	my ($status, $screen, $echo) = type("close sesame\n", @client, '--status');

	is($status >> 8, 4, 'a wrong one is refused');
	like($screen, qr/password authentication failed/, 'by the server');
	($status, $screen, $echo) = type("\cD", @client, '--status');
	is($status >> 8, 4, 'Ctrl-D is none');
	like($screen, qr/error: no password was given\r\n/, 'and is told so');
	is($echo, 1, 'the terminal is as before');
	for my $case ([ 'Ctrl-C', "open\cC", 2 ], [ 'Ctrl-\\', "\c\\", 3 ])
	{
		my ($name, $keys, $signal) = @$case;

		($status, $screen, $echo) = type($keys, @client, '--status');
		is($status & 127, $signal, "$name ends the program");
		is($echo, 1, "$name leaves the terminal as it was");
	}
};

subtest 'the screen is shared' => sub {
	my ($pid, $pty, $slave) = on_terminal($ENV{ETF_CLIENT}, '--dbname',
		$node->connstr('postgres'), '--slot=s', '--print=json');
	my ($screen, $until) = ('', time + 60);

	$etf->sql('INSERT INTO t VALUES (2)');
	while ($screen !~ /"id":2\b/ && time < $until)
	{
		$pty->sysread($screen, 4096, length $screen) or sleep 0.02;
	}
	like($screen, qr/"op":\e\[32m"insert".*"id":2\b/, 'a change is shown');
	is(fcntl($slave, F_GETFL, 0) & O_NONBLOCK, 0,
		'others on this terminal may still wait for it');
	kill 'TERM', $pid;
	waitpid $pid, 0;
	is($?, 0, 'stop');
};

subtest 'what is read, and how far' => sub {
	$etf->sql('CREATE TABLE many AS SELECT i AS id FROM generate_series(1, 200000) i; ANALYZE many');
	my ($status, $screen) = type('', 'sh', '-c', '"$@" | { sleep 4; cat; } > /dev/null', 'sh',
		$ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'),
		'--temporary', '--snapshot=only', '--json', '--tables=public.many');

	is($status, 0, 'only the snapshot');
	my $amount = qr/([\d.]+) (k?) ?/;
	my @shown = $screen =~ /public\.many  [\xe2\x96\x80-\x91]{48}  +\d+ %  ${amount}of ${amount}rows  [\d.]+ [kM]?B  ${amount}rows\/s  (\d+):(\d\d) left/;

	is(scalar @shown, 8, 'a line for the table') or diag $screen;
	my ($rows, $all, $rate) = map { $shown[$_] * ($shown[ $_ + 1 ] ? 1000 : 1) } 0, 2, 4;
	my $left = $shown[6] * 60 + $shown[7];

	# All of them are rounded.
	cmp_ok(abs($left - ($all - $rows) / $rate), '<=', 2 + $left / 10, 'with the time that is left at this rate')
	  or diag "$rows of $all rows, $rate rows/s, $left s";
	like($screen, qr/\e\[\?7h\r\e\[K.*\r\e\[K\z/s, 'which is gone in the end');
};

subtest 'without a terminal' => sub {
	for my $case (
		[ "open sesame\n", 0, 'a line of stdin is taken' ],
		[ "close sesame\n", 4, 'a wrong one is refused' ],
		[ '', 4, 'no line is no password' ])
	{
		my ($in, $expected, $name) = @$case;
		my ($out, $err) = ('', '');

		IPC::Run::run([ 'setsid', '--wait', @client, '--status' ],
			'<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
		is($? >> 8, $expected, $name) or diag $err;
	}
};

done_testing();
