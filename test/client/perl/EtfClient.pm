# pg_etf_client behind a Port of a real BEAM, driven line by line.
#
#	my $client = EtfClient->start($node, slot => "'s'");
#	$client->say('{credit, 10, 100000}');
#	$client->expect(qr/^\{frame,tx,whole/, 'a frame comes');
package EtfClient;

use strict;
use warnings;

use EtfTest;
use IPC::Run;
use Test::More;
use Time::HiRes qw(sleep time);

# Long enough for a machine that does ten other things; only a failure waits.
my $default_timeout = $ENV{ETF_CLIENT_TIMEOUT} // 120;

# The BEAM and the client, without settings yet.
sub new
{
	my ($class, $program, $driver) = @_;
	my $self = bless { in => '', out => '', lines => [] }, $class;
	my @erl = (
		'erl', '-noshell', '-pa', $ENV{ETF_DRIVER}, $ENV{ETF_BEAM}, '-s', $driver // 'port_driver', 'main',
		$program // $ENV{ETF_CLIENT});

	$self->{run} = IPC::Run::start(\@erl, '<', \$self->{in}, '>',
		\$self->{out});
	$self->wait_for(qr/^\{os_pid,(\d+)\}/) or die 'the BEAM does not start';
	$self->{pid} = $self->{match}[0];
	return $self;
}

# The settings of {start, Map} for a server, as Erlang text.
sub settings
{
	my ($node, %setting) = @_;
	my $conninfo =
	  $node->connstr('postgres') . ' application_name=pg_etf_client';
	my $pgoutput = EtfTest::plugin() eq 'pgoutput';
	my $names = $pgoutput ? ', publication_names => <<"everything">>' : '';
	my %all = (
		conninfo => qq{<<"$conninfo">>},
		options => "#{rows => tuple, dialect => compact$names}",
		$pgoutput ? (plugin => 'pgoutput') : (),
		status_interval => '1000',
		slot => '<<"s">>',
		%setting);

	return '#{' . join(', ', map { "$_ => $all{$_}" } sort keys %all) . '}';
}

sub start
{
	my ($class, $node, %setting) = @_;
	my $self = $class->new;

	$self->say('{send, {start, ' . settings($node, %setting) . '}}');
	return $self;
}

# One term to the driver.
sub say
{
	my ($self, $term) = @_;

	$self->{in} .= "$term.\n";
	$self->pump(0);
	return;
}

sub pump
{
	my ($self, $wait) = @_;
	my $until = time + $wait;

	do
	{
		$self->{run}->pump_nb if $self->{run}->pumpable;
		push @{ $self->{lines} }, $1 while $self->{out} =~ s/^(.*?)\.\n//s;
		sleep 0.01 if time < $until;
	} while (time < $until && !@{ $self->{lines} });
	return;
}

# The next line, or undef after so many seconds.
sub line
{
	my ($self, $timeout) = @_;

	$self->pump(0);
	$self->pump($timeout) unless @{ $self->{lines} };
	my $line = shift @{ $self->{lines} };
	push @{ $self->{violations} }, $line
	  if defined $line && $line =~ /^\{violation/;
	return $line;
}

# Lines up to one that matches; returns it, and its captures in {match}.
sub wait_for
{
	my ($self, $pattern, $timeout) = @_;
	my $until = time + ($timeout // $default_timeout);

	$self->{skipped} = [];
	while (time < $until)
	{
		my $line = $self->line($until - time) // last;

		if ($line =~ $pattern)
		{
			$self->{match} = [ map { substr $line, $-[$_], $+[$_] - $-[$_] }
				  1 .. $#- ];
			return $line;
		}
		push @{ $self->{skipped} }, $line;
	}
	return;
}

sub expect
{
	my ($self, $pattern, $name, $timeout) = @_;
	my $line = $self->wait_for($pattern, $timeout);

	ok(defined $line, $name)
	  or diag "no $pattern, but:\n", join "\n", @{ $self->{skipped} };
	return $line;
}

# Nothing that matches within so many seconds.
sub silent
{
	my ($self, $pattern, $seconds, $name) = @_;

	is($self->wait_for($pattern, $seconds), undef, $name);
	return;
}

# One value of the next stats packet.
sub stat
{
	my ($self, $key) = @_;

	$self->say('{send, stats}');
	my $line = $self->wait_for(qr/^\{stats,.*\b\Q$key\E => ([^,}]+)/s)
	  // return;
	return $self->{match}[0];
}

# Insert numbers of all frames until one that holds the last number.
sub rows_until
{
	my ($self, $last, $timeout) = @_;
	my $until = time + ($timeout // $default_timeout);
	my @rows;

	while (time < $until)
	{
		my $line = $self->line($until - time) // last;

		push @{ $self->{seen} }, $line;
		next unless $line =~ /^\{frame,.*\[(.*)\]\}$/;
		push @rows, split /,/, $1;
		last if @rows && $rows[-1] eq $last;
	}
	return \@rows;
}

sub is_clean
{
	my ($self, $name) = @_;

	$self->pump(0);
	my @violations =
	  (@{ $self->{violations} // [] }, grep { /^\{violation/ } @{ $self->{lines} });
	is_deeply(\@violations, [], $name);
	return;
}

# A clean end; the exit status of the client must be the one given.
sub stop
{
	my ($self) = @_;

	$self->say('{send, stop}');
	return $self->exit_status;
}

sub exit_status
{
	my ($self, $timeout) = @_;
	my $line = $self->wait_for(qr/^\{exit,(\d+)\}/, $timeout);

	return $self->{match}[0] if defined $line;
	diag "no exit, but:\n", join "\n", @{ $self->{skipped} };
	return 'none';
}

sub client_pid { return $_[0]->{pid}; }

sub quit
{
	my ($self) = @_;

	# Perl destroys what is left at its end in any order; the tests of 19 call it
	# a failure when somebody dies of that.
	return if $self->{gone}++ || !defined $self->{run};
	$self->{in} .= "quit.\n";
	eval {
		local $SIG{ALRM} = sub { die };
		alarm 10;
		$self->{run}->finish;
		alarm 0;
		1;
	} or $self->{run}->kill_kill;
	return;
}

sub DESTROY { $_[0]->quit; return; }

1;
