# TLS with a private certificate authority, verified in full.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

plan skip_all => 'no openssl' if system 'openssl version >/dev/null 2>&1';

my $dir = PostgreSQL::Test::Utils::tempdir();

# An authority, and a certificate of it for a host name.
sub authority
{
	my ($name) = @_;

	run_log([ qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj),
			"/CN=$name", '-keyout', "$dir/$name.key", '-out',
			"$dir/$name.crt" ]);
	return;
}

sub request
{
	my ($name) = @_;

	run_log([ qw(openssl req -newkey rsa:2048 -nodes -subj), "/CN=$name",
			'-keyout', "$dir/$name.key", '-out', "$dir/$name.csr" ]);
	append_to_file("$dir/$name.ext", "subjectAltName=DNS:$name\n");
	chmod 0600, "$dir/$name.key";
	return ('-in', "$dir/$name.csr", '-extfile', "$dir/$name.ext",
		'-out', "$dir/$name.crt");
}

sub certificate
{
	my ($ca, $name) = @_;

	run_log([ qw(openssl x509 -req -days 2 -CAcreateserial -CA),
			"$dir/$ca.crt", '-CAkey', "$dir/$ca.key", request($name) ]);
	return;
}

# One that was good for a day of the past; only "openssl ca" takes dates in
# all of its versions.
sub expired_certificate
{
	my ($ca, $name) = @_;

	append_to_file("$dir/ca.cnf", "[ca]\ndefault_ca = c\n[c]\n"
		  . "database = $dir/index\nnew_certs_dir = $dir\n"
		  . "serial = $dir/serial\n"
		  . "default_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n");
	append_to_file("$dir/index", '');
	append_to_file("$dir/serial", "01\n");
	run_log([ qw(openssl ca -batch -notext -config), "$dir/ca.cnf",
			'-cert', "$dir/$ca.crt", '-keyfile', "$dir/$ca.key",
			qw(-startdate 20200101000000Z -enddate 20200102000000Z),
			request($name) ]);
	return;
}

authority('ours');
authority('theirs');
certificate('ours', 'localhost');

# TLS needs TCP: this one listens on the loopback interface.
my $etf = EtfTest->new('tls', conf => 'wal_sender_timeout = 0');
my $node = $etf->node;
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'\n"
	  . "ssl = on\nssl_cert_file = '$dir/localhost.crt'\n"
	  . "ssl_key_file = '$dir/localhost.key'");
unlink $node->data_dir . '/pg_hba.conf';
append_to_file($node->data_dir . '/pg_hba.conf', "local all all trust\n"
	  . "local replication all trust\n"
	  . "hostssl all cdc 127.0.0.1/32 scram-sha-256\n");
$node->restart;
$etf->sql("SET password_encryption = 'scram-sha-256'; "
	  . "CREATE ROLE cdc LOGIN REPLICATION PASSWORD 'secret'");
$etf->sql('CREATE TABLE t (id int PRIMARY KEY)');
$etf->slot('s');

