# A server, a disk and a caller that do everything wrong: the client ends, in
# time, by an error that it chose.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use FakeServer;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

$SIG{PIPE} = 'IGNORE';

my %status = (config => 3, auth => 4, slot_missing => 5, wrong_plugin => 8,
	protocol => 10, network => 13, server_shutdown => 14, server_error => 15,
	output => 16);
my $tx = slurp_file('test/plugin/golden/tx-elixir-01.frame');

# The client against a server that says these things; status, words, seconds.
sub meet
{
	my ($says, @options) = @_;
	my $server = FakeServer->new(%$says);
	my ($out, $err, $begin) = ('', '', time);

	IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname', $server->{conninfo},
			'--slot=s', '--no-loop', '--control=off', '--connect-timeout=1s',
			'--liveness-timeout=1s', @options ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
	return ($? & 127 ? "signal $?" : $? >> 8, $err, time - $begin);
}

sub ends
{
	my ($name, $class, $says, @options) = @_;
	my ($status, $err, $seconds) = meet($says, @options);

	is($status, $status{$class}, "$name: $class") or diag $err;
	like($err, qr/^pg_etf_client: error: /m, "$name: says so");
	cmp_ok($seconds, '<', 20, "$name: in time");
	return;
}

# As fast as it can, until the client has gone.
sub endless
{
	my (@messages) = @_;

	return sub {
		my ($handle) = @_;
		my $all = join('', @messages) x 100;

		while ($handle->syswrite($all)) { }
		POSIX::_exit(0);
	};
}

subtest 'the start of a connection' => sub {
	ends('another protocol', 'network',
		{ startup => "HTTP/1.1 400 Bad Request\r\n\r\n" });
	ends('a length of 2 GB', 'network', { startup => "R\x7f\xff\xff\xff" });
	ends('a length of 0', 'network', { startup => "R\0\0\0\0" });
	ends('an unknown way to authenticate', 'network',
		{ startup => message('R', pack('N', 99)) });
	ends('an unknown mechanism', 'network',
		{ startup => message('R', pack('N', 10) . "HOCUS\0\0") });
	ends('a strange proof', 'auth',
		{ startup => message('R', pack('N', 10) . "SCRAM-SHA-256\0\0")
			  . message('R', pack('N', 11) . 'r=,s=,i=-1') });
	ends('an error without a field', 'network',
		{ startup => message('E', "\0") });
	ends('an error without an end', 'network',
		{ startup => message('E', 'SFATAL') });
	ends('nothing', 'network', { startup => '' });
	ends('parameters without end', 'network',
		{ startup => endless(message('S', "a\0b\0")) });
	ends('notices without end', 'network',
		{ startup => endless(error_response('N', '00000', 'x' x 1000)) });
};

subtest 'the set-up of the stream' => sub {
	my @slot = (slot_name => 's', slot_type => 'logical', ours => 't',
		plugin => 'pg_etf_decoding', confirmed_flush_lsn => '0/1000');

	ends('no session', 'network', { session => '' });
	ends('no identifier', 'protocol', { identify => answer(nothing => 1) });
	ends('no slot', 'slot_missing', { slot => answer(slot_name => undef) });
	ends('a slot without a plugin', 'wrong_plugin',
		{ slot => answer(slot_name => 's') });
	ends('an error of an unknown code', 'server_error',
		{ session => error_response('E', 'XXXXX', "a\nb\x1b[31m" x 10000)
			  . message('Z', 'I') });
	ends('a copy that was not asked for', 'network',
		{ session => message('G', "\0\0\0") });
	ends('results without end', 'network',
		{ session => endless(message('C', "SELECT 1\0")) });
	ends('a row without columns', 'network',
		{ session => message('D', pack('n', 3)) });
	ends('a giant column', 'network',
		{ session => message('T', pack('n', 1) . "version\0"
				  . pack('NnNnNn', 0, 0, 25, 0xffff, 0, 0))
			  . message('D', pack('nN', 1, 0x7ffffff0)) });
	ends('a stream that is over', 'server_shutdown', { slot => answer(@slot),
		identify => answer(systemid => '9' x 100000),
		stream => message('C', "SELECT\0") });
};

