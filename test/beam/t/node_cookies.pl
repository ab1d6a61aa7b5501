# Cookies: none stays in memory, and a wrong one does not displace a right one.
use strict;
use warnings;

use BeamTest;
use ErlangNode;
use PostgreSQL::Test::Utils;
use Test::More;

no warnings 'portable';

my $shop = ErlangNode->new('shop');
my $node = $shop->name;
my $beam = BeamTest->new('cookies', preload => 0);
my $session = $beam->node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');

# Is it in the memory of the session that can be written?
sub remembers
{
	my ($text) = @_;

	open my $memory, '<:raw', "/proc/$pid/mem" or return;
	for (split /\n/, slurp_file("/proc/$pid/maps"))
	{
		my ($from, $to, $name) = /^(\w+)-(\w+) rw-p \S+ \S+ \S+\s*(.*)/ or next;

		sysseek $memory, hex $from, 0;
		sysread $memory, my $bytes, hex($to) - hex($from);
		return 1 if index($bytes // '', $text) >= 0;
	}
	return 0;
}

SKIP:
{
	my $file = PostgreSQL::Test::Utils::tempdir() . '/cookie';
	my $tail = join '', map { chr(97 + $_ * 7 % 26) } 1 .. 40;

	append_to_file($file, "long-enough-for-what-a-freed-chunk-overwrites-$tail");
	chmod 0600, $file;
	$beam->sql("CREATE SERVER down FOREIGN DATA WRAPPER erlang OPTIONS (node 'down\@127.0.0.1', port '1');
		CREATE USER MAPPING FOR PUBLIC SERVER down OPTIONS (cookie_file '$file')");
	$session->query("SELECT 'what is " . "known'");
	skip('memory of others cannot be read', 3) if !defined remembers('a');
	ok(remembers('what is known'), 'what the session was told is found in memory');
	$session->query("SELECT erlang_connect('down')");
	like($session->{stderr}, qr/could not connect/, 'a connection fails');
	ok(!remembers($tail), 'and its cookie is gone');
}

for my $right ("SELECT erlang_connect('$node', 'crumb')",
	"CREATE SERVER shop FOREIGN DATA WRAPPER erlang OPTIONS (node '$node');
	CREATE USER MAPPING FOR PUBLIC SERVER shop OPTIONS (cookie 'crumb')")
{
	my $name = $right =~ /SERVER/ ? 'shop' : $node;

	$session->query($right);
	$session->{stderr} = '';
	$session->query("SELECT erlang_connect('$name', 'wrong')");
	like($session->{stderr}, qr/does not accept the cookie/, "a wrong cookie for $name");
	is($session->query("SELECT erlang_call('$name', 'erlang', 'node')"), qq{"$node"},
		'the right one is still known');
}

$session->quit;
$beam->stop;
$shop->stop;
done_testing();