sub client
{
	my (%keyword) = @_;
	my %setting = %{ delete $keyword{settings} // {} };
	my %all = (
		hostaddr => '127.0.0.1',
		host => 'localhost',
		port => $node->port,
		dbname => 'postgres',
		user => 'cdc',
		password => 'secret',
		sslmode => 'verify-full',
		sslrootcert => "$dir/ours.crt",
		%keyword);

	return EtfClient->start($node, credit_events => 100000,
		credit_bytes => 100000000, conninfo => '<<>>', %setting,
		connection => '#{'
		  . join(', ', map { "$_ => <<\"$all{$_}\">>" } sort keys %all) . '}');
}

# Established connections to a port of this machine: the timer that runs (2 is
# that of keepalives), and the seconds until it fires.
sub sockets
{
	my ($port) = @_;
	my $peer = sprintf '0100007F:%04X 01', $port;

	my $tcp = slurp_file('/proc/net/tcp');
	my @sockets;

	push @sockets, { timer => hex $1, seconds => hex($2) / 100 }
	  while $tcp =~ /^ *\d+: \S+ $peer \S+ (\w+):(\w+) /mg;
	return @sockets;
}

my $client = client();
$client->expect(qr/^\{status,connected/, 'verify-full with our authority');
$etf->sql('INSERT INTO t SELECT generate_series(1, 30000)');
my $rows = $client->rows_until(30000);
is(scalar @$rows, 30000, 'changes come through TLS');
is($etf->sql('SELECT ssl AND NOT EXISTS (SELECT FROM pg_stat_ssl s JOIN '
	  . "pg_stat_activity a USING (pid) WHERE usename = 'cdc' AND NOT s.ssl) "
	  . 'FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)'),
	't', 'both connections are encrypted');
is_deeply([ map { $_->{timer} == 2 && $_->{seconds} <= 30 } sockets($node->port) ],
	[ 1, 1 ], 'and a dead peer would be noticed, by keepalives');
$client->say('ack');
is($client->stop, 0, 'stop');
$client->quit;

# What is decrypted and left in the library wakes nobody: then the next row
# comes only with the next keepalive, which is far away here.
subtest 'nothing waits inside TLS' => sub {
	my $rounds = $ENV{PG_ETF_FULL} ? 40 : 3;

	$etf->sql('CREATE TABLE wide (id int, v text)');
	for my $bytes (1000, 31000, 65000)
	{
		my $client = client(settings => { status_interval => 600000,
			liveness_timeout => 6000000, credit_events => 0, credit_bytes => 0,
			options => "#{rows => tuple, dialect => compact, frame_bytes => $bytes}" });
		my $last = 0;

		$client->expect(qr/^\{status,connected/, "frames of $bytes bytes");
		for my $round (1 .. $rounds)
		{
			my $first = $last + 1;

			$last += 400;
			$etf->sql("INSERT INTO wide SELECT g, repeat('x', "
				  . "(g * 37 * $round) % 5000) FROM generate_series($first, $last) g");
			$client->say('{credit, 150, 100000000}');
			sleep 0.1;
			$client->say('{credit, 250, 100000000}');
			my $rows = $client->rows_until($last);
			return fail("row $last has come")
			  if !@$rows || $rows->[-1] != $last;
			$client->say('ack');
		}
		pass("$last rows have come");
		is($client->stop, 0, 'stop');
		$client->quit;
	}
};

for my $case (
	[ 'another authority', sslrootcert => "$dir/theirs.crt" ],
	[ 'another name', host => 'db.example' ],
	[ 'no authority', sslrootcert => "$dir/none.crt" ],
	[ 'a weaker channel than the server takes', sslmode => 'disable' ])
{
	my ($name, @keywords) = @$case;

	$client = client(@keywords);
	$client->expect(
		qr/^\{fatal,auth,.*hint => <<"[A-Z]/s,
		"$name is refused");
	is($client->exit_status, 4, 'for good');
	$client->quit;
}

$client = client(channel_binding => 'require');
$client->expect(qr/^\{status,connected/, 'SCRAM bound to the channel');
is($client->stop, 0, 'stop');
$client->quit;
$client = client(channel_binding => 'require', sslmode => 'disable');
$client->expect(qr/^\{fatal,auth,/, 'which needs a channel');
$client->quit;

expired_certificate('ours', 'expired');
$node->append_conf('postgresql.conf', "ssl_cert_file = '$dir/expired.crt'\n"
	  . "ssl_key_file = '$dir/expired.key'");
$node->restart;
$client = client(host => 'expired');
$client->expect(qr/^\{fatal,auth,.*hint => <<"The server's certificate .*has expired/s,
	'a certificate that has expired is refused');
is($client->exit_status, 4, 'for good');
$client->quit;

done_testing();