subtest 'the stream' => sub {
	for my $case (
		[ 'a message of an unknown kind', copy_data('z' x 100) ],
		[ 'half a header', copy_data('w' . "\0" x 23) ],
		[ 'half a keepalive', copy_data('k' . "\0" x 16) ],
		[ 'a long keepalive', copy_data('k' . "\0" x 18) ],
		[ 'a frame of nothing', frame('') ],
		[ 'a frame that is text', frame('BEGIN 725') ],
		[ 'a list of 4 billion', frame("\x83l\xff\xff\xff\xff") ],
		[ 'half a frame', frame(substr $tx, 0, length($tx) / 2) ],
		[ 'half a head', frame(substr $tx, 0, 20) ],
		[ 'lists in lists', frame("\x83" . "l\0\0\0\1" x 1000000) ])
	{
		my ($name, $bytes) = @$case;

		ends($name, 'protocol', { stream => $bytes }, "--print=$_")
		  for qw(json erlang);
	}
	ends('a transaction twice', 'protocol', { stream => frame($tx) x 2 });
	ends('a message of 2 GB', 'network', { stream => "d\x7f\xff\xff\xff" . 'w' });
	ends('a length below 4', 'network', { stream => "d\0\0\0\3" });
	ends('an unknown message', 'network', { stream => message('!', '') });
	ends('notices without end', 'network',
		{ stream => endless(error_response('N', '00000', 'x' x 1000)) });
	ends('parameters without end', 'network',
		{ stream => endless(message('S', "a\0b\0")) });
	ends('silence', 'network', { stream => '' });
	ends('empty messages', 'network', { stream => copy_data('') x 1000 });
	ends('the end of the copy', 'server_shutdown',
		{ stream => message('c', '') });
	ends('an error', 'server_error',
		{ stream => error_response('E', 'XX000', 'no') });
	ends('a shutdown', 'server_shutdown',
		{ stream => error_response('E', '57P01', 'bye') });
};

