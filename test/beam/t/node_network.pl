# A network that drops what is sent, and one that resets: before, in and behind
# the greeting, with a real node at the other end.  Every wait ends by its time
# limit or by who waits, and nothing is run twice.
use strict;
use warnings;

use BeamTest;
use ErlangNode;
use FindBin;
use IPC::Open2;
use Test::More;
use Time::HiRes qw(time);

my ($far, $listener) = split / /, $ENV{ETF_LISTENERS} // '';

plan(skip_all => 'needs root and ip(8), for a network of its own') if !$far;
my ($fd) = $listener =~ /^(\d+)/;

my $shop = ErlangNode->new('shop');
my $node = $shop->name;
my $beam = BeamTest->new('network', preload => 0);

# The node as it is, and beyond the wire; each with a session of its own.
my $port = $beam->sql(qq{CREATE SERVER near FOREIGN DATA WRAPPER erlang OPTIONS (node '$node');
	CREATE USER MAPPING FOR PUBLIC SERVER near OPTIONS (cookie 'crumb');
	SELECT erlang_call_as(NULL::text, 'near', 'test_node', 'port')});
my $proxy_pid = open2(my $from_proxy, my $to_proxy, $^X,
	"$FindBin::Bin/../../lib/proxy.pl", "127.0.0.1:$port", $fd);
my $proxy_port = readline($from_proxy) + 0;

$to_proxy->autoflush;
$beam->sql(qq{CREATE SERVER shop FOREIGN DATA WRAPPER erlang OPTIONS (node '$node',
		hostaddr '$far', port '$proxy_port', connect_timeout '2s', call_timeout '2s');
	CREATE USER MAPPING FOR PUBLIC SERVER shop OPTIONS (cookie 'crumb')});

sub wire
{
	my ($order) = @_;

	open my $orders, '>', $ENV{ETF_NETWORK} or die "$ENV{ETF_NETWORK}: $!";
	print {$orders} "$order\n";
	close $orders;
	select undef, undef, undef, 0.5;    # until it has been obeyed
	return;
}

sub proxy { print {$to_proxy} "$_[0]\n"; return; }

sub near { return $beam->sql("SELECT erlang_call('near', 'test_node', $_[0])"); }
sub is_alive { return near("'alive', '[\"$_[0]\"]'") eq 'true'; }

my $session = $beam->node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');

# What a query of the session says, its error included.
sub far
{
	my ($sql) = @_;

	$session->{stderr} = '';
	my $out = $session->query($sql);
	return $out . $session->{stderr};
}
$session->query('\set VERBOSITY verbose');

sub call { return "SELECT erlang_call('shop', 'test_node', $_[0])"; }
my $echo = call(q{'echo', '[1]'});

# A neighbour that was not heard is asked for again, which takes its time.
sub mend
{
	my ($what) = @_;

	wire('mend');
	ErlangNode::wait_until(sub { far($echo) eq '1' }, $what);
	return;
}

is(far($echo), '1', 'a call over the wire');

# Dropped
sub takes
{
	my ($limit, $code, $what) = @_;
	my $began = time;

	$code->();
	cmp_ok(time - $began, '<', $limit, "$what: soon");
	return;
}
wire('cut');
takes(20, sub { like(far($echo), qr/08000.*did not answer within 2000 ms/, 'a call into a black hole'); },
	'a time limit');
takes(20, sub { like(far($echo), qr/08001.*(did not answer within 2000 ms|No route to host)/, 'a connection into one'); },
	'connecting');
takes(20, sub { like(far("SET statement_timeout = 300; $echo; RESET statement_timeout"), qr/57014|08001/,
			'statement_timeout'); }, 'a cancel');
takes(20, sub { is(far(q{SELECT erlang_ping('shop')}), 'f', 'a ping is answered no'); }, 'a ping');
mend('and back');

# In mid-call; the node learns of it when the wire does.
for my $way ('a time limit', 'a cancel')
{
	my $name = $way =~ s/\W/_/gr;
	my $hang = call(qq{'hang', '["$name"]'});

	$session->query_until(qr/begun/, "\\echo begun\n$hang;\n");
	ErlangNode::wait_until(sub { is_alive($name) }, "a call runs, to end by $way");
	wire('cut');
	$beam->sql("SELECT pg_cancel_backend($pid)") if $way eq 'a cancel';
	$session->{stderr} = '';
	like(far('SELECT 1'), qr/1/, 'its end is heard');
	ok(is_alive($name), 'but not by the node');
	wire('mend');
	ErlangNode::wait_until(sub { !is_alive($name) }, 'before the wire is whole');
	mend('the session goes on');
}

# What the kernel has no room for
wire('cut');
takes(20, sub { like(far(q{SELECT erlang_call('shop', 'test_node', 'echo',
		jsonb_build_array(repeat('x', 15000000)))}), qr/08000/, 'a large call'); }, 'sending');
mend('which is forgotten');

# A commit does not wait for the network, unless it has to connect.
is(near(q{'collect', '["box"]'}), '"ok"', 'a process that keeps what it is sent');
wire('cut');
takes(10, sub { is(far(q{BEGIN; SELECT erlang_send_on_commit('shop', 'box', 1); COMMIT}), '',
			'a commit with a message'); }, 'a commit');
wire('mend');
ErlangNode::wait_until(sub { near(q{'collected', '["box"]'}) eq '[1]' },
	'which TCP brings later');

# Reset
$session->query_until(qr/begun/, "\\echo begun\n" . call(q{'hang', '["reset"]', 60000}) . ";\n");
ErlangNode::wait_until(sub { is_alive('reset') }, 'a call runs');
$session->{stderr} = '';
proxy('reset');
like(far('SELECT 1'), qr/08006: connection to node \Q$node\E was lost.*The function may have run/s,
	'a reset in mid-call');
ErlangNode::wait_until(sub { !is_alive('reset') }, 'ends it there');
is(far($echo), '1', 'the next call connects');
proxy('reset');
select undef, undef, undef, 1;    # it has to be there before the call
is(far($echo), '1', 'a reset between calls is not noticed');
proxy('byte');
is(far("SELECT erlang_disconnect('shop') \\g /dev/null\n$echo"), '1', 'byte by byte');
proxy('pass');

# The server ends while nothing comes through.
is(far($echo), '1', 'connected once more');
$session->query_until(qr/begun/, "\\echo begun\n" . call(q{'hang', '["stop"]', 60000}) . ";\n");
ErlangNode::wait_until(sub { is_alive('stop') }, 'a last call');
wire('cut');
takes(20, sub { $beam->stop }, 'a fast stop');
wire('mend');
eval { $session->quit };

close $to_proxy;
waitpid $proxy_pid, 0;
$shop->stop;
done_testing();
