# A BEAM that somebody else runs, and nothing preloaded; code of the user's own.
use strict;
use warnings;

use BeamTest;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

BeamTest::needs_elixir();

my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $socket = "$dir/sock";
my $beam = BeamTest->new('external', preload => 0,
	conf => "elixir.socket = '$socket'\nelixir.request_timeout_ms = 5000");
my $echo = q{SELECT elixir_call('Shop.echo', '1')};

my $run;

sub start
{
	my $out = '';
	my $run = IPC::Run::start(
		[ 'elixir', '-pa', $ENV{ETF_EBIN}, '-e', <<"END" ], '<', \undef, '>', \$out);
{:ok, _} = PgEtf.Sidecar.start_link(socket: "$socket", modules: [Shop])
IO.puts("started")
Process.sleep(:infinity)
END
	$run->pump until $out =~ /started/;
	return $run;
}

sub end_of
{
	my ($pid) = @_;

	die "no process: $pid" unless $pid =~ /^\d+$/;
	kill 'KILL', $pid;
	$run->finish;
	return;
}

is($beam->health('status'), 'external', 'nobody runs it for us');
like($beam->health('last_exit'), qr/could not connect to the sidecar/,
	'elixir_health says what is wrong');

$run = start();
is($beam->sql($echo), 1, 'its functions can be called');
is($beam->health('status, request_count > 0, memory_mb > 0, uptime_seconds >= 0,
		last_exit IS NULL'),
	'external|t|t|t|t', 'elixir_health asks the BEAM');
like($beam->sql_error('SELECT elixir_restart()'),
	qr/55000: +the server does not run a sidecar/, 'it is not restarted');

my $session = $beam->node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query(q{SELECT elixir_call('Shop.pid')});
end_of($pid);
$run = start();
isnt($session->query(q{SELECT elixir_call('Shop.pid')}), $pid,
	'an open session finds the next one');
end_of($session->query(q{SELECT elixir_call('Shop.pid')}));
$session->quit;
like($beam->sql_error($echo), qr/08001/, 'and an error when there is none');
$beam->stop;

# Code that is compiled when the sidecar starts
sub tax
{
	my ($end) = @_;

	open my $file, '>', "$dir/tax.ex" or die $!;
	print $file "defmodule Tax do\n\tuse PgEtf.Functions\n\n\t\@sql true\n",
	  "\tdef add(price), do: price * 1.25\n$end";
	close $file;
	return;
}
tax('end');
my $own = BeamTest->with_sidecar('code', conf => "elixir.code_path = '$dir'");
is($own->sql(q{SELECT elixir_call('Tax.add', '8')}), '10', 'elixir.code_path');
tax('');
is($own->sql('SELECT elixir_restart()'), 'f', 'code that does not compile');
ok($own->log_has(qr/elixir: .*tax\.ex/), 'the log says where');
like($own->sql_error(qq{SET "elixir.request_timeout_ms" = 1000; $echo}),
	qr/57P03/, 'calls are refused');
tax('end');
is($own->sql('SELECT elixir_restart()'), 't', 'mended');
is($own->sql(q{SELECT elixir_call('Tax.add', '8')}), '10', 'they are not');

# Nobody calls: nothing is done, or nearly.
sub ticks
{
	my ($of) = @_;
	my @stat = split ' ', slurp_file("/proc/$of/stat") =~ s/^.*\) //sr;

	return $stat[11] + $stat[12];
}
$pid = $own->sql(q{SELECT elixir_call('Shop.pid')});
my ($worker) = slurp_file("/proc/$pid/status") =~ /^PPid:\s+(\d+)/m;
sleep 1;
my $ticks = ticks($pid) + ticks($worker);
sleep 5;
cmp_ok(ticks($pid) + ticks($worker) - $ticks, '<=', 10,
	'idle costs less than 2 % of a core');
$own->stop;

done_testing();
