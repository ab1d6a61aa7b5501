# Names, values, settings and servers that mean harm.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use FakeServer;
use IPC::Run;
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
	my @off = (PGOPTIONS => '-c standard_conforming_strings=off');

	for my $case ([ "s'); DROP TABLE precious; --" ],
		[ 's"; DROP TABLE precious; --' ], [ "s' OR true --" ],
		[ q{s\'; DROP TABLE precious; --} ],
		[ q{s\'); DROP TABLE precious; --}, @off ],
		[ q{s\' OR true --}, @off ])
	{
		my ($slot, %env) = @$case;

		local @ENV{ keys %env } = values %env;
		for my $args ([ '--create-slot' ], [ '--drop-slot' ], [ '--status' ],
			[ '--print' ], [ '--print', '--temporary' ])
		{
			my ($status, $out, $err) =
			  run_client($node->connstr('postgres'), '--slot', $slot, @$args);

			cmp_ok($status, '>', 0, "@$args with $slot is refused");
			unlike($err, qr/syntax error/, 'as a name, not as SQL');
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

# The client and a server of our own, which says these things.
sub against
{
	my ($says, @settings) = @_;
	my $server = FakeServer->new(%$says);
	my $client = EtfClient->start($node, control => 'false',
		conninfo => qq{<<"$server->{conninfo}">>}, @settings);

	return ($client, $server);
}

sub end
{
	my ($client) = @_;

	kill 'KILL', $client->client_pid;
	$client->quit;
	return;
}

sub memory_kb
{
	my ($client) = @_;
	my $status = slurp_file('/proc/' . $client->client_pid . '/status');

	return $status =~ /^VmHWM:\s+(\d+)/m ? $1 : 0;
}

# {tx, whole, {1, 65528, 65536, 0}, 0, 1, #{}, []} with some weight.
my $tx = "\x83h\x07w\x02txw\x05wholeh\x04a\x01b\0\0\xff\xf8b\0\1\0\0a\0"
  . "a\0a\x01t\0\0\0\0m\0\0\x80\0" . 'x' x 32768;

subtest 'a server that sends without end' => sub {
	my ($client, $server) = against({ stream => sub {
			my ($handle) = @_;

			1 while defined $handle->syswrite(frame($tx));
		} });

	$client->expect(qr/^\{status,connected/, 'connected');
	$client->silent(qr/^\{(frame|fatal)/, 4, 'nothing comes without credit');
	cmp_ok(memory_kb($client), '<', 24576, 'memory stays small');
	end($client);
};

subtest 'a server that announces what it does not send' => sub {
	for my $case ([ 0x3ffffff0, qr/silent for 1500 ms|cannot allocate/ ],
		[ 0x7ffffff0, qr/cannot allocate|lost synchronization/ ])
	{
		my ($len, $message) = @$case;
		my ($client, $server) = against(
			{ stream => 'd' . pack('N', $len) . 'w' }, liveness_timeout => 1500);

		$client->expect(qr/^\{status,reconnecting,.*$message/s,
			"$len bytes: given up");
		cmp_ok(memory_kb($client), '<', 24576, 'memory stays small');
		end($client);
	}
};

subtest 'a server that does not answer' => sub {
	my ($client, $server) = against({});

	$client->expect(qr/^\{status,connected/, 'connected');
	sleep 4;
	my $asked = $client->stat('statuses') // 0;
	cmp_ok($asked, '>', 2, 'is asked again where it is');
	cmp_ok($asked, '<', 10, 'less and less often');
	end($client);
};

subtest 'messages that are none' => sub {
	for my $case (
		[ 'an unknown one', copy_data('x') ],
		[ 'a short one', copy_data('w123') ],
		[ 'no frame', frame('garbage') ],
		[ 'a frame that is cut', frame(substr $tx, 0, 20) ])
	{
		my ($name, $bytes) = @$case;
		my ($client, $server) = against({ stream => $bytes }, @credit);

		$client->expect(qr/^\{fatal,protocol,/, "$name: protocol");
		is($client->exit_status, 10, 'with its status');
		$client->quit;
	}
};

subtest 'answers that are lies' => sub {
	my ($client, $server) = against({ session => answer(version => '9' x 40,
				pid => '-' x 9, lsn => 'F' x 99, recovery => '',
				sender_timeout => 5) });

	$client->expect(qr/^\{status,connected/, 'numbers beyond all bounds');
	my ($before, $begin) = ($client->stat('statuses'), time);
	sleep 2;
	my $after = $client->stat('statuses');
	ok(defined $before && defined $after && $after > $before, 'it reports')
	  or return end($client);
	cmp_ok(($after - $before) / (time - $begin), '>', 2, 'and often');
	cmp_ok(($after - $before) / (time - $begin), '<', 20,
		'a timeout of 5 ms does not keep us busy');
	end($client);

	($client, $server) =
	  against({ identify => answer(systemid => 'x' x 5000, timeline => 'x') });
	$client->expect(qr/^\{status,connected/, 'a long identifier');
	end($client);

	($client, $server) = against({ identify => message('E',
				"SERROR\0CXX000\0M\e[2J\x9b\xc2\x9b" . 'x' x 100000
				  . "\0H\e]0;x\a\0\0") });
	my $line = $client->expect(qr/^\{status,reconnecting,/, 'a long error');
	cmp_ok(length $line, '<', 2000, 'is cut');
	unlike($line, qr/\\e|\\d|\\2|$acts/, 'and holds nothing that acts');
	end($client);

	($client, $server) = against({ startup => message('E',
				"SFATAL\0C28000\0M\e[2Jno \x9b entry\0\0") });
	$line = $client->expect(qr/^\{fatal,auth,.*no \? entry/, 'a short one');
	unlike($line, qr/\\e|\\d|\\2|$acts/, 'holds nothing either');
	$client->quit;
};

subtest 'positions that are lies' => sub {
	my ($client, $server) =
	  against({ stream => keepalive(1 << 62) }, @credit);

	$client->expect(qr/^\{position,@{[ 1 << 62 ]}\}/, 'a keepalive from afar');
	$client->quit;
};

done_testing();
