# Nodes that are not what they should be: silent, malformed, split, too large,
# somebody else, gone in mid-call; and every wait can be ended.
use strict;
use warnings;

use BeamTest;
use ErlangNode;
use FakeNode;
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(time);

my $beam = BeamTest->new('failures', preload => 0, conf => "log_statement = 'none'");

# SQL with a fake that does this behind a server called "fake".
sub with_fake
{
	my ($code, $sql, %param) = @_;
	my $fake = FakeNode->new($code, %param);
	my $options = $param{options} // "connect_timeout '3s', call_timeout '3s'";

	$beam->sql("DROP SERVER IF EXISTS fake CASCADE;
		CREATE SERVER fake FOREIGN DATA WRAPPER erlang
			OPTIONS (node '$FakeNode::name', port '" . $fake->port . "', $options);
		CREATE USER MAPPING FOR PUBLIC SERVER fake OPTIONS (cookie '$FakeNode::cookie')");
	my $got = $beam->sql_result($sql // "SELECT erlang_call('fake', 'm', 'f')");
	$fake->stop;
	return $got;
}

sub int { return 'a' . chr $_[0]; }

my $answer = sub {
	my ($peer) = @_;

	$peer->greet;
	while (my $call = $peer->call)
	{
		$peer->reply_to($call, main::int(42));
	}
};

is(with_fake($answer), '42', 'the fake can do it right');
is(with_fake($answer, undef, pace => 1), '42', 'byte by byte');
is(with_fake($answer, undef, pace => 3), '42', 'three bytes at a time');
is(with_fake(sub { $_[0]->greet(status => 'ok_simultaneous'); $_[0]->reply_to($_[0]->call, main::int(7)); }),
	'7', 'ok_simultaneous');
is(with_fake(sub {
		my ($peer) = @_;
		$peer->greet(status => 'alive');
		$peer->reply_to($peer->call, main::int($peer->{taken_over} eq 'strue' ? 1 : 0));
	}), '1', 'a namesake is taken over from');

# Greetings that are none
my @greetings = (
	'closes at once' => sub { },
	'is silent' => sub { $_[0]->silence },
	'is silent behind the name' => sub { $_[0]->hear_name; $_[0]->silence },
	'refuses' => sub { $_[0]->hear_name; $_[0]->message('snot_allowed'); },
	'nok' => sub { $_[0]->hear_name; $_[0]->message('snok'); },
	'speaks HTTP' => sub { $_[0]->write("HTTP/1.1 400 Bad Request\r\n\r\n"); $_[0]->silence; },
	'has an odd status' => sub { $_[0]->hear_name; $_[0]->message('sfine'); },
	'gives no challenge' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->silence; },
	'cuts its challenge' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->message('N123'); },
	'is an old one' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->challenge(flags => 0x7499c); },
	'is another one' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->challenge(name => 'other@127.0.0.1'); },
	'is silent behind our answer' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->challenge; $_[0]->silence; },
	'closes behind our answer' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->challenge; $_[0]->next_message; },
	'knows no cookie' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->challenge; $_[0]->next_message;
		$_[0]->message('a' . 'x' x 16); $_[0]->silence; },
	'announces 64 kB' => sub { $_[0]->write("\xff\xff"); $_[0]->silence; });
while (my ($what, $code) = splice @greetings, 0, 2)
{
	my $limit = $what =~ /silent|no challenge/ ? "connect_timeout '300ms'" : "connect_timeout '5s'";

	like(with_fake($code, undef, options => $limit),
		qr/08001.*node fake/, "a greeting that $what");
}

# Answers that are none
sub call_of
{
	my ($code) = @_;

	return sub { my ($peer) = @_; $peer->greet; $code->($peer, $peer->call); };
}

my @answers = (
	qr/08006.*closed.*DETAIL.*may have run/s, 'closes in mid-call' => sub { },
	qr/08000.*did not answer.*DETAIL.*may have run/s, 'is silent in mid-call' => sub { $_[0]->silence },
	qr/08P01/, 'garbage' => sub { $_[0]->send('garbage'); $_[0]->silence; },
	qr/08P01/, 'a cut term' => sub { $_[0]->send("p\x83h\x04a\x03"); $_[0]->silence; },
	qr/08P01/, 'a result that is no term' => sub { $_[0]->exit_with($_[1], "\xff"); $_[0]->silence; },
	qr/08P01/, 'a distribution header' => sub { $_[0]->send("\x83D\0"); $_[0]->silence; },
	qr/08P01/, 'a huge list in few bytes' => sub { $_[0]->exit_with($_[1], "l\xff\xff\xff\xffj"); $_[0]->silence; },
	qr/54000.*at most/, '2 GB announced' => sub { $_[0]->write("\x7f\xff\xff\xff"); $_[0]->silence; },
	qr/08000/, 'part of an answer' => sub { $_[0]->write("\0\0\0\x20p\x83h"); $_[0]->silence; },
	qr/39000.*could not start.*badarg/, 'no process' =>
		sub { $_[0]->spawned($_[1], FakeNode::Peer::atom('badarg')); $_[0]->silence; },
	qr/38000.*exited with killed/, 'a kill' => sub { $_[0]->exit_with($_[1], FakeNode::Peer::atom('killed')); $_[0]->silence; },
	qr/38000.*exited with \{r\}/, 'an odd reason' => sub { $_[0]->exit_with($_[1], "h\1" . FakeNode::Peer::atom('r')); $_[0]->silence; },
	qr/38000.*raised \{\}/, 'an error without a stack' =>
		sub { $_[0]->exit_with($_[1], "h\3" . FakeNode::Peer::atom('r') . FakeNode::Peer::atom('error') . "h\0"); $_[0]->silence; });
