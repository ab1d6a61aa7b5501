# The client as a node: it writes to a registered process of a real one.
use strict;
use warnings;

use FindBin;
use lib 'test/beam/perl', "$FindBin::Bin/../perl", 'test/client/perl',
  'test/lib/perl';

BEGIN { $ENV{ETF_EBIN} = $ENV{ETF_DRIVER}; }

use ErlangNode;
use EtfCommand;
use EtfTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('cnode');
my $server = $etf->node;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $cookie = "$dir/cookie";
my $seen = "$dir/seen";
my ($out, $err) = ('', '');
my $rows = 0;

append_to_file($cookie, "crumb\n");
chmod 0400, $cookie;
append_to_file($seen, '');
$etf->sql('CREATE TABLE t (id int PRIMARY KEY)');
$etf->slot('s');

sub command
{
	my (%option) = (
		'slot' => 's', 'dbname' => $server->connstr('postgres'),
		'node' => "client\@$ErlangNode::host", 'cookie-file' => $cookie,
		'to' => "receiver\@app\@$ErlangNode::host",
		'reconnect-min' => '50ms', 'reconnect-max' => '200ms', @_);

	return ($ENV{ETF_CLIENT}, map { "--$_=$option{$_}" } sort keys %option);
}

# Parameters: hold, forgetful; file, where what is received goes.
sub start_node
{
	my (%param) = @_;

	return ErlangNode->new('app',
		erl => [ '-kernel', 'net_ticktime', '4', '-run', 'node_receiver', 'main',
			$param{file} // $seen, $param{hold} // 0, $param{forgetful} // 'false' ]);
}

# One that goes on beside this: what it says is in $err.
sub start_client
{
	return IPC::Run::start([ command(@_) ], '<', \undef, '>', \$out, '2>', \$err);
}

sub says
{
	my ($client, $pattern, $name) = @_;

	return ErlangNode::wait_until(sub { $client->pump_nb; $err =~ $pattern }, $name);
}

# How often it was received.
sub count_seen
{
	my ($pattern) = @_;

	return scalar(() = slurp_file($seen) =~ /$pattern/mg);
}

# What comes of it is there once more than before.
sub again
{
	my ($pattern, $name, $code) = @_;
	my $before = count_seen($pattern);

	$code->();
	return ErlangNode::wait_until(sub { count_seen($pattern) > $before }, $name);
}

sub insert
{
	my ($count) = @_;

	$etf->sql(join '', map { "INSERT INTO t VALUES ($_);\n" } $rows + 1 .. $rows + $count);
	$rows += $count;
	return;
}

# In one transaction, which takes many frames, and more than the credit.
sub insert_together
{
	my ($count) = @_;

	$etf->sql("INSERT INTO t SELECT generate_series($rows + 1, $rows + $count)");
	$rows += $count;
	return;
}

# Each row once, in order, however often the node died.
sub has_all
{
	my ($name) = @_;
	my @seen;

	ErlangNode::wait_until(
		sub {
			@seen = map { split /,/, $_ }
			  slurp_file($seen) =~ /\{rows,\[(.*?)\]\}/g;
			return @seen >= $rows;
		},
		"$name: they arrive");
	is_deeply(\@seen, [ 1 .. $rows ], "$name: each row once")
	  or diag "$err\n" . slurp_file($seen);
	return;
}

sub fails
{
	my ($name, $wanted, $pattern, $hint, %option) = @_;
	my ($status, undef, $text) = EtfCommand::run(command(%option));

	is($status, $wanted, "$name: exit status");
	like($text, qr/error: .*$pattern/, "$name: message");
	like($text, qr/hint: .*$hint/, "$name: hint");
	return;
}

# Nobody is there yet.
fails('no EPMD', 13, qr/EPMD at 127\.0\.0\.9, port \d+: Connection refused/,
	'ERL_EPMD_PORT', to => 'receiver@app@127.0.0.9', reconnect => 'off');
fails('no name', 2, '--to must be like', '--help', to => 'receiver@app');
fails('temporary', 2, '--to cannot be combined with --temporary', '--help',
	create => 'temporary');
fails('tables', 2, '--to cannot be combined with --tables', '--help',
	tables => 'public.t');

my $other = ErlangNode->new('other');
my @other = (to => 'receiver@' . $other->name);
fails('unknown node', 13, qr/node app\@127\.0\.0\.1: EPMD there does not know it/,
	'-sname', reconnect => 'off');
fails('no process', 13, qr/no process is registered as receiver/, 'again',
	@other, reconnect => 'off');
fails('no cookie', 3, qr/cookie file ".*nothing": No such file/, 'chmod 400',
	@other, 'cookie-file' => "$dir/nothing");
append_to_file("$dir/open", 'crumb');
chmod 0644, "$dir/open";
fails('open cookie', 3, qr/cookie file ".*open": others may read it/,
	'chmod 400', @other, 'cookie-file' => "$dir/open");
append_to_file("$dir/wrong", 'crust');
chmod 0400, "$dir/wrong";
fails('wrong cookie', 4, qr/it does not accept the cookie/, 'get_cookie',
	@other, 'cookie-file' => "$dir/wrong");
$other->signal('STOP');
fails('stopped node', 13, qr/no answer to our greeting/, 'stopped',
	@other, reconnect => 'off', 'connect-timeout' => '500ms');
$other->stop;

# It waits for the node, and delivers.
my $client = start_client('liveness-timeout' => '4s');
insert(10);
my $node = start_node();
has_all('a node that comes late');
ErlangNode::wait_until(sub { count_seen('\{log,warning,') },
	'a stranger\'s message is dropped, and named');
like(slurp_file($seen), qr/^\{hello,#\{.*slot => <<"s">>/m,
	'it introduces itself');
like(slurp_file($seen), qr/^\{status,connected,/m, 'the reports of port.md');
ok($server->poll_query_until('postgres', 'SELECT confirmed_flush_lsn >= '
		  . "(SELECT pg_current_wal_lsn() - 1024) FROM pg_replication_slots"),
	'what is acknowledged is confirmed');

# Killed while rows come, and started again.
for my $round (1 .. 3)
{
	insert(20);
	$node->stop;
	insert(20);
	$node = start_node();
	insert(5);
	has_all("kill $round");
}

# The process alone dies, with a transaction that it did not acknowledge.
insert(1000 - $rows);
has_all('another process of the name');
says($client, qr/no process is registered/, 'its end is told');

# The node is there, and says nothing.
$node->signal('STOP');
insert(5);
says($client, qr/silent for 4000 ms/, 'a silent node is given up');
# What came before the silence is there before another dialog is.
again('^\{hello,', 'another dialog', sub { $node->signal('CONT'); });
has_all('after a silence');

# A clean end: the node is told.
$client->signal('TERM');
$client->finish;
is($client->result(0), 0, 'SIGTERM is a clean end');
ErlangNode::wait_until(sub { count_seen('\{stopped,\d+\}') },
	'and the process knows');

# Idle for longer than the node is patient, which is what ticks are for; our own
# patience is another one.
again('^\{hello,', 'another client of the same name', sub { $client = start_client(); });
insert(5);
has_all('it delivers');
my $hellos = count_seen('^\{hello,');
select undef, undef, undef, 8;
insert(5);
has_all('after an idle time');
is(count_seen('^\{hello,'), $hellos, 'in the same dialog');

# The other way round: for the node the client is silent, as in a black hole.
again('^\{down,noconnection\}', 'a silent client is given up', sub { $client->signal('STOP') });
$client->signal('CONT');
insert(5);
has_all('when it goes on');

# One that hangs is replaced by the next one of its name, which has the slot when
# its predecessor has lost it.
$client->signal('STOP');
my $successor;
again('^\{hello,', 'its namesake takes over', sub { $successor = start_client(); });
$client->kill_kill(grace => 0);
insert(5);
has_all('from the namesake');
$client = $successor;

# In the middle of a transaction, when the client has used up its credit.
for my $who ('node', 'client')
{
	my $short = $who eq 'client' ? { 'connect-timeout' => '1s' } : {};

	$node->stop;
	$node = start_node(hold => $rows + 700);
	again('^\{held,middle\}', "the $who, in the middle of a transaction",
		sub { insert_together(2000) });
	if ($who eq 'client')
	{
		$client->kill_kill(grace => 0);
		$client = start_client(%$short);
		says($client, qr/receiver has not answered \{hello, Map\} for 1000 ms/,
			'a process that does not answer is told');
	}
	$node->stop;
	$node = start_node();
	has_all("after the $who was killed");
}
$client->signal('TERM');
$client->finish;

# With an end the program ends, and not before all is acknowledged.
insert(5);
my $end = $etf->sql('SELECT pg_current_wal_lsn()');
my ($status) = EtfCommand::run(command(endpos => $end));
is($status, 0, 'endpos is a clean end');
has_all('up to endpos');
$node->stop;

# Between two dialogs there is nothing to do before the end.
$err = '';
$client = start_client();
says($client, qr/EPMD there does not know it/, 'nobody is there');
$client->signal('TERM');
$client->finish;
is($client->full_result(0) & 127, 15, 'SIGTERM ends the program');

# A slot that was read is not made again, though the process stores nothing.
my $file = "$dir/forgetful";
append_to_file($file, '');
$node = start_node(file => $file, forgetful => 'true');
$client = start_client(slot => 'made', create => 'if_missing');
ErlangNode::wait_until(sub { slurp_file($file) =~ /status,connected/ }, 'a slot is made');
$etf->sql('INSERT INTO t VALUES (-5)');
ErlangNode::wait_until(sub { slurp_file($file) =~ /rows,\[-5\]/ }, 'and read');
$node->stop;
$server->poll_query_until('postgres',
	"SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'made'");
$etf->sql("SELECT pg_drop_replication_slot('made')");
$node = start_node(file => $file, forgetful => 'true');
says($client, qr/error: slot "made" does not exist/, 'a slot that has gone')
  or $client->kill_kill(grace => 0);
$client->finish;
is($client->result(0), 5, 'it ends the program');

unlike($err . slurp_file($seen) . $out, qr/crumb/, 'the cookie is nowhere');

done_testing();
