# A server with the plugin, and decoding from it in every way there is.
#
#	my $etf = EtfTest->new('main');
#	$etf->slot('s');
#	$etf->sql('INSERT ...');
#	is_deeply($etf->decode('s', rows => 'tuple'), [...], 'contract');
package EtfTest;

use strict;
use warnings;

use EtfOracle;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub new
{
	my ($class, $name, %param) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless { node => $node, dir => $dir, files => 0 }, $class;

	# UTF-8, in which the oracle answers, but without a locale's surprises.
	$node->init(
		allows_streaming => 'logical',
		extra => [ '--encoding', 'UTF8', '--locale', 'C' ]);
	$node->append_conf('postgresql.conf', server_gate())
	  unless $param{no_gate};
	$node->append_conf('postgresql.conf', $_)
	  for 'max_prepared_transactions = 10', 'autovacuum = off',
	  'fsync = off', 'wal_sender_timeout = 60s', $param{conf} // '';
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_etf_decoding');
	$node->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES')
	  if plugin() eq 'pgoutput';
	$self->{version} =
	  int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);
	$self->{oracle} = EtfOracle->new($dir);
	return $self;
}

# Of slots that are not made for one of them; with pgoutput there is a publication
# of everything.
sub plugin { return $ENV{ETF_PLUGIN} // 'pg_etf_decoding'; }

# The client's, to make one.
sub plugin_arguments
{
	return plugin() eq 'pgoutput'
	  ? ('--plugin=pgoutput', '--option=publication_names=everything') : ();
}

# Newer minor releases want output plugins named; older ones would not start
# with the unknown name.
sub server_gate
{
	my ($out) = run_command([ 'postgres', '--describe-config' ]);

	return $out =~ /^output_plugin_libraries\t/m
	  ? "output_plugin_libraries = 'pgoutput, test_decoding, pg_etf_decoding'"
	  : '';
}

sub version { return $_[0]->{version}; }
sub node { return $_[0]->{node}; }
sub oracle { return $_[0]->{oracle}; }

sub new_file
{
	my ($self) = @_;

	return sprintf '%s/%03d.frames', $self->{dir}, ++$self->{files};
}

sub write_text
{
	my ($self, $file, $text) = @_;

	open my $out, '>:raw', $file or die "$file: $!";
	print $out $text;
	close $out or die "$file: $!";
	return $file;
}

sub sql
{
	my ($self, $sql, $db) = @_;

	return $self->{node}->safe_psql($db // 'postgres', $sql);
}

# SQL of any length, in any encoding; returns the first error, or nothing.
sub run_text
{
	my ($self, $sql, $db) = @_;
	my $file = $self->write_text($self->new_file, $sql);
	my ($out, $err) = run_command([
		'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', $file,
		'-d', $self->{node}->connstr($db // 'postgres') ]);

	return substr $err, 0, 1000;
}

# The error text of SQL that has to fail.
sub sql_error
{
	my ($self, $sql, $db) = @_;
	my $stderr = '';
	my $status = $self->{node}
	  ->psql($db // 'postgres', $sql, stderr => \$stderr);

	return $status == 0 ? 'no error' : $stderr;
}

sub slot
{
	my ($self, $slot, $db) = @_;

	$self->sql('SELECT pg_create_logical_replication_slot('
		  . "'$slot', '" . plugin() . q{')}, $db);
	return;
}

sub drop_slot
{
	my ($self, $slot, $db) = @_;

	$self->sql("SELECT pg_drop_replication_slot('$slot')", $db);
	return;
}

# The arguments of a peek or get function.
sub slot_call
{
	my ($function, $slot, %option) = @_;
	my @list = map { ($_, $option{$_}) } sort keys %option;

	s/'/''/g for @list;
	return join '',
	  "pg_logical_slot_${function}_binary_changes('$slot', NULL, NULL",
	  (map { ", '$_'" } @list), ')';
}

# A file as pg_recvlogical would have written, by way of SQL.
sub peek
{
	my ($self, $slot, $db, %option) = @_;
	my $file = $self->new_file;
	my $hex = $self->sql(
		"SELECT encode(data, 'hex') FROM "
		  . slot_call('peek', $slot, %option), $db);

	open my $out, '>:raw', $file or die "$file: $!";
	print $out pack('H*', $_), "\n" for split /\n/, $hex;
	close $out or die "$file: $!";
	return $file;
}

sub end_of_wal
{
	my ($self) = @_;

	return $self->sql('SELECT pg_current_wal_flush_lsn()');
}

sub recv_command
{
	my ($self, $slot, $db, $file, %option) = @_;

	return (
		'pg_recvlogical', '--start', '--no-loop', '--slot', $slot,
		'--dbname', $self->{node}->connstr($db // 'postgres'),
		'--file', $file, (map { ('--option', "$_=$option{$_}") }
			  sort keys %option));
}

# A receiver is gone before its walsender is.
sub wait_until_idle
{
	my ($self, $slot) = @_;

	return $self->{node}->poll_query_until('postgres',
		"SELECT NOT EXISTS (SELECT FROM pg_replication_slots
			WHERE slot_name = '$slot' AND active)");
}

# Everything up to now by pg_recvlogical, which confirms it.
sub recv
{
	my ($self, $slot, $db, %option) = @_;
	my $file = $self->new_file;
	my ($out, $err) = run_command([
		$self->recv_command($slot, $db, $file, %option),
		'--endpos', $self->end_of_wal ]);

	die "pg_recvlogical: $err"
	  if $err =~ /error|fatal/i;
	$self->wait_until_idle($slot);
	return $file;
}

# How the oracle has to check what these options make.
sub checks
{
	my (%option) = @_;

	return { map { ($_ => $option{$_}) }
		grep { defined $option{$_} } qw(relations updates) };
}

sub show
{
	my ($self, $file, %option) = @_;

	return [ split /\n/,
		$self->{oracle}
		  ->ask('show', EtfOracle::quote($file), checks(%option)) ];
}

# Decode by SQL and by walsender, which have to agree byte for byte; return
# the walsender's lines.  The slot moves on.
sub decode
{
	my ($self, $slot, %option) = @_;
	my $db = delete $option{db};
	my $by_sql = $self->peek($slot, $db, %option);
	my $by_walsender = $self->recv($slot, $db, %option);

	die "SQL and walsender disagree: $by_sql, $by_walsender"
	  if slurp_file($by_sql) ne slurp_file($by_walsender);
	return $self->show($by_walsender, %option);
}

# Only the changes: neither heads of frames nor descriptions of tables.
sub changes
{
	my ($self, $slot, %option) = @_;

	return [ grep { !/^(tx|relation) / }
		  @{ $self->decode($slot, %option) } ];
}

# The error that ends a walsender's stream.
sub recv_error
{
	my ($self, $slot, %option) = @_;
	my $db = delete $option{db};
	my ($out, $err) = run_command([
		$self->recv_command($slot, $db, $self->new_file, %option),
		'--endpos', $self->end_of_wal ]);

	$self->wait_until_idle($slot);
	return $err;
}

# Options as the oracle has them; one may be given without a value.
sub pairs
{
	my (%option) = @_;

	return [
		map {
			'{' . join(',', map { EtfOracle::quote($_) }
				  grep { defined } $_, $option{$_}) . '}'
		} sort keys %option
	];
}

sub ask_walsender
{
	my ($self, $command, $slot, $options) = @_;
	my $node = $self->{node};
	my @where = ($node->host . '/.s.PGSQL.' . $node->port, 'postgres',
		$self->sql('SELECT current_user'), $slot);

	my @answer = $self->{oracle}->try(
		$command, (map { EtfOracle::quote($_) } @where), $options,
		$self->sql("SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn"));

	$self->wait_until_idle($slot);
	return @answer;
}

# The walsender's messages up to now, a line each, as oracle.erl's stream has
# them, or an error; confirms nothing.
sub try_stream
{
	my ($self, $slot, %option) = @_;

	return $self->ask_walsender('stream', $slot, pairs(%option));
}

# Streams with these sets of options, one after the other on one connection.
sub sessions
{
	my ($self, $slot, @sets) = @_;
	my ($lines, $error) =
	  $self->ask_walsender('sessions', $slot, [ map { pairs(%$_) } @sets ]);

	die "sessions: $error" if defined $error;
	return $lines;
}

sub stream
{
	my ($self, @arguments) = @_;
	my ($lines, $error) = $self->try_stream(@arguments);

	die "stream: $error" if defined $error;
	return $lines;
}

sub reload
{
	my ($self) = @_;

	$self->{node}->reload;
	# A signal's effect on sessions to come, not on the postmaster only.
	$self->sql('SELECT pg_sleep(0.2)');
	return;
}

# Who may connect from now on; returns who might before.
sub permit
{
	my ($self, $rules) = @_;
	my $file = $self->{node}->data_dir . '/pg_hba.conf';
	my $before = PostgreSQL::Test::Utils::slurp_file($file);

	unlink $file;
	PostgreSQL::Test::Utils::append_to_file($file, "$rules\n");
	$self->{node}->reload;
	sleep 1;
	return $before;
}

sub confirmed
{
	my ($self, $slot) = @_;

	return $self->sql("SELECT confirmed_flush_lsn FROM pg_replication_slots
		WHERE slot_name = '$slot'");
}

sub walsender_pid
{
	my ($self, $slot) = @_;

	return $self->sql(
		"SELECT active_pid FROM pg_replication_slots WHERE slot_name = '$slot'"
	);
}

# What the walsender of a slot has resident, in kB.
sub walsender_memory
{
	my ($self, $slot) = @_;

	return resident_memory($self->walsender_pid($slot));
}

# The most that it ever had, shared buffers included.
sub walsender_peak
{
	my ($self, $slot) = @_;
	my $status = slurp_file("/proc/@{[$self->walsender_pid($slot)]}/status");

	return $status =~ /^VmHWM:\s+(\d+) kB/m ? $1 : 0;
}

# Private memory, so that touching shared buffers does not count.
sub resident_memory
{
	my ($pid) = @_;
	my $status = slurp_file("/proc/$pid/status");

	return $status =~ /^RssAnon:\s+(\d+) kB/m ? $1 : 0;
}

sub stop
{
	my ($self) = @_;

	$self->{oracle}->stop;
	$self->{node}->stop('fast');
	return;
}

1;