while (my ($error, $what, $code) = splice @answers, 0, 3)
{
	like(with_fake(call_of($code), undef, options => "call_timeout '500ms'"), $error, "an answer: $what");
}

unlike(with_fake(sub { $_[0]->greet; sleep 60; },
		"SELECT count(erlang_send('fake', 'box', repeat('x', 15000000))) FROM generate_series(1, 10)", options => "call_timeout '500ms'"),
	qr/may have run|^(?!.*08000)/s, 'a message runs nothing');

# What is not the answer is not taken for it.
is(with_fake(call_of(sub {
		my ($peer, $call) = @_;
		my %other = (ref => $call->{ref}, from => $call->{from});

		substr $other{from}, -9, 1, "\x7f";
		$peer->exit_with(\%other, FakeNode::Peer::returned(main::int(1)));
		$peer->send('') for 1 .. 1000;
		$peer->send("p\x83h\x04a\x13" . FakeNode::Peer::own_pid() . $call->{from} . $call->{ref});
		$peer->send("p\x83h\x04a\x23a\x05" . FakeNode::Peer::own_pid() . $call->{from});
		$peer->send("p\x83h\x03a\x01" . FakeNode::Peer::own_pid() . $call->{from});
		$peer->send("p\x83h\x03a\x02w\0$call->{from}\x83w\5hello");
		$peer->send("p\x83h\x03a\x02w\0$call->{from}\x83h\4w\x0aio_request"
			. FakeNode::Peer::own_pid() . "a\1a\2");
		my ($ticks, $ack, $reply) = (0, '', '');
		while ($ticks < 1000 or not $ack or not $reply)
		{
			my $packet = $peer->next_packet;

			$ticks++ if $packet eq '';
			$ack = $packet if $packet =~ /^p\x83h\x04a\x24a\x05/s;
			$reply = $packet if $packet =~ /io_reply/;
		}
		$peer->reply_to($call, main::int(2));
	})), '2', 'ticks, strangers, links, unlinks and output are served');

is(with_fake(sub {
		my ($peer) = @_;
		my ($first, $second);

		$peer->greet;
		$first = $peer->call;
		$peer->reply_to($first, main::int(1));
		$second = $peer->call;
		$peer->exit_with($first, FakeNode::Peer::returned(main::int(66)));
		$peer->reply_to($second, main::int(2));
	}, "SELECT erlang_call('fake', 'm', 'f'), erlang_call('fake', 'm', 'f')"),
	'1|2', 'a second answer to the first call is not the second one\'s');

# A flood of ticks does not keep a call for ever.
like(with_fake(call_of(sub {
		my ($peer, $call) = @_;

		$peer->write("\0" x 4096) for 1 .. 100000;
	}), undef, options => "call_timeout '500ms'"), qr/08000/, 'ticks without end');

