# What may happen to those who read tables, at any moment, and how often it hit them at work.
#
#	my $faults = EtfFaults->new($etf, EtfCutter->new($etf->node, 0));
#	$faults->hurt($_) for $faults->shuffled(3);
#	cmp_ok($faults->hits, '>=', 2, 'in the middle');
#
# The server is there again after each of them.
package EtfFaults;

use strict;
use warnings;

use List::Util qw(shuffle sum0);
use Test::More;

my %where = (
	reader => q{backend_type = 'client backend' AND state = 'active' AND query ~ 'etf_read' AND pid <> pg_backend_pid()},
	keeper => q{backend_type = 'client backend' AND state = 'idle in transaction' AND backend_xmin IS NOT NULL},
	walsender => q{backend_type = 'walsender'});

# With more of them, by name, or others in their place.
sub new
{
	my ($class, $etf, $network, %more) = @_;
	my $self = bless { etf => $etf, node => $etf->node, hits => {} }, $class;

	$self->{faults} = {
		'a reader is terminated' => sub { $self->terminate('reader') },
		'a reader is killed' => sub { $self->kill_backend('reader') },
		'the walsender is killed' => sub { $self->kill_backend('walsender') },
		'the server is stopped' => sub { $self->{node}->stop('immediate'); $self->{node}->start },
		'all connections are cut' => sub { $network->cut },
		%more };
	return $self;
}

# So many times each of them, in any order.
sub shuffled
{
	my ($self, $times) = @_;

	return shuffle(map { sort keys %{ $self->{faults} } } 1 .. $times);
}

sub backends
{
	my ($self, $which) = @_;
	my $pids = eval { $self->{etf}->sql("SELECT pid FROM pg_stat_activity WHERE $where{$which}") } // '';

	return split /\n/, $pids;
}

sub terminate
{
	my ($self, $which) = @_;

	my @answer = $self->{node}->psql('postgres',
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $where{$which} LIMIT 1");
	return;
}

# The server comes back by itself, sooner or later.
sub kill_backend
{
	my ($self, $which) = @_;

	kill KILL => $_ for ($self->backends($which))[0] // ();
	return;
}

# It happens now: is anything half read?
sub count
{
	my ($self, $name) = @_;
	my $middle = $self->backends('reader');

	note sprintf '%s, with %d readers at work', $name, $middle;
	$self->{hits}{$name} += $middle > 0;
	return;
}

sub hurt
{
	my ($self, $name) = @_;

	$self->count($name);
	$self->{faults}{$name}->($self);
	$self->{node}->poll_query_until('postgres', 'SELECT 1', '1') or die 'no server';
	return;
}

sub hits
{
	my ($self) = @_;

	note "$_: $self->{hits}{$_}" for sort keys %{ $self->{hits} };
	return sum0(values %{ $self->{hits} });
}

1;
