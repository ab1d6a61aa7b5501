# The client as a node, and nodes that are not what they should be: silent,
# malformed, split, somebody else, gone in the middle.
use strict;
use warnings;

use lib 'test/beam/perl', 'test/client/perl', 'test/lib/perl';

use EtfCommand;
use EtfTest;
use FakeNode;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $etf = EtfTest->new('cnode_failures');
my $server = $etf->node;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $cookie = "$dir/cookie";
my $told = "$dir/told";

append_to_file($cookie, $FakeNode::cookie);
chmod 0400, $cookie;
$ENV{ERL_EPMD_PORT} = PostgreSQL::Test::Cluster::get_free_port();
$etf->sql('CREATE TABLE t (id int PRIMARY KEY, v text)');
$etf->slot('s');
$etf->sql("INSERT INTO t SELECT g, 'row ' || g FROM generate_series(1, 20) g");

# Terms, without the byte of the version.
sub atom { return 'w' . pack 'C/a', $_[0]; }
sub binary { return 'm' . pack 'N/a', $_[0]; }
sub number { return 'b' . pack 'N', $_[0]; }
sub tuple { return 'h' . chr(@_) . join '', @_; }
sub map_of { my @pairs = @_; return 't' . pack('N', @pairs / 2) . join '', @pairs; }

sub start
{
	my (%more) = @_;
	my %all = (credit_events => number(100), credit_bytes => number(100000), %more);

	return tuple(atom('start'), map_of(map { atom($_), $all{$_} } sort keys %all));
}

# What the client sends, as the process would get it: {bytes, from}.
sub next_message
{
	my ($peer) = @_;

	while (1)
	{
		my $packet = $peer->next_packet;
		my $pid = length($peer->{peer_name}) + 15;

		next if $packet !~ /^p\x83h\x04a\x06/;
		$peer->{client} = substr $packet, 6, $pid;
		return $1 if $packet =~ /\x83h\x03w\x06pg_etf.{$pid}m.{4}(.*)$/s;
	}
}

