# Real Erlang nodes on the loopback, with an EPMD of their own.
#
#	use ErlangNode;		# before a server starts: it finds EPMD as we do
#
#	my $shop = ErlangNode->new('shop', cookie => 'secret');
#	... $shop->name ...	# shop@127.0.0.1
#	$shop->stop;
package ErlangNode;

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our $host = '127.0.0.1';
my $epmd;
my @running;

INIT
{
	$ENV{ERL_EPMD_PORT} = PostgreSQL::Test::Cluster::get_free_port();
}

sub start_epmd
{
	return if $epmd;
	$epmd = IPC::Run::start(
		[ 'epmd', '-address', $host, '-port', $ENV{ERL_EPMD_PORT},
			'-relaxed_command_check' ],
		'>', \my $out, '2>', \my $err);
	return;
}

# Parameters: cookie; erl, a list of further arguments of erl.
sub new
{
	my ($class, $alive, %param) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless {
		name => "$alive\@$host", cookie => $param{cookie} // 'crumb',
		dir => $dir, log => "$dir/log" }, $class;

	start_epmd();
	my @command = (
		split(' ', $self->command), '-noinput', '-pa', $ENV{ETF_EBIN},
		@{ $param{erl} // [] },
		'-eval', "ok = file:write_file(\"$dir/ready\", \"\")");
	local $ENV{HOME} = $dir;
	$self->{run} = IPC::Run::start(\@command, '>', $self->{log},
		'2>', "$self->{log}.err");
	push @running, $self;
	wait_until(sub { -e "$dir/ready" }, "$self->{name} runs");
	return $self;
}

# What starts such a node.
sub command
{
	my ($self) = @_;

	return "erl -name $self->{name} -setcookie $self->{cookie}\n";
}

sub name { return $_[0]->{name}; }
sub cookie { return $_[0]->{cookie}; }
sub pid { return $_[0]->{run}->{KIDS}->[0]->{PID}; }

sub signal
{
	my ($self, $signal) = @_;

	kill $signal, $self->pid or die "no $self->{name} to signal";
	return;
}

# What the node has written: output of what was called, reports of its own.
sub log
{
	my ($self) = @_;

	return slurp_file($self->{log});
}

sub stop
{
	my ($self) = @_;

	$self->{run}->kill_kill(grace => 0) if $self->{run};
	delete $self->{run};
	return;
}

# Wait for a condition; the test fails when it never comes.
sub wait_until
{
	my ($condition, $what) = @_;

	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return pass($what) if $condition->();
		select undef, undef, undef, 0.1;
	}
	return fail($what);
}

END
{
	my $status = $?;

	$_->stop for @running;
	$epmd->kill_kill(grace => 0) if $epmd;
	$? = $status;
}

1;