# After a failure the next call connects anew; nothing is run twice.
is(with_fake(sub {
		my ($peer) = @_;

		$peer->greet;
		$peer->call;
		$peer->silence;
	}, "SELECT erlang_ping('fake') \\g /dev/null
		DO \$\$ BEGIN PERFORM erlang_call('fake', 'm', 'f', '[]', 200); EXCEPTION WHEN OTHERS THEN END \$\$;
		SELECT connected, last_error FROM erlang_nodes()"),
	"f|node $FakeNode::name did not answer within 200 ms",
	'EXCEPTION WHEN OTHERS catches a time limit');

# EPMD
for my $epmd (
	[ 'silent', sub { $_[0]->silence }, qr/08001.*EPMD.*did not answer/ ],
	[ 'closes', sub { }, qr/08001.*EPMD.*(closed|lost)/ ],
	[ 'malformed', sub { $_[0]->write('w' . "\0" x 12); $_[0]->silence; }, qr/08001.*does not know it/ ],
	[ 'cut', sub { $_[0]->write("w\0\x11"); }, qr/08001.*EPMD.*(closed|lost)/ ])
{
	my ($what, $code, $error) = @$epmd;
	my $fake = FakeNode->new($code, address => '127.0.0.2', port => $ENV{ERL_EPMD_PORT});

	$beam->sql("DROP SERVER IF EXISTS far CASCADE;
		CREATE SERVER far FOREIGN DATA WRAPPER erlang
			OPTIONS (node 'far\@127.0.0.2', connect_timeout '300ms');
		CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (cookie 'c')");
	like($beam->sql_result("SELECT erlang_connect('far')"), $error, "an EPMD that is $what");
	$fake->stop;
}

# A host that drops what comes: nothing is answered, nothing refused.
{
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);
	my @queue = map {
		IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport,
			Blocking => 0)
	} 1 .. 8;

	$beam->sql("DROP SERVER IF EXISTS fake CASCADE;
		CREATE SERVER fake FOREIGN DATA WRAPPER erlang OPTIONS (node '$FakeNode::name',
			port '" . $listener->sockport . "', connect_timeout '300ms');
		CREATE USER MAPPING FOR PUBLIC SERVER fake OPTIONS (cookie '$FakeNode::cookie')");
	like($beam->sql_result("SELECT erlang_connect('fake')"),
		qr/08001.*did not answer within 300 ms/, 'a black hole');
}

# The same for the first of a host's two addresses: the second one is tried.
SKIP:
{
	my $listener = IO::Socket::IP->new(LocalHost => '::1', Listen => 1);
	my ($error, @found) = Socket::getaddrinfo('localhost', '', { socktype => Socket::SOCK_STREAM() });

	skip('localhost is not ::1, then 127.0.0.1', 1)
	  if !$listener or @found < 2 or $found[0]->{family} != Socket::AF_INET6();
	my $port = $listener->sockport;
	my @queue = map { IO::Socket::IP->new(PeerHost => '::1', PeerPort => $port, Blocking => 0) } 1 .. 8;

	is(with_fake($answer, undef, port => $port,
			options => "hostaddr 'localhost', connect_timeout '4s'"),
		'42', 'a second address is tried');
}

# Every wait, and each way to end it.
my %waits = (
	'the greeting' => sub { $_[0]->silence },
	'the challenge' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->silence; },
	'the call' => call_of(sub { $_[0]->silence }),
	'a full buffer' => sub { $_[0]->greet; sleep 60; });
for my $stage (sort keys %waits)
{
	my $fake = FakeNode->new($waits{$stage});
	my $sql = "SELECT erlang_call('fake', 'm', 'f', jsonb_build_array(repeat('x', 15000000)), 60000)";

	$beam->sql("DROP SERVER IF EXISTS fake CASCADE;
		CREATE SERVER fake FOREIGN DATA WRAPPER erlang OPTIONS (node '$FakeNode::name',
			port '" . $fake->port . "', connect_timeout '60s', call_timeout '60s');
		CREATE USER MAPPING FOR PUBLIC SERVER fake OPTIONS (cookie '$FakeNode::cookie')");
	for my $way ('statement_timeout', 'pg_cancel_backend', 'pg_terminate_backend')
	{
		my $began = time;

		like(end_by($way, $sql), $way =~ /terminate/ ? qr/57P01|terminating/ : qr/57014/,
			"$way ends a wait for $stage");
		cmp_ok(time - $began, '<', 30, 'soon');
	}
	$fake->stop;
}

# The query ended that way; how long after the signal is what bench shows.
sub end_by
{
	my ($way, $sql) = @_;

	return $beam->sql_result("SET statement_timeout = 500; $sql") if $way eq 'statement_timeout';
	my $psql = IPC::Run::start(
		[ 'psql', '-X', '-q', '-d', $beam->node->connstr('postgres'),
			'-v', 'VERBOSITY=verbose', '-c', "SET application_name = 'ended'", '-c', $sql ],
		'>', \my $out, '2>', \my $err);
	$beam->wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'ended'
			AND wait_event_type = 'Extension'", "waits in an Extension");
	$beam->sql("SELECT $way(pid) FROM pg_stat_activity WHERE application_name = 'ended'");
	$psql->finish;
	return $err;
}

# The server stops at once, whatever its backends wait for.
{
	my $fake = FakeNode->new($waits{'the call'});

	$beam->sql("ALTER SERVER fake OPTIONS (SET port '" . $fake->port . "')");
	my $psql = IPC::Run::start(
		[ 'psql', '-X', '-q', '-d', $beam->node->connstr('postgres'), '-c',
			"SELECT erlang_call('fake', 'm', 'f')" ], '>', \my $out, '2>', \my $err);
	$beam->wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Extension'",
		'a call waits');
	my $began = time;
	$beam->stop;
	cmp_ok(time - $began, '<', 10, 'and the server stops');
	$psql->finish;
	$fake->stop;
}

# No cookie has been written anywhere.
unlike(PostgreSQL::Test::Utils::slurp_file($beam->node->logfile), qr/\Q$FakeNode::cookie\E/,
	'no cookie in the log');

done_testing();