sub message
{
	my ($peer, $term, $to) = @_;

	return $peer->send("p\x83h\x03a\x02w\0" . ($to // $peer->{client}) . "\x83$term");
}

sub command { my ($peer, $term) = @_; return message($peer, tuple(atom('pg_etf'), binary("\x83$term"))); }

# All that comes, up to a pattern.
sub hear_until
{
	my ($peer, $pattern) = @_;
	my $heard = '';

	$heard .= next_message($peer) until $heard =~ $pattern;
	return $heard;
}

sub take_hello
{
	my ($peer, %greeting) = @_;

	$peer->shake_hands(%greeting);
	return next_message($peer);
}

# The end of a conversation, which the client has told.
sub stop
{
	my ($peer) = @_;

	command($peer, atom('stop'));
	hear_until($peer, qr/stopped/);
	append_to_file($told, '');
	$peer->silence;
	return;
}

# A whole conversation, in which nothing is acknowledged.
sub converse
{
	my ($peer, %greeting) = @_;
	my $hello = take_hello($peer, %greeting);

	die 'no hello' if $hello !~ /^\x83h\x02w?.*hello.*slot.*s.*version/s;
	command($peer, start());
	hear_until($peer, qr/row 20/);
	return stop($peer);
}

# The client against a node that does this: status, whether it told its end, stderr.
sub against
{
	my ($code, %param) = @_;
	my $fake = FakeNode->new($code, pace => $param{pace});
	my $answer = pack 'a C n C C n n n n', 'w', 0, $fake->port, 77, 0, 6, 5, 0, 0;
	my $epmd = FakeNode->new($param{epmd} // sub { $_[0]->next_message; $_[0]->write($answer); },
		port => $ENV{ERL_EPMD_PORT}, pace => $param{pace});
	my %option = (
		slot => 's', dbname => $server->connstr('postgres'), to => "receiver\@$FakeNode::name",
		node => 'client@127.0.0.1', 'cookie-file' => $cookie, reconnect => 'off',
		'connect-timeout' => '20s', %{ $param{options} // {} });
	unlink $told;
	my ($status, undef, $err) =
	  EtfCommand::run($ENV{ETF_CLIENT}, map { "--$_=$option{$_}" } sort keys %option);

	$fake->stop;
	$epmd->stop;
	return join ' ', $status, (-e $told ? 'told' : 'not told'), $err;
}

like(against(sub { converse($_[0]) }), qr/^0 told/s, 'the fake can do it right');
like(against(sub { converse($_[0]) }, pace => 1), qr/^0 told/s, 'byte by byte');
like(against(sub { converse($_[0]) }, pace => 7), qr/^0 told/s, 'seven bytes at a time');
like(against(sub { converse($_[0], status => 'ok_simultaneous') }), qr/^0 told/s, 'ok_simultaneous');
like(against(sub { my ($peer) = @_; converse($peer, status => 'alive'); }),
	qr/^0 told/s, 'a namesake is taken over from');

# Greetings that are none
my $slow = { 'connect-timeout' => '300ms' };
my @greetings = (
	qr/^13 .*closed the connection/s, 'closes at once' => sub { },
	qr/^13 .*no answer to our greeting/s, 'is silent' => sub { $_[0]->silence },
	qr/^13 .*no answer/s, 'is silent behind the name' => sub { $_[0]->hear_name; $_[0]->silence },
	qr/^4 .*refuses/s, 'refuses' => sub { $_[0]->hear_name; $_[0]->message('snot_allowed'); },
	qr/^4 .*refuses/s, 'says nok' => sub { $_[0]->hear_name; $_[0]->message('snok'); },
	qr/^13 .*Message too long|no Erlang node/s, 'speaks HTTP' =>
		sub { $_[0]->write("HTTP/1.1 400 Bad Request\r\n\r\n"); $_[0]->silence; },
	qr/^13 .*no Erlang node/s, 'has an odd status' => sub { $_[0]->hear_name; $_[0]->message('sfine'); },
	qr/^13 .*no answer/s, 'gives no challenge' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->silence; },
	qr/^3 .*older than/s, 'cuts its challenge' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->message('N123'); },
	qr/^3 .*older than/s, 'is an old one' => sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->challenge(flags => 0x7499c); },
	qr/^3 .*the node there is other/s, 'is another one' =>
		sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->challenge(name => 'other@127.0.0.1'); },
	qr/^13 .*no answer/s, 'is silent behind our answer' =>
		sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->challenge; $_[0]->silence; },
	qr/^4 .*does not accept the cookie/s, 'closes behind our answer' =>
		sub { $_[0]->hear_name; $_[0]->message('sok'); $_[0]->challenge; $_[0]->next_message; },
	qr/^4 .*does not know the cookie/s, 'knows no cookie' => sub { $_[0]->hear_name; $_[0]->message('sok');
		$_[0]->challenge; $_[0]->next_message; $_[0]->message('a' . 'x' x 16); $_[0]->silence; },
	qr/^13 .*too long/s, 'announces 64 kB' => sub { $_[0]->write("\xff\xff"); $_[0]->silence; });
while (my ($error, $what, $code) = splice @greetings, 0, 3)
{
	like(against($code, options => $what =~ /silent|no challenge/ ? $slow : {}),
		$error, "a greeting that $what");
}

# One that dies there is not taken for one with another cookie, which is asked
# twice in a row: the second connection is a good one.
my $asked = "$dir/asked";
like(against(sub {
		my ($peer) = @_;

		append_to_file($asked, '.');
		return converse($peer) if -s $asked == 2;
		$peer->hear_name;
		$peer->message('sok');
		$peer->challenge;
		$peer->next_message;
	}, options => { reconnect => 'on', 'reconnect-min' => '50ms', 'reconnect-max' => '50ms' }),
	qr/^4 told.*does not accept the cookie/s, 'a cookie is asked for again');
is(-s $asked, 4, 'twice in a row');

# EPMD
for my $epmd (
	[ 'silent', sub { $_[0]->silence }, qr/^13 .*EPMD at .*no answer/s ],
	[ 'closes', sub { }, qr/^13 .*EPMD at .*reset/s ],
	[ 'malformed', sub { $_[0]->write('w' . "\0" x 12); $_[0]->silence; }, qr/^13 .*does not know it/s ],
	[ 'cut', sub { $_[0]->next_message; $_[0]->write("w\0\x11"); }, qr/^13 .*(does not know it|reset)/s ])
{
	my ($what, $code, $error) = @$epmd;

	like(against(sub { }, epmd => $code, options => $slow), $error, "an EPMD that is $what");
}

