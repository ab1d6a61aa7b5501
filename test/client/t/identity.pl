# Which cluster, which history and which position a consumer knows, and which
# server it meets: one of our own, so that all combinations can be had.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use FakeServer;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my %status = (slot_missing => 5, gap => 11, wrong_server => 12,
	server_shutdown => 14, server_error => 15);

# This one ends each stream at once: so a client ends that was let in.
my $started = qr/the server ended the stream/;

sub session
{
	my ($recovery) = @_;

	return answer(version => '150020', pid => 7, lsn => '0/2000',
		recovery => $recovery, sender_timeout => 60000);
}

sub identify
{
	my ($timeline, $systemid) = @_;

	return answer(systemid => $systemid // '42', timeline => $timeline,
		xlogpos => '0/2000', dbname => 'd');
}

sub history { return answer(filename => 'f', content => $_[0]); }

# The client against such a server must end with this class and these words.
sub ends
{
	my ($name, $class, $words, $says, @options) = @_;
	my $server = FakeServer->new(stream => message('c', ''), %$says);
	my $err = '';

	IPC::Run::run([ $ENV{ETF_CLIENT}, '--dbname', $server->{conninfo},
			'--slot=s', '--control=off', @options ],
		'<', \undef, '>', \my $out, '2>', \$err, IPC::Run::timeout(60));
	is($? >> 8, $status{$class}, "$name: $class") or diag $err;
	like($err, qr/error: .*$words/, "$name: says why");
	return;
}

sub once
{
	ends(@_, '--no-loop');
	return;
}

my %standby = (session => session('t'));
my @at = ('--startpos=0/1800', '--timeline=2');

subtest 'the cluster' => sub {
	once('nothing is known', 'server_shutdown', $started, {});
	once('the same one', 'server_shutdown', $started, {},
		'--system-identifier=42');
	once('another one', 'wrong_server', qr/is 42, expected 41/, {},
		'--system-identifier=41');
};

subtest 'the timeline' => sub {
	my $newer = identify(3);
	my $older = identify(1);

	once('the same one', 'server_shutdown', $started,
		{ identify => identify(2) }, @at);
	once('no position is known', 'server_shutdown', $started,
		{ identify => $newer }, '--timeline=2');
	once('it is not known', 'server_shutdown', $started,
		{ identify => $newer }, '--startpos=0/1800');
	once('left where the consumer is', 'server_shutdown', $started,
		{ identify => $newer, history => history("2\t0/1800\twhy\n") }, @at);
	once('left before', 'gap',
		qr{up to 0/1800 of timeline 2, but the server branched off at 0/17FF to timeline 3},
		{ identify => $newer, history => history("2\t0/17FF\twhy\n") }, @at);
	once('never there', 'gap', qr/were lost in a failover/,
		{ identify => $newer, history => history("1\t0/1800\twhy\n") }, @at);
	once('a standby that left before', 'gap', qr/were lost in a failover/,
		{ %standby, identify => $newer }, @at);
	once('an older one', 'wrong_server',
		qr/is on timeline 1, but the consumer has changes of timeline 2/,
		{ identify => $older }, @at);
	once('a standby on an older one', 'server_error',
		qr/standby has not yet replayed the consumer/,
		{ %standby, identify => $older }, @at);
};

subtest 'the position' => sub {
	once('where the server is', 'server_shutdown', $started, {},
		'--startpos=0/2000');
	once('ahead of it', 'gap',
		qr{position 0/2001 is ahead of the server, which is at 0/2000}, {},
		'--startpos=0/2001');
	once('ahead of a standby', 'server_error',
		qr/standby has not yet replayed the consumer/,
		{%standby}, '--startpos=0/2001');
	once('where the slot begins', 'server_shutdown', $started, {},
		'--startpos=0/1000');
	once('before the slot', 'gap',
		qr{position is 0/FFF, but the slot starts at 0/1000}, {},
		'--startpos=0/FFF');
	once('before the slot of a standby', 'gap', qr/the slot starts at/,
		{%standby}, '--startpos=0/FFF');
	once('no slot is made for it', 'slot_missing',
		qr/would not contain the changes after the stored position/,
		{ slot => answer(slot_name => undef) },
		'--create=if_missing', '--startpos=0/1800');
};

# An answer for each connection; the last one for all that follow.
sub changes
{
	my (@answers) = @_;
	my $seen = PostgreSQL::Test::Utils::tempdir() . '/seen';

	return sub {
		my ($handle) = @_;
		my $answer = $answers[ -s $seen // 0 ] // $answers[-1];

		append_to_file($seen, 'x');
		$handle->syswrite($answer);
	};
}

subtest 'what is remembered from one connection to the next' => sub {
	ends('another cluster', 'wrong_server', qr/is 43, expected 42/,
		{ identify => changes(identify(1), identify(1, '43')) });
	ends('an older timeline', 'wrong_server',
		qr/is on timeline 1, but the consumer has changes of timeline 2/,
		{ identify => changes(identify(2), identify(1)) });
	ends('a newer timeline, which left before', 'gap',
		qr/were lost in a failover/,
		{ identify => changes(identify(1), identify(2)) });
	ends('but not the timeline of a standby, which may have left it',
		'wrong_server', qr/is 43, expected 42/,
		{ session => changes(session('t'), session('f')),
			identify => changes(identify(2), identify(1),
				identify(1, '43')) });
	ends('a slot that is gone', 'slot_missing', qr/no longer exists/,
		{ slot => changes(answer(slot_name => 's', ours => 't',
					plugin => 'pg_etf_decoding',
					confirmed_flush_lsn => '0/1000'),
				answer(slot_name => undef)) }, '--create=if_missing');
};

done_testing();
