# Names, values, settings and servers that mean harm.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/perl';

use EtfClient;
use EtfTest;
use IO::Socket::INET;
use IPC::Run;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $etf = EtfTest->new('hostile');
my $node = $etf->node;
my @credit = (credit_events => 1000000, credit_bytes => 1000000000);

sub run_client
{
	my ($connstr, @args) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname', $connstr, @args ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
	return ($? >> 8, $out, $err);
}

# What acts on a terminal, C1 controls in UTF-8 among it; lines may end.
my $acts = qr/[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/;
my $evil = "E'\\u001b]0;owned\\u0007\\u001b[2J\\u009b2J\\r\\u007f\\u0008\"''\\\\'";

subtest 'names and values on a terminal' => sub {
	$etf->slot('s');
	$etf->sql(
		qq{DO \$\$BEGIN
			EXECUTE format('CREATE SCHEMA %I', $evil);
			EXECUTE format('CREATE TYPE %I AS ENUM (%L)', $evil, $evil);
			EXECUTE format('CREATE TABLE %I.%I (id int PRIMARY KEY, %I text,
				e public.%I, j jsonb)', $evil, $evil, $evil, $evil);
			EXECUTE format('INSERT INTO %I.%I VALUES (1, %L, %L,
				jsonb_build_object(%L, %L))',
				$evil, $evil, $evil, $evil, $evil, $evil);
			EXECUTE format('TRUNCATE %I.%I', $evil, $evil);
		END\$\$;
		SELECT pg_logical_emit_message(true, $evil, convert_to($evil, 'UTF8'));
		SELECT pg_logical_emit_message(true, E'\\u001b[31m', '')});
	$etf->sql("SELECT pg_logical_emit_message(true, 'end', '')");
	for my $style ('elixir', 'erlang', 'json')
	{
		my $slot = "s_$style";

		$etf->sql(
			"SELECT pg_copy_logical_replication_slot('s', '$slot')");
		my ($status, $out, $err) = run_client($node->connstr('postgres'),
			'--slot', $slot, "--print=$style", '-o', 'messages=on',
			'--endpos', $etf->end_of_wal);

		is($status, 0, "$style: printed") or diag $err;
		like($out, qr/owned|111, ?119, ?110/, "$style: the names are there");
		like($out, qr/(\\e|\\u001b)\[31m/, "$style: what is text is escaped");
		like($out, qr/truncate/, "$style: to the end");
		is(join(' ', map { sprintf '%vx', $_ } $out =~ /($acts)/g), '',
			"$style: nothing that acts on a terminal");
		$etf->drop_slot($slot);
	}
	$etf->drop_slot('s');
};

subtest 'a database of an evil name in --status' => sub {
	my $name = "\e]0;owned\a";

	$etf->sql(qq{CREATE DATABASE "$name"});
	$etf->slot('evil', $name);
	my ($status, $out) =
	  run_client($node->connstr('postgres'), '--status');
	is($status, 0, '--status');
	like($out, qr/^evil\s+\?\]0;owned\?/m, 'shows it');
	unlike($out, $acts, 'without what acts on a terminal');
	$etf->drop_slot('evil');
};

