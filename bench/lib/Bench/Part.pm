# What the parts of the measurement share: their options, the build that is
# measured, the cluster, and the file for the figures.
package Bench::Part;

use strict;
use warnings;

use Fcntl qw(O_CREAT O_WRONLY);
use FindBin;
use Getopt::Long;
use POSIX ();

use Bench::Cluster;
use Bench::Figures;
use Bench::Report;
use Bench::Run;

my $top = "$FindBin::RealBin/..";

# Read the command line.  usage: its text; options: what Getopt::Long is to
# know besides the common ones; defaults: of options.
sub new
{
	my ($class, %arg) = @_;
	my %option = (
		'pg-config' => 'pg_config',
		'build' => $top,
		%{ $arg{defaults} // {} });
	my $self = bless { option => \%option }, $class;

	# Ended by a signal, the cluster goes too.
	$SIG{INT} = $SIG{TERM} = sub { exit 1 };
	$| = 1;
	GetOptions(\%option, 'quick', 'rounds=i', 'json=s', 'build=s',
		'pg-config=s', 'cpu=i', 'help', @{ $arg{options} // [] })
	  or die $arg{usage};
	$Bench::Figures::quick = $option{quick};
	if ($option{help})
	{
		print $arg{usage};
		exit 0;
	}
	pin($option{cpu}) if defined $option{cpu};
	die "/proc is not there, which tells what processes use\n"
	  if !-r '/proc/self/stat';
	if ($option{json})
	{
		# Opened while it may be; what it has stays until there is something new.
		sysopen $self->{json}, $option{json}, O_WRONLY | O_CREAT
		  or die "$option{json}: $!\n";
	}
	return $self;
}

# This process, and all that it starts, on one processor: there is nobody to
# wake up elsewhere, which costs more than the work on some machines.
sub pin
{
	my ($cpu) = @_;

	qx(taskset -pc $cpu $$ 2>&1);
	die "processor $cpu is not there, or taskset is not (util-linux)\n" if $?;
	return;
}

# The rows of a table that a comma-separated list names.
sub pick
{
	my ($names, @rows) = @_;
	return @rows if $names eq '' || $names eq 'all';
	my %known = map { $_->{name} => $_ } @rows;
	return map { $known{$_} // die "unknown: $_; see --help\n" } split /,/,
	  $names;
}

# The same of mere names.
sub names
{
	my ($names, @known) = @_;
	return map { $_->{name} } pick($names, map { { name => $_ } } @known);
}

sub pg_config
{
	my ($self, $what) = @_;
	my $answer = qx("$self->{option}{'pg-config'}" --$what);
	chomp $answer;
	return $answer;
}

# Where a plugin's library is, or undef.
sub library
{
	my ($self, $plugin) = @_;
	my $option = $self->{option};
	return $option->{before} if $plugin eq 'pg_etf_before';
	my ($file) = grep { -e } map { "$_/$plugin.so" } $option->{build},
	  "$option->{build}/build/bench", $self->pg_config('pkglibdir');
	return $file;
}

# A cluster that has these plugins, and copies of other files by their names
# in its directory.  What root alone may do must come before.
sub cluster
{
	my ($self, $copies, @plugins) = @_;
	my %ours = map { ("lib/$_.so" => $self->library($_)) }
	  grep { /bench_floor|pg_etf/ } @plugins;
	my $versions = $self->versions(@plugins);
	my $cluster = Bench::Cluster->new(
		bin => $self->pg_config('bindir'),
		copies => { %ours, %$copies },
		tls => $self->{tls},
		plugins => \@plugins);

	$self->{report} = { machine => machine($cluster), versions => $versions,
		cpu => $self->{option}{cpu} };
	return $cluster;
}

# The versions of what is measured: ours from git, the others' packages.
sub versions
{
	my ($self, @plugins) = @_;
	my ($server) = $self->pg_config('version') =~ /(\d+)/;
	my %version = map {
		my $package = "postgresql-$server-$_";
		$_ => scalar qx(dpkg-query -W -f '\${Version}' $package 2>/dev/null)
	} grep { !/pg_etf|bench_floor|pgoutput|test_decoding/ } @plugins;

	# Figures that were just published are no change of what is measured.
	my $ours = qx(git -C "$top" describe --always 2>/dev/null);
	chomp $ours;
	$ours .= '-dirty'
	  if $ours && system("git -C '$top' diff --quiet HEAD -- ':!docs/bench'");
	$ours ||= 'unknown';
	return { %version, pg_etf_decoding => $ours };
}

sub machine
{
	my ($cluster) = @_;
	my $cpus = Bench::Run::slurp('/proc/cpuinfo');
	my ($model) = $cpus =~ /^model name\s*: (.*)$/m;
	my $cores = () = $cpus =~ /^processor/mg;
	my ($memory) = Bench::Run::slurp('/proc/meminfo') =~ /^MemTotal:\s+(\d+)/;
	my ($load) = split ' ', Bench::Run::slurp('/proc/loadavg');

	return {
		cpu => $model,
		cores => $cores,
		memory_kb => $memory,
		load_before => $load,
		kernel => (POSIX::uname())[2],
		server => scalar $cluster->query('SHOW server_version'),
		time => POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime) };
}

# Write the figures, with the machine and the versions, if a file is wanted.
sub finish
{
	my ($self, %figures) = @_;
	return if !$self->{json};
	truncate $self->{json}, 0 or die "$self->{option}{json}: $!\n";
	print { $self->{json} }
	  Bench::Report::json({ %{ $self->{report} }, %figures });
	close $self->{json} or die "$self->{option}{json}: $!\n";
	return;
}

1;
