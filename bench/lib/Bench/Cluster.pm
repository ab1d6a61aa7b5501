# A private PostgreSQL cluster in a temporary directory, for one measurement.
#
# The plugins are copied beside it: a rebuild in the meantime must not change
# a library that a server has mapped, and the tree may be closed to the user
# that the server runs as.
package Bench::Cluster;

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IPC::Open3;

my $marker = '-- answered --';

# bin: the server's programs; copies: files and directories, by their names in
# the cluster's directory; plugins: names to allow; tls: whether it listens on
# 127.0.0.1, too.  Started by root, this
# process is another user's from here on.
sub new
{
	my ($class, %arg) = @_;
	my $dir = tempdir('pg_etf_bench_XXXXXX', TMPDIR => 1);
	my $self = bless { dir => $dir, bin => $arg{bin}, owner => $$ }, $class;

	while (my ($name, $file) = each %{ $arg{copies} })
	{
		make_path(dirname("$dir/$name"));
		system('cp', '-rL', $file, "$dir/$name") == 0
		  or die "$file was not copied\n";
	}
	leave_root($dir);
	$self->run('initdb', '-A', 'trust', '-N', '-D', "$dir/data", '-U', 'bench',
		'-E', 'UTF8', '--locale=C');
	$self->configure(@{ $arg{plugins} });
	$self->listen if $arg{tls};
	$self->start;
	return $self;
}

# PostgreSQL refuses root.
sub leave_root
{
	my ($dir) = @_;
	return if $> != 0;
	my @user = getpwnam('postgres');
	@user = getpwnam('nobody') unless @user;
	my ($uid, $gid) = @user[ 2, 3 ];
	system('chown', '-R', "$uid:$gid", $dir) == 0 or die "chown failed\n";
	$) = "$gid $gid";
	$( = $gid;
	($<, $>) = ($uid, $uid);
	die "could not leave root: $!\n" if $> != $uid || $< != $uid;
	chdir '/';
	$ENV{HOME} = $dir;
	return;
}

sub start
{
	my ($self) = @_;
	$self->run('pg_ctl', '-s', '-w', '-D', "$self->{dir}/data", '-l',
		"$self->{dir}/log", 'start');
	$self->{started} = 1;
	$self->connect;
	return;
}

sub configure
{
	my ($self, @plugins) = @_;
	my %setting = (
		listen_addresses => '',
		unix_socket_directories => $self->{dir},
		dynamic_library_path => "$self->{dir}/lib:\$libdir",
		fsync => 'off',
		full_page_writes => 'off',
		synchronous_commit => 'off',
		shared_buffers => '512MB',
		wal_level => 'logical',
		max_wal_size => '64GB',
		checkpoint_timeout => '1h',
		autovacuum => 'off',
		max_locks_per_transaction => 512,
		max_replication_slots => 30,
		max_wal_senders => 10,
		wal_sender_timeout => '10min');

	$setting{output_plugin_libraries} = join ', ', @plugins
	  if $self->knows('output_plugin_libraries');
	open my $conf, '>>', "$self->{dir}/data/postgresql.conf" or die $!;
	print $conf "$_ = '$setting{$_}'\n" for sort keys %setting;
	close $conf;
	return;
}

# A port that is free now, and a certificate of its own.
sub listen
{
	my ($self) = @_;
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
	  or die "no port: $!\n";
	my @pair = map { "$self->{dir}/data/server.$_" } 'crt', 'key';

	$self->{tls_port} = $socket->sockport;
	close $socket;
	system("openssl req -new -x509 -nodes -subj /CN=localhost -out $pair[0]"
		  . " -keyout $pair[1] 2>$self->{dir}/stderr") == 0
	  or die "openssl made no certificate\n";
	chmod 0600, $pair[1];
	open my $conf, '>>', "$self->{dir}/data/postgresql.conf" or die $!;
	print $conf "listen_addresses = '127.0.0.1'\nport = $self->{tls_port}\nssl = on\n";
	close $conf;
	return;
}

# Older servers refuse to start on a setting that they do not know.
sub knows
{
	my ($self, $name) = @_;
	return grep { /^\Q$name\E\t/ } qx("$self->{bin}/postgres" --describe-config);
}

sub run
{
	my ($self, $program, @arg) = @_;
	open my $out, '-|', "$self->{bin}/$program", @arg or die "$program: $!\n";
	my @lines = <$out>;
	close $out or die "$program failed:\n", @lines, $self->log_tail;
	return @lines;
}

sub log_tail
{
	my ($self) = @_;
	open my $log, '<', "$self->{dir}/log" or return;
	my @lines = <$log>;
	return @lines > 10 ? @lines[ -10 .. -1 ] : @lines;
}

sub conninfo
{
	my ($self, $application) = @_;
	my $port = $self->{tls_port} ? "port=$self->{tls_port} " : '';
	return "host=$self->{dir} ${port}user=bench dbname=postgres "
	  . "application_name=$application";
}

sub connect
{
	my ($self) = @_;
	open my $errors, '>', "$self->{dir}/control" or die "control: $!\n";
	$self->{psql} = open3(
		$self->{queries}, $self->{answers}, '>&' . fileno $errors,
		"$self->{bin}/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1',
		$self->conninfo('bench_control'));
	$self->{queries}->autoflush(1);
	return;
}

# The lines of a query's answer, over one lasting connection: the answer to a
# poll is there in a fraction of a millisecond.
sub query
{
	my ($self, $sql) = @_;
	my @rows;

	print { $self->{queries} } "$sql;\n\\echo $marker\n";
	while (defined(my $line = readline $self->{answers}))
	{
		chomp $line;
		return wantarray ? @rows : $rows[0] if $line eq $marker;
		push @rows, $line;
	}
	die "query failed: $sql\n", $self->first_error('control'), "\n";
}

# As query(), but a failure is an answer too: (undef, reason).
sub try_query
{
	my ($self, $sql) = @_;
	my $pid = open(my $out, '-|') // die "fork: $!\n";

	if (!$pid)
	{
		open STDERR, '>', "$self->{dir}/stderr";
		exec "$self->{bin}/psql", '-XAtq', $self->conninfo('bench_try'), '-c',
		  $sql;
	}
	my ($answer) = <$out>;
	return (undef, $self->first_error('stderr')) unless close $out;
	chomp $answer;
	return $answer;
}

# What a program complained of, whose error output went to a file.
sub first_error
{
	my ($self, $file) = @_;
	open my $in, '<', "$self->{dir}/$file" or return 'failed';
	my ($line) = grep { /error|fatal/i } <$in>;
	chomp($line //= 'failed');
	return $line;
}

sub stop
{
	my ($self, $mode) = @_;
	return if !$self->{started};
	$self->{started} = 0;
	close $self->{queries} if $self->{queries};
	waitpid $self->{psql}, 0 if $self->{psql};
	system "$self->{bin}/pg_ctl", '-s', '-w', '-m', $mode, '-D',
	  "$self->{dir}/data", 'stop';
	return;
}

sub DESTROY
{
	my ($self) = @_;
	return if $$ != $self->{owner};
	local $?;
	$self->stop('immediate');
	remove_tree($self->{dir});
	return;
}

1;
