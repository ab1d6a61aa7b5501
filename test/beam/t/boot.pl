# Sidecars that cannot boot: the caller is told why, and what helps.
use strict;
use warnings;

use BeamTest;
use PostgreSQL::Test::Utils;
use Test::More;

BeamTest::needs_elixir();

my $broken = PostgreSQL::Test::Utils::tempdir();
append_to_file("$broken/broken.ex", "defmodule Broken do\n  def f, do: missing()\nend\n");

my $beam = BeamTest->new('boot', conf => 'elixir.max_restarts = 0');
my $echo = q{SELECT elixir_call('Shop.echo', '1')};

$beam->sql('CREATE ROLE app; CREATE ROLE dba IN ROLE pg_monitor;
	GRANT EXECUTE ON FUNCTION elixir_call TO app, dba');

# What a call says once this command has ended.
sub failure
{
	my ($command, %param) = @_;
	my $ended = $beam->health('restarts') || 0;

	$beam->set('elixir.code_path' => $param{code_path} // '');
	$beam->set('elixir.command' => $command);
	$beam->wait_for("SELECT status = 'failed' AND coalesce(restarts, 0) > $ended FROM elixir_health()", $command);
	return $beam->sql_error(($param{role} ? "SET ROLE $param{role}; " : '') . $echo);
}

my $error = failure('/none/such/program --flag');
like($error, qr/57P03: the sidecar is not available/, 'a program that is not there');
like($error, qr/DETAIL: .*exit status 127: the shell did not find the program\./,
	'the status says so');
like($error, qr{It printed:\n.*/none/such/program.*not found}, 'with what the shell says');
like($error, qr/HINT: .*elixir\.command.*elixir_health\(\)/, 'and what helps');
like($beam->health('last_exit'), qr/^exit status 127: the shell/, 'elixir_health has the status');
like($beam->health('last_output'), qr{/none/such/program.*not found}, 'and what was printed');

my $secret = q{sh -c 'echo secret >&2; exit 3'};
unlike(failure($secret, role => 'app'), qr/secret/, 'which is not shown to everybody');
like(failure("$secret #", role => 'app'), qr/exit status 3/, 'but the status is');
like(failure("$secret ##", role => 'dba'), qr/secret/, 'members of pg_monitor see it');

like(failure('elixir -e PgEtf.Sidecar.boot --no-halt'),
	qr/It printed:\n.*module PgEtf\.Sidecar is not available/s, 'the library is not in the path');
like(failure("elixir -pa $ENV{ETF_EBIN} -e PgEtf.Sidecar.boot"),
	qr/exit status 0: nothing keeps it running, as --no-halt does/, 'nothing keeps it running');
like(failure(BeamTest::command(), code_path => $broken), qr/It printed:\n.*missing/s,
	'source that does not compile');
like(failure(BeamTest::command() . ' ', code_path => "$broken/none"), qr/It printed:\n.*none/s,
	'source that is not there');

$error = failure(q{sh -c 'for i in $(seq 500); do echo "line $i"; done; exit 1'});
like($error, qr/line 499\nline 500\n/, 'of much output the end is kept');
unlike($error, qr/line 1\n/, 'and no more');
like(failure(q{sh -c 'printf "%2000s" end; printf "\377\n"; exit 1'}), qr/It printed:.*end\\FF/s,
	'a long line, and bytes that are no text');

$beam->set('elixir.code_path' => '');
$beam->set('elixir.command' => BeamTest::command());
$beam->wait_until_ready;
is($beam->sql($echo), 1, 'it boots when the command is mended');

$beam->stop;
done_testing();