subtest 'settings that look like SQL' => sub {
	$etf->sql('CREATE TABLE precious ()');
	for my $standard ('on', 'off')
	{
		local $ENV{PGOPTIONS} = "-c standard_conforming_strings=$standard";

		for my $slot ("s'); DROP TABLE precious; --",
			's"; DROP TABLE precious; --', "s' OR true --",
			q{s\'; DROP TABLE precious; --}, q{s\'); DROP TABLE precious; --})
		{
			for my $args ([ '--create-slot' ], [ '--drop-slot' ], [ '--status' ],
				[ '--print' ], [ '--print', '--temporary' ])
			{
				my ($status, $out, $err) = run_client(
					$node->connstr('postgres'), '--slot', $slot, @$args);

				cmp_ok($status, '>', 0, "@$args with $slot is refused");
				unlike($err, qr/syntax error/, 'as a name, not as SQL');
			}
		}
	}
	$etf->slot('s');
	for my $option (q{x'); DROP TABLE precious; --=1},
		q{x" '1'); DROP TABLE precious; --=1},
		q{null=1'); DROP TABLE precious; --})
	{
		my ($status, $out, $err) = run_client($node->connstr('postgres'),
			'--slot', 's', '-o', $option, '--endpos', '0/1');

		unlike($err, qr/syntax error/, "-o $option is a name and a value");
	}
	is($etf->sql("SELECT count(*) FROM pg_class WHERE relname = 'precious'"),
		1, 'nothing was run');
	is($etf->sql('SELECT count(*) FROM pg_replication_slots'), 1,
		'no slot was made or dropped');
	$etf->drop_slot('s');
};

subtest 'no core file' => sub {
	my $client = EtfClient->start($node, create => 'temporary');

	$client->expect(qr/^\{status,connected/, 'connected');
	like(slurp_file('/proc/' . $client->client_pid . '/limits'),
		qr/^Max core file size\s+0 /m, 'the limit is 0');
	$client->stop;
	$client->quit;
};

$etf->stop;

# A server of our own: it answers the set-up as it is told, then misbehaves.

sub message { return $_[0] . pack('N', 4 + length $_[1]) . $_[1]; }

sub row
{
	my (@pairs) = @_;
	my ($names, $values, $count) = ('', '', @pairs / 2);

	while (my ($name, $value) = splice @pairs, 0, 2)
	{
		$names .= "$name\0" . pack 'NnNnNn', 0, 0, 25, 65535, 4294967295, 0;
		$values .= pack('N', length $value) . $value;
	}
	return message('T', pack('n', $count) . $names)
	  . message('D', pack('n', $count) . $values)
	  . message('C', "SELECT 1\0") . message('Z', 'I');
}

sub frame { return message('d', 'w' . pack('Q>3', 0, 0, 0) . $_[0]); }

# Until the other side goes away; each write may be the last.
sub serve
{
	my ($socket, $answers, $behave) = @_;
	my $len;

	sysread $socket, $len, 4;
	sysread $socket, my $startup, unpack('N', $len) - 4;
	if ($startup !~ /replication/)
	{
		syswrite $socket, message('E',
			"SFATAL\0C28000\0M\e[2Jno \x9b control\0\0");
		return;
	}
	syswrite $socket, message('R', pack 'N', 0)
	  . message('S', "server_version\x0018.0\0")
	  . message('S', "client_encoding\0UTF8\0") . message('Z', 'I');
	while (sysread $socket, my $head, 5)
	{
		my ($type, $size) = unpack 'aN', $head;

		sysread $socket, my $query, $size - 4;
		last if $type ne 'Q';
		if ($query =~ /^START_REPLICATION/)
		{
			syswrite $socket, message('W', pack 'Cn', 0, 0);
			$behave->($socket);
			return;
		}
		my ($answer) = grep { $query =~ $_->[0] } @$answers;
		syswrite $socket, $answer->[1];
	}
	return;
}

my @polite = (
	[ qr/^IDENTIFY/, row(systemid => '1', timeline => 1, xlogpos => '0/1000') ],
	[ qr/pg_replication_slots/,
		row(slot_name => 's', plugin => 'pg_etf_decoding', ours => 't',
			confirmed_flush_lsn => '0/1000') ],
	[ qr/server_version_num/,
		row(version => 180000, pid => 1, lsn => '0/1000', recovery => 'f',
			sender_timeout => 60000) ]);

sub hostile_server
{
	my ($behave, @answers) = @_;
	my $listen = IO::Socket::INET->new(
		LocalAddr => '127.0.0.1', Listen => 10, ReuseAddr => 1)
	  or die "listen: $!";
	my $pid = fork // die "fork: $!";

	return ($listen->sockport, $pid) if $pid;
	setpgrp;
	$SIG{PIPE} = 'IGNORE';
	$SIG{CHLD} = 'IGNORE';
	alarm 120;
	while (my $socket = $listen->accept)
	{
		next if fork;
		alarm 60;
		serve($socket, [ @answers, @polite ], $behave);
		POSIX::_exit(0);
	}
	POSIX::_exit(0);
}

sub against
{
	my ($behave, $answers, @settings) = @_;
	my ($port, $pid) = hostile_server($behave, @$answers);
	my $client = EtfClient->start($node, conninfo => '<<>>', connection =>
		  "#{host => <<\"127.0.0.1\">>, port => $port, sslmode => disable,"
		  . ' gssencmode => disable, user => u, dbname => d}', @settings);

	return ($client, $pid);
}

sub end
{
	my ($client, $pid) = @_;

	kill 'KILL', $client->client_pid;
	$client->quit;
	kill 'KILL', -$pid;
	waitpid $pid, 0;
	return;
}

sub flood
{
	my ($socket, $bytes) = @_;

	1 while defined syswrite $socket, $bytes;
	return;
}

sub memory_kb
{
	my ($client) = @_;
	my $status = slurp_file('/proc/' . $client->client_pid . '/status');

	return $status =~ /^VmHWM:\s+(\d+)/m ? $1 : 0;
}

# {tx, whole, {1, 2, 3, 0}, 0, 1, #{}, []} with some weight.
my $tx = "\x83h\x07w\x02txw\x05wholeh\x04a\x01a\x02b\0\1\0\0a\0"
  . "a\0a\x01t\0\0\0\0m\0\0\x80\0" . 'x' x 32768;

subtest 'a server that sends without end' => sub {
	my ($client, $pid) = against(sub { flood($_[0], frame($tx)) }, []);

	$client->expect(qr/^\{status,connected/, 'connected');
	$client->silent(qr/^\{(frame|fatal)/, 4, 'nothing comes without credit');
	cmp_ok(memory_kb($client), '<', 24576, 'memory stays small');
	end($client, $pid);
};

subtest 'a server that announces what it does not send' => sub {
	for my $case ([ 0x3ffffff0, qr/silent for 1500 ms|cannot allocate/ ],
		[ 0x7ffffff0, qr/cannot allocate|lost synchronization/ ])
	{
		my ($len, $message) = @$case;
		my ($client, $pid) = against(
			sub { syswrite $_[0], 'd' . pack('N', $len) . 'w'; sleep 50 },
			[], liveness_timeout => 1500);

		$client->expect(qr/^\{status,reconnecting,.*$message/s,
			"$len bytes: given up");
		cmp_ok(memory_kb($client), '<', 24576, 'memory stays small');
		end($client, $pid);
	}
};

subtest 'a server that does not answer' => sub {
	my ($client, $pid) = against(sub { sleep 50 }, []);

	$client->expect(qr/^\{status,connected/, 'connected');
	sleep 4;
	my $asked = $client->stat('statuses') // 0;
	cmp_ok($asked, '>', 2, 'is asked again where it is');
	cmp_ok($asked, '<', 10, 'less and less often');
	end($client, $pid);
};

subtest 'messages that are none' => sub {
	for my $case (
		[ 'an unknown one', message('d', 'x') ],
		[ 'a short one', message('d', 'w123') ],
		[ 'no frame', frame('garbage') ],
		[ 'a frame that is cut', frame(substr $tx, 0, 20) ])
	{
		my ($name, $bytes) = @$case;
		my ($client, $pid) =
		  against(sub { syswrite $_[0], $bytes; sleep 50 }, [], @credit);

		$client->expect(qr/^\{fatal,protocol,/, "$name: protocol");
		is($client->exit_status, 10, 'with its status');
		$client->quit;
		kill 'KILL', -$pid;
		waitpid $pid, 0;
	}
};

subtest 'answers that are lies' => sub {
	my ($client, $pid) = against(
		sub { sleep 50 },
		[ [ qr/server_version_num/,
				row(version => '9' x 40, pid => '-' x 9, lsn => 'F' x 99,
					recovery => '', sender_timeout => 5) ] ]);

	$client->expect(qr/^\{status,connected/, 'numbers beyond all bounds');
	my ($before, $begin) = ($client->stat('statuses'), time);
	sleep 2;
	my $after = $client->stat('statuses');
	ok(defined $before && defined $after && $after > $before, 'it reports')
	  or return end($client, $pid);
	cmp_ok(($after - $before) / (time - $begin), '>', 2, 'and often');
	cmp_ok(($after - $before) / (time - $begin), '<', 20,
		'a timeout of 5 ms does not keep us busy');
	end($client, $pid);

	($client, $pid) = against(sub { }, [ [ qr/^IDENTIFY/,
				row(systemid => 'x' x 5000, timeline => 'x') ] ]);
	$client->expect(qr/^\{status,connected/, 'a long identifier');
	end($client, $pid);

	($client, $pid) = against(sub { },
		[ [ qr/^IDENTIFY/, message('E', "SERROR\0CXX000\0M\e[2J\x9b\xc2\x9b"
				  . 'x' x 100000 . "\0H\e]0;x\a\0\0") ] ]);
	my $line = $client->expect(qr/^\{status,reconnecting,/, 'a long error');
	cmp_ok(length $line, '<', 2000, 'is cut');
	unlike($line, qr/\\e|\\d|\\2|$acts/, 'and holds nothing that acts');
	end($client, $pid);
};

subtest 'positions that are lies' => sub {
	my $far = message('d', 'k' . pack('Q>2C', 1 << 62, 0, 0));
	my ($client, $pid) =
	  against(sub { syswrite $_[0], $far; sleep 50 }, [], @credit);

	$client->expect(qr/^\{position,@{[ 1 << 62 ]}\}/, 'a keepalive from afar');
	kill 'KILL', -$pid;
	waitpid $pid, 0;
	$client->quit;
};

done_testing();
