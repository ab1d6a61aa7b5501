# The command line: slots, what is wrong with it, and hints.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfCommand;
use EtfTest;
use IPC::Run;
use Test::More;

my $etf = EtfTest->new('command_line');
my $node = $etf->node;
my @client =
  ($ENV{ETF_CLIENT}, '--dbname', $node->connstr('postgres'), '--slot', 's');
sub client { return EtfCommand::run(@client, @_); }

subtest 'slots' => sub {
	my ($status, $out, $err) = client('--create-slot');

	is($status, 0, 'created');
	($status, $out, $err) = client('--create-slot');
	isnt($status, 0, 'not twice');
	like($err, qr/already exists/, 'and says why');
	($status) = client('--create-slot', '--if-not-exists');
	is($status, 0, 'unless that is no error');
	($status, $out) = client('--status');
	like($out, qr/^slot +database +plugin +lag .*\ns +postgres +pg_etf_decoding +.*reserved/, 'status');
	($status) = client('--drop-slot');
	is($status, 0, 'dropped');
	($status, $out, $err) = client('--status');
	is($status, 5, 'no status without a slot');
	($status, $out, $err) = client('--drop-slot');
	isnt($status, 0, 'not dropped twice');
	($status, $out, $err) = client('--create-slot', '--slot', q{o'"o});
	like($err, qr/invalid character/, 'a name with quotes stays a name');
};

subtest 'slots of others' => sub {
	$etf->sql("SELECT pg_create_physical_replication_slot('s')");
	for my $what ([ '--drop-slot' ], [ '--create-slot', '--if-not-exists' ])
	{
		my ($status, $out, $err) = client(@$what);

		is($status, 8, "@$what: a physical one is not ours");
		like($err, qr/"s" is a physical slot/, 'and says why');
	}
	$etf->sql("SELECT pg_drop_replication_slot('s')");
	$etf->sql("SELECT pg_create_logical_replication_slot('s', 'test_decoding')");
	my ($status, $out, $err) = client('--drop-slot');

	is($status, 8, 'nor is that of another plugin');
	like($err, qr/created with plugin "test_decoding"/, 'which is named');
	($status, $out, $err) = client('--status', '--drop-slot');
	is($status, 2, 'nothing is dropped in passing');
	is($etf->sql('SELECT count(*) FROM pg_replication_slots'), 1, 'it is there');
	$etf->sql("SELECT pg_drop_replication_slot('s')");
};

# What a person gets wrong in the first hour, and what helps then.
subtest 'hints' => sub {
	client('--create-slot');
	$etf->sql('CREATE ROLE app LOGIN; CREATE ROLE cdc LOGIN REPLICATION; '
		  . 'CREATE DATABASE shop; REVOKE CONNECT ON DATABASE shop FROM public');
	for my $case (
		[ [ '-S', 'nosuch', '--drop-slot' ], 5, qr/Nothing was dropped; --status/ ],
		[ [ '-S', 'nosuch', '--json' ], 5, qr/Create the slot/ ],
		[ [ '-U', 'app', '--json' ], 4, qr/ALTER ROLE "app" REPLICATION/ ],
		[ [ '-U', 'app', '-S', 'x', '--create-slot' ],
			4, qr/ALTER ROLE "app" REPLICATION/ ],
		[ [ '-U', 'cdc', '--json', '-d', $node->connstr('shop') ],
			4, qr/GRANT CONNECT ON DATABASE .* TO "cdc"/ ],
		[ [ '--json', '-d', $node->connstr('shopp') ], 3, qr/-d .*psql -l/ ],
		[ [ '--json', '-d', $node->connstr('shop') ],
			8, qr/belongs to database "postgres", but this connection is to "shop"/ ],
		[ [ '--json', '-h', 'no.such.invalid', '--no-loop' ],
			13, qr/Check the host name/ ])
	{
		my ($words, $class, $says) = @$case;
		my ($status, $out, $err) = client(@$words);

		is($status, $class, "@$words") or diag $err;
		like($err, $says, 'says what to do');
		unlike($err, qr/:  [0-9A-Z]{5}: |LOCATION:/, 'in plain words');
	}
};

subtest 'the command line' => sub {
	my ($status, $out, $err) = client('--help');

	is($status, 0, 'help');
	like($out, qr/--print=STYLE/, 'lists options');
	like($out, qr/--max-stall=TIME/, 'and settings');
	like($out, qr/ 7 +slot_lost/, 'and exit statuses');
	like($out, qr/^ +pg_etf_client .* -o publication_names=audit$/m, 'shows how without the plugin');
	like($out, qr/^ +pg_etf_client .* --snapshot$/m, 'and what is there already');
	($status, $out) = client('--version');
	like($out, qr/^pg_etf_client \d/, 'version');
	for my $case (
		[ ['--slot'], qr/option "--slot" needs a value/ ],
		[ [ '-f', 'changes.json' ], qr/use > FILE/ ],
		[ ['--nonsense'], qr/invalid option "--nonsense"/ ])
	{
		my ($words, $says) = @$case;

		($status, $out, $err) = client(@$words);
		is($status, 2, "@$words is refused");
		like($err, $says, 'and told why');
	}
	($status, $out, $err) = EtfCommand::run($ENV{ETF_CLIENT}, '--json');
	is($status, 2, 'without a slot');
	like($err, qr/no slot is given: name it with --slot=NAME \(-S\), or .* --temporary$/m, 'says how');
	for my $bad (
		[ '--nonsense' ], [ '--print=xml' ], [ '--endpos=7' ],
		[ '--status-interval=fast' ], [ 'argument' ], [ '--slot=' ])
	{
		($status, $out, $err) = client(@$bad);
		is($status, 2, "@$bad is refused");
		like($err, qr/^pg_etf_client: error: .*\npg_etf_client: hint: /,
			'with a hint');
	}
};

# By hand, since the BEAM would never write such things.
subtest 'bytes that no BEAM writes' => sub {
	my ($out, $err) = ('', '');
	my $in = "\xff\xff\xff\xff";

	IPC::Run::run([ $ENV{ETF_CLIENT}, '--port' ], '<', \$in, '>', \$out, '2>',
		\$err);
	is($? >> 8, 10, 'an endless packet is refused');
	like($out, qr/fatal.*protocol.*4294967295 bytes/s, 'by its length');
	is(unpack('N', $out), length($out) - 4, 'and the answer is one packet');
	$in = "\0\0\0\x09\x83h";
	IPC::Run::run([ $ENV{ETF_CLIENT}, '--port' ], '<', \$in, '>', \$out);
	is($? >> 8, 0, 'an end within a packet is an end');
	$in = '';
	IPC::Run::run([ $ENV{ETF_CLIENT}, '--port' ], '<', \$in, '>', \$out);
	is($? >> 8, 0, 'an end before everything as well');
};

done_testing();
