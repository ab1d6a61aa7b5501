# A path of the socket that leads elsewhere by mistake harms nothing there.
use strict;
use warnings;

use BeamTest;
use PostgreSQL::Test::Utils;
use Test::More;

BeamTest::needs_elixir();

my $beam = BeamTest->with_sidecar('socket');
my $data = $beam->node->data_dir;
my $echo = q{SELECT elixir_call('Shop.echo', '1')};

append_to_file("$data/of_the_server", 'here');
mkdir "$data/shared";
chmod 0750, "$data/shared";
for my $path ('of_the_server', 'shared', 'x' x 200, '')
{
	my $from = length $beam->log;

	$beam->set('elixir.socket' => $path);
	ok(BeamTest::eventually(sub { substr($beam->log, $from) =~ /sidecar has ended: exit status 1/ }),
		"'$path' is no place for a socket");
}
like($beam->sql_error(qq{SET "elixir.request_timeout_ms" = 1000; $echo}), qr/57P03/, 'calls are told');
$beam->set('elixir.socket' => 'shared/sock');
$beam->wait_for("$echo = '1'", 'another directory is one');
is(slurp_file("$data/of_the_server"), 'here', 'no file is taken for an old socket');
is((stat "$data/shared")[2] & 0777, 0750, 'nor a directory for ours');

$beam->stop;
done_testing();
