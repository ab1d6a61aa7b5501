# A session of its own, for what needs several at a time.
#
#	my $session = EtfSession->new($etf);
#	$session->sql('BEGIN; INSERT ...');
#	$session->sql('COMMIT');
package EtfSession;

use strict;
use warnings;

use IPC::Run;

sub new
{
	my ($class, $etf, $db) = @_;
	my $self = bless { in => '', out => '', err => '', done => 0 }, $class;

	$self->{run} = IPC::Run::start(
		[ 'psql', '-XqAt', '-d', $etf->node->connstr($db // 'postgres') ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err},
		IPC::Run::timeout(120));
	return $self;
}

# Returns when it was executed: what it printed.
sub sql
{
	my ($self, $sql) = @_;
	my $mark = 'done ' . ++$self->{done};

	$self->{out} = '';
	$self->{in} .= "$sql;\nSELECT '$mark';\n";
	until ($self->{out} =~ /^\Q$mark\E$/m)
	{
		die "psql: $self->{err}" if $self->{err} =~ /ERROR|FATAL/;
		$self->{run}->pump;
	}
	return $self->{out} =~ s/^\Q$mark\E\n//mr;
}

sub quit
{
	my ($self) = @_;

	$self->{in} .= "\\q\n";
	$self->{run}->finish;
	return;
}

1;
