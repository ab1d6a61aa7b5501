# The first steps of README.md and docs/command-line.md, as they are written.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfTest;
use File::Basename qw(dirname);
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('first_steps', no_gate => 1);
my $node = $etf->node;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $host = $node->host;

local $ENV{PATH} = dirname($ENV{ETF_CLIENT}) . ":$ENV{PATH}";
local $ENV{PGHOST} = $host;
local $ENV{PGPORT} = $node->port;

# The block that is marked so.
sub block
{
	my ($page, $name) = @_;
	my ($block) =
	  slurp_file($page) =~ /^ *<!-- run: \Q$name\E -->\n *```\w+\n(.*?)^ *```/ms;

	ok($block, "$page has $name");
	return $block;
}

# Commands, with the program that was built and a server without passwords.
sub commands
{
	return map { s{build/}{}r =~ s/-h localhost/-h $host/r =~ s/ -W / /r }
	  split /\n/, block(@_);
}

sub start
{
	my ($command, $out) = @_;

	$command =~ s/\s*#.*//;
	return IPC::Run::start([ 'sh', '-c', "cd '$dir' && exec $command" ],
		'<', \undef, '>', $out, '2>', \my $err, IPC::Run::timeout(90));
}

# What a command prints until there is such a line.
sub shows
{
	my ($command, $line) = @_;
	my ($file) = $command =~ /> (\S+)$/;
	my $out = '';
	my $run = start($command, \$out);
	my $streams = q{SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'};

	ok($node->poll_query_until('postgres', $streams, '1'), "it streams: $command");
	$etf->sql('UPDATE orders SET paid = NOT paid', 'shop');
	until ($out =~ $line)
	{
		$run->pump_nb;
		$out = slurp_file("$dir/$file") if $file;
		select undef, undef, undef, 0.05;
	}
	like($out, $line, 'and shows the changes');
	$run->signal('INT');
	$run->finish;
	ok($node->poll_query_until('postgres', $streams, '0'), 'until it is stopped');
	return $out;
}

$etf->sql('CREATE DATABASE shop');
$etf->sql('CREATE TABLE orders (id bigint PRIMARY KEY, paid boolean);'
	  . 'INSERT INTO orders VALUES (1, false), (2, true)', 'shop');

my $set_up = block('README.md', 'set-up') =~ s/'\.\.\.'/'open sesame'/r;
IPC::Run::run([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', 'shop' ],
	'<', \$set_up, '>', \my $said, '2>', \my $err, IPC::Run::timeout(60));
is($err, '', 'psql takes it');
$node->restart;
is($etf->sql('SHOW wal_level'), 'logical', 'wal_level is set');
is($etf->sql(q{SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'
	AND setting !~ 'pgoutput.*pg_etf_decoding'}), 0, 'and so is the plugin, where it has to be');

for my $place ([ 'README.md', 'first look' ], [ 'docs/command-line.md', 'check' ],
	[ 'docs/command-line.md', 'look' ])
{
	for my $command (commands(@$place))
	{
		if ($command =~ /--check/)
		{
			my $out = '';

			start($command, \$out)->finish;
			like($out, qr/^ok +server: PostgreSQL \d.*^ok +plugin: /ms, $command);
			unlike($out, qr/^error/m, 'nothing is missing');
			next;
		}
		shows($command, qr/"op":"update".*"record":\{"id":2,/);
		ok($node->poll_query_until('postgres', 'SELECT count(*) FROM pg_replication_slots', '0'),
			'no slot is left');
	}
}

my ($copy, $only) = commands('docs/command-line.md', 'tables');
$etf->sql('GRANT SELECT ON orders TO cdc', 'shop');
my $out = shows($copy, qr/"op":"update".*"record":\{"id":2,/);
like($out, qr/"op":"read".*"op":"read".*"op":"update"/s, 'rows come before changes');
$etf->sql('UPDATE orders SET paid = (id = 1)', 'shop');
$out = '';
start($only, \$out)->finish;
is_deeply([ $out =~ /"op":"(\w+)".*"id":(\d)/g ], [ 'read', 1 ], 'some rows, and no more');

my ($drop) = slurp_file('docs/command-line.md') =~ /^## Clean up\n.*?```sql\n(.*?)```/ms;
$etf->sql($drop =~ s/'demo'/'audit'/r);
is($etf->sql('SELECT count(*) FROM pg_replication_slots'), 0, 'and the slot is dropped');

$etf->stop;
done_testing();
