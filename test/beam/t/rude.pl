# Functions that do what no function should: their caller is told, the calls of
# others go on beside it, and the BEAM stays.
use strict;
use warnings;

use BeamTest;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

BeamTest::needs_elixir();

my $beam = BeamTest->with_sidecar('rude',
	conf => "elixir.call_memory_mb = 100\nelixir.breaker_failures = 0");
my $echo = q{SELECT elixir_call('Shop.echo', '1')};
my $pid = $beam->health('pid');

sub run
{
	my ($source) = @_;

	$source =~ s/"/\\"/g;
	return qq{SELECT elixir_call('Rude.run', \$json\$"$source"\$json\$)};
}

# Others call all the while, until told to end.
my $script = PostgreSQL::Test::Utils::tempdir() . '/others.sql';
append_to_file($script, q{SELECT 1 / (elixir_call('Shop.echo', '7') = '7')::int;});
my ($out, $err) = ('', '');
my $others = IPC::Run::start(
	[ 'pgbench', '-n', '-h', $beam->node->host, '-p', $beam->node->port, '-c', 4,
		'-P', 1, '-T', 600, '-f', $script, 'postgres' ],
	'<', \undef, '>', \$out, '2>', \$err);
$others->pump until $err =~ /progress: 1/;

# What a function does, and what its caller is told.
for my $case (
	[ 'throws', 'throw(:ball)', qr/38000.*threw :ball/ ],
	[ 'exits', 'exit(:stage)', qr/38000.*exited with :stage/ ],
	[ 'exits as if nothing were', 'exit(:normal)', qr/38000.*exited with :normal/ ],
	[ 'kills itself', 'Process.exit(self(), :kill)', qr/53200.*was killed/ ],
	[ 'grows', ':lists.seq(1, 1_000_000_000)', qr/53200.*was killed/ ],
	[ 'has its mailbox filled',
		'me = self(); spawn(fn -> for(i <- 1..1_000_000, do: send(me, i)) end); Process.sleep(:infinity)',
		qr/53200.*was killed|08000/ ],
	[ 'has a child that fails', 'spawn_link(fn -> exit(:child) end); Process.sleep(:infinity)',
		qr/38000.*ended by a process linked to it/ ],
	[ 'raises what is no exception', ':erlang.error({:odd, self()})', qr/38000.*odd/ ],
	[ 'raises an exception whose message raises',
		'defmodule Odd do defexception [:a]; def message(_), do: raise("oh") end; raise Odd',
		qr/38000.*Odd/ ],
	[ 'raises without end', 'raise String.duplicate("x", 1_000_000)', qr/38000.*RuntimeError: x+/ ],
	[ 'raises what is no text', 'raise <<255, 0, 254>>', qr/38000.*RuntimeError/ ],
	[ 'returns a huge result', ':binary.copy("x", 17_000_000)', qr/54000/ ],
	[ 'writes to the socket',
		'reply = Process.get({PgEtf.Sidecar, :reply}); :gen_tcp.send(reply.socket, "rubbish"); nil',
		qr/08P01/ ],
	[ 'closes the socket',
		'reply = Process.get({PgEtf.Sidecar, :reply}); :gen_tcp.close(reply.socket); nil',
		qr/08006/ ],
	[ 'kills its connection',
		'reply = Process.get({PgEtf.Sidecar, :reply}); Process.exit(reply.connection, :kill); Process.sleep(:infinity)',
		qr/08006/ ])
{
	my ($what, $source, $pattern) = @$case;

	like($beam->sql_error(qq{SET "elixir.request_timeout_ms" = 5000; } . run($source)), $pattern, "a function that $what");
	is($beam->sql($echo), 1, '... harms nobody else');
}

# What is strange, but no error.
for my $case (
	[ 'traps exits', 'Process.flag(:trap_exit, true); spawn_link(fn -> exit(:child) end); 1' ],
	[ 'changes its group leader', 'Process.group_leader(self(), spawn(fn -> Process.sleep(:infinity) end)); 1' ],
	[ 'changes its dictionary', 'Process.put({PgEtf.Sidecar, :reply}, nil); 1' ],
	[ 'leaves messages behind', 'for(i <- 1..1000, do: send(self(), i)); 1' ],
	[ 'writes to who reads its requests',
		'reply = Process.get({PgEtf.Sidecar, :reply}); for(i <- 1..100_000, do: send(reply.connection, i)); 1' ],
	[ 'leaves processes behind', 'for(_ <- 1..100, do: spawn_link(fn -> Process.sleep(:infinity) end)); 1' ],
	[ 'prints a lot', 'for(i <- 1..20_000, do: IO.puts("line #{i}")); 1' ],
	[ 'prints a long line', 'IO.puts(String.duplicate("x", 20_000_000)); 1' ],
	[ 'prints bytes', 'IO.binwrite(:stdio, <<0, 255, 27, 10>>); 1' ])
{
	my ($what, $source) = @$case;
	my $result = $beam->sql_result(run($source) . "; $echo");

	is($result, "1\n1", "a function that $what");
}
is($beam->sql(run('reply = Process.get({PgEtf.Sidecar, :reply}); '
		. 'for(i <- 1..10_000, do: send(reply.connection, i)); 1')
	  . qq{\\g /dev/null\n$echo \\g /dev/null\nSELECT elixir_call('Rude.waiting')::int < 1000}),
	't', 'nothing is left in the mailbox of a connection');

# Without end: whoever waits is not held, and it does not go on.
like($beam->sql_error(qq{SET statement_timeout = 300; SELECT elixir_call('Rude.spin')}),
	qr/57014/, 'a loop without end is canceled');
$beam->wait_for(q{SELECT elixir_call('Rude.spinning') = '0'}, 'and ends');

# Nobody else has noticed.
$others->signal('TERM');
$others->finish;
unlike($err, qr/ERROR|aborted/, 'no call of others has failed');
is($beam->health('pid'), $pid, 'it is still the same BEAM');
$beam->wait_for(q{SELECT elixir_call('Rude.processes')::int < 300}, 'with no process too many');

$beam->stop;
done_testing();
