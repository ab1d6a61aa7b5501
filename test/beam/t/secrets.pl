# A cookie is nowhere but where it was given: not in views, messages or logs of
# any level, nor in the memory of a session that has only used it, which is what
# a core file would hold.
use strict;
use warnings;

use BeamTest;
use ErlangNode;
use PostgreSQL::Test::Utils;
use Test::More;

no warnings 'portable';    # addresses have 64 bits

my $cookie = join '', 'MARKER', map { chr(65 + rand 26) } 1 .. 20;
my $shop = ErlangNode->new('shop', cookie => $cookie);
my $node = $shop->name;
my $file = PostgreSQL::Test::Utils::tempdir() . '/cookie';

append_to_file($file, "$cookie\n");
chmod 0400, $file;
my $beam = BeamTest->new('secrets', conf => "log_min_messages = debug5
log_error_verbosity = verbose
log_statement = all
debug_print_plan = on
erlang.cookie_file = '$file'");

$beam->sql("CREATE ROLE app LOGIN; CREATE SERVER shop FOREIGN DATA WRAPPER erlang
		OPTIONS (node '$node', allow '*:*');
	CREATE USER MAPPING FOR app SERVER shop OPTIONS (cookie_file '$file');
	GRANT USAGE ON FOREIGN SERVER shop TO app;
	GRANT EXECUTE ON FUNCTION erlang_call, erlang_nodes TO app");

my $session = $beam->node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');

# Where the text is in what this process may write to.
sub places
{
	my ($of) = @_;
	my $found = 0;

	open my $memory, '<:raw', "/proc/$of/mem" or return;
	for (slurp_file("/proc/$of/maps") =~ /^(\S+ rw\S+ .*)$/mg)
	{
		my ($from, $to) = /^([0-9a-f]+)-([0-9a-f]+)/;

		next if !sysseek $memory, hex $from, 0;
		sysread $memory, my $bytes, hex($to) - hex($from);
		$found += () = ($bytes // '') =~ /\Q$cookie\E/g;
	}
	return $found;
}

$session->query('SET ROLE app');
is($session->query("SELECT erlang_call('shop', 'erlang', 'node')"), qq{"$node"}, 'a call by a mapping');
$session->query('RESET ROLE');
is($session->query("SELECT erlang_call('$node', 'erlang', 'node')"), qq{"$node"}, 'one by the setting');
$session->query("SELECT erlang_call('$node', 'm', 'f')");
SKIP:
{
	my $places = places($pid);

	skip "the memory of another process cannot be read here", 2 if !defined $places;
	is($places, 0, 'the session has no cookie left');
	$session->query("SELECT set_config('test.marker', '$cookie', false)");
	cmp_ok(places($pid), '>', 0, '... which this way would be seen');
}
$session->quit;

for my $view (qw(pg_settings pg_file_settings pg_foreign_server pg_user_mappings
	pg_stat_activity erlang_nodes() information_schema.user_mapping_options))
{
	unlike($beam->sql("SELECT * FROM $view"), qr/$cookie/, "$view has none");
}
for my $setting (qw(erlang.cookie_file elixir.command))
{
	like($beam->sql_error("SET ROLE app; SHOW $setting"), qr/must be superuser|privileges/,
		"$setting is not for everybody");
	is($beam->sql("SET ROLE app; SELECT count(*) FROM pg_settings WHERE name = '$setting'"), 0,
		'... in views, too');
}

# Wrong ones are not told, either.
for my $bad ("SELECT erlang_connect('$node', 'WRONG$cookie')",
	"CREATE USER MAPPING FOR app SERVER shop OPTIONS (cookie 'WRONG')")
{
	my $error = $beam->sql_error("SET log_statement = none; SET log_min_error_statement = panic; $bad");

	like($error, qr/ERROR/, 'an error');
	unlike($error =~ s/^LINE.*//mgr, qr/WRONG/, '... without the cookie');
}
my $log = $beam->log =~ s/^.*(?:set_config|WRONG).*$//mgr;
unlike($log, qr/$cookie/, 'the log has it in no line but those of statements that have');

$beam->stop;
$shop->stop;
done_testing();