# Behind the greeting
sub after_hello { my ($code) = @_; return sub { take_hello($_[0]); $code->($_[0]); $_[0]->silence; }; }

my @dialogs = (
	qr/^13 .*the connection was (closed|lost)/s, 'closes' => sub { close $_[0]->{socket}; die },
	qr/^13 .*no message/s, 'sends garbage' => sub { $_[0]->send('garbage') },
	qr/^13 .*no message/s, 'sends a cut term' => sub { $_[0]->send("p\x83h\x04a\x03") },
	qr/^13 .*no message/s, 'sends a header with an atom cache' => sub { $_[0]->send("\x83D\0") },
	qr/^13 .*no message/s, 'sends a huge list in few bytes' =>
		sub { $_[0]->send("p\x83h\x03a\x02w\0$_[0]->{client}\x83l\xff\xff\xff\xffj") },
	qr/^10 .*the limit is/s, 'announces 2 GB' => sub { $_[0]->write("\x7f\xff\xff\xff") },
	qr/^13 .*no process is registered/s, 'says that the process is gone' => sub {
		$_[0]->send("p\x83h\x05a\x15" . atom('receiver') . $_[0]->{client}
			. 'Z' . pack('n', 1) . atom('client@127.0.0.1') . pack('N2', 7, 1) . atom('killed')) },
	qr/^10 .*first command/s, 'acknowledges first' => sub { command($_[0], tuple(atom('flushed'), number(1))) },
	qr/^10 /s, 'sends a packet that is none' => sub { message($_[0], tuple(atom('pg_etf'), binary('x'))) },
	qr/^13 .*has not answered \{hello, Map\} for 3000 ms/s, 'never starts' => sub { });
while (my ($error, $what, $code) = splice @dialogs, 0, 3)
{
	like(against(after_hello($code), options => $what =~ /never/ ? { 'connect-timeout' => '3s' } : {}),
		$error, "a node that $what");
}

# What is the command line's is not the process'.
for my $key (qw(conninfo connection slot create failover))
{
	like(against(after_hello(sub { command($_[0], start($key => binary('x'))) })),
		qr/^3 .*only the command line sets.*$key/s, "a start with $key");
}

# What is not for us, or not known, is passed over; ticks are answered; a
# stranger's messages are told of once.
like(against(sub {
		my ($peer) = @_;

		take_hello($peer);
		my $other = substr($peer->{client}, 0, -12) . pack 'N3', 1, 77, 7;
		$peer->send("p\x83h\x03a\x01" . FakeNode::Peer::own_pid() . $peer->{client});
		$peer->send("p\x83h\x04a\x08" . FakeNode::Peer::own_pid() . $peer->{client} . atom('kill'));
		$peer->send("p\x83h\x02b\0\0\1\0" . atom('new'));
		message($peer, tuple(atom('pg_etf'), binary("\x83" . atom('stop'))), $other);
		message($peer, tuple(atom('other'), binary("\x83" . atom('stop'))));
		command($peer, start());
		my $heard = hear_until($peer, qr/row 20/);
		message($peer, atom('hello')) for 1 .. 1000;
		command($peer, atom('stats'));
		$heard .= hear_until($peer, qr/stats.*sent_events/s);
		die 'not once' if 1 != (() = $heard =~ /was dropped/g);
		$peer->write("\0" x 4);
		1 until $peer->next_packet eq '';
		stop($peer);
	}), qr/^0 told/s, 'strangers, and ticks');

# A flood of ticks is not a flood of answers, nor does it keep the client from
# ending.
like(against(sub {
		my ($peer) = @_;

		take_hello($peer);
		command($peer, start());
		$peer->write("\0" x 4096) for 1 .. 2000;
		stop($peer);
	}), qr/^0 told/s, 'ticks without end');

# A node that is there and reads nothing.
$etf->sql("INSERT INTO t SELECT g, repeat(md5(g::text), 300) FROM generate_series(21, 5000) g");
my $began = time;
like(against(sub {
		my ($peer) = @_;

		take_hello($peer);
		command($peer, start(credit_events => number(100000), credit_bytes => number(1000000000)));
		sleep 60;
	}, options => { 'liveness-timeout' => '2s' }), qr/^13 .*silent for 2000 ms/s, 'a node that reads nothing');
cmp_ok(time - $began, '<', 30, 'in time');

done_testing();