# A shell command with $CLIENT in it; its status, stdout and stderr.
sub shell
{
	my ($command, $in) = @_;
	my ($out, $err) = ('', '');

	local $ENV{CLIENT} = $ENV{ETF_CLIENT};
	IPC::Run::run([ 'sh', '-c', $command ], '<', \($in // ''), '>', \$out,
		'2>', \$err, IPC::Run::timeout(60));
	return ($? >> 8, $out, $err);
}

subtest 'an output that takes nothing' => sub {
	my $server = FakeServer->new(stream => [ frame($tx), keepalive(0x3000) ]);
	my $print = "\$CLIENT --dbname='$server->{conninfo}' --slot=s --control=off "
	  . '--print=json';

	for my $case ([ 'a full disk', '>/dev/full' ], [ 'nothing at all', '>&-' ],
		[ 'nothing at all, nor input', '<&- >&-' ])
	{
		my ($name, $to) = @$case;
		my ($status, undef, $err) = shell("$print $to");

		is($status, $status{output}, "$name: an error");
		like($err, qr/error: output: (No space|Bad file).*\n.*hint: /, 'with words');
	}
	is((shell("$print >/dev/full 2>&-"))[0], $status{output}, 'or without');
	for my $words ('--help', '--version', '--read=-')
	{
		is((shell("\$CLIENT $words >/dev/full", $tx))[0], $status{output},
			"$words to a full disk");
		is((shell("\$CLIENT $words >&-", $tx))[0], $status{output},
			"$words to nothing");
	}
};

subtest 'a Port without its ends' => sub {
	is((shell('$CLIENT --port <&-'))[0], 0, 'no input is an end');
	is((shell('$CLIENT --port <&- >&- 2>&-'))[0], 0, 'whatever else is closed');
	is((shell('(printf "\\0\\0\\0\\1x"; sleep 1) | $CLIENT --port >&-'))[0],
		$status{protocol}, 'its status tells what a closed output cannot');
};

subtest 'files that are not what they should be' => sub {
	my ($status, $out, $err) = shell('$CLIENT --read=/dev/zero');

	is($status, $status{protocol}, 'an endless file ends at its first byte');
	($status, $out, $err) = shell('$CLIENT --read=/');
	is($status, $status{config}, 'a directory');
	like($err, qr{error: /: Is a directory}, 'by its name');
	($status, $out) = shell('$CLIENT --read=- --print=json',
		"$tx\n" x 3 . "\x83h\3garbage");
	is($status, $status{protocol}, 'garbage in the middle');
	my @lines = split /\n/, $out;
	cmp_ok(scalar @lines, '>', 0, 'what stands before it is shown');

	# One byte after another, each of them within a frame.
	my $whole = (shell('$CLIENT --read=- --print=json', "$tx\n$tx\n"))[1];
	($status, $out) = shell("perl -e '\$| = 1; \$/ = \\1; print while <>' | "
		  . '$CLIENT --read=- --print=json', "$tx\n$tx\n");
	is($out, $whole, 'pieces make a whole');
	like((shell("\$CLIENT --read=- --print=json", substr($tx, 0, -1)))[2],
		qr/at byte 0 cannot be shown: the data end/, 'a cut is an error');
};

subtest 'a host that hangs does not hide the next ones' => sub {
	my $hangs = FakeServer->new(startup => sub { sleep 60 });
	my $refuses = FakeServer->new(startup => error_response('E', '28P01', 'no'));
	my ($first, $last) = map { $_->{conninfo} =~ /host=(\S+)/ } $hangs, $refuses;
	my $began = time;
	my ($status, undef, $err) =
	  shell("\$CLIENT --slot=s --verbose --connect-timeout=500ms "
		  . "--dbname='host=$first,$first,$last port=1 user=u password=p'");

	is($status, $status{auth}, 'the last of three is heard') or diag $err;
	# What is said again within a minute is not printed again.
	like($err, qr/no answer within 2000 ms/, 'after a timeout');
	cmp_ok(time - $began, '>=', 3, 'after two, for they were two hosts');
};

subtest 'connection strings' => sub {
	my %class = ("host='x" => 'config', 'host=a,b hostaddr=1.2.3.4' => 'config',
		'host=a,b port=1,2,3' => 'config', 'hostaddr=1.2.3.999' => 'config',
		'postgresql://[::1/x' => 'config', 'postgresql://[]/x' => 'config',
		'postgresql://[::1]x/y' => 'config', 'postgresql:///x?y' => 'config',
		'postgresql:///x?y=z=' => 'config', 'postgresql:///%00' => 'config',
		'service=s' => 'config', 'host=/no/invalid/certificate' => 'network');

	local $ENV{PGSERVICEFILE} = '/nowhere';
	for my $conninfo (sort keys %class)
	{
		local $ENV{CONNINFO} = $conninfo;
		my ($status, undef, $err) =
		  shell('$CLIENT --slot=s --no-loop --dbname="$CONNINFO"');

		is($status, $status{ $class{$conninfo} }, $conninfo) or diag $err;
	}
};

subtest 'names' => sub {
	my $server = FakeServer->new(slot => answer(slot_name => undef));
	my $client = "\$CLIENT --dbname='$server->{conninfo}' --control=off";

	for my $name ("o'o", 'a"b', "a\\b", "two\nlines", "\xc3\xbc", 'x' x 63)
	{
		local $ENV{NAME} = $name;
		my ($status, undef, $err) = shell("$client --slot=\"\$NAME\"");

		is($status, $status{slot_missing}, 'a slot that is not there');
		like($err, qr/slot "\Q$name\E" does not exist/, 'by its name');
	}
	local $ENV{NAME} = 'x' x 64;
	my ($status, undef, $err) = shell("$client --create-slot --slot=\$NAME");
	is($status, 2, 'a name that the server would cut is refused');
	like($err, qr/longer than 63 bytes/, 'and says why');
};

done_testing();
