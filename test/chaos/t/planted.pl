# Bugs planted into copies of the real code are found by the checker.
#
# (Those planted into true histories are in chaos_mutant.erl.)
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/lib/perl';

use ChaosWorld;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $source = $ENV{ETF_SOURCE};
my $dir = PostgreSQL::Test::Utils::tempdir();

# A copy of a source file in which one piece of text is another.
sub planted
{
	my ($file, $from, $to) = @_;
	my $text = slurp_file("$source/$file");
	my $copy = "$dir/" . ($file =~ s/.*\///r);

	$text =~ s/\Q$from\E/$to/ or die "$file has changed: no $from";
	append_to_file($copy, $text);
	return $copy;
}

# A patched module of the library, before the true one on the code path.
sub library
{
	my ($name, @change) = @_;
	my $ebin = "$dir/" . ($name =~ s/.*\///r);

	mkdir $ebin;
	system('elixirc', '--ignore-module-conflict', '-o', $ebin,
		planted("lib/pg_etf/$name.ex", @change)) == 0
	  or die "$name does not compile";
	return { pa => [$ebin] };
}

# A client with patched modules.
sub client
{
	my (%change) = @_;
	my @patched = map { planted("src/client/$_.c", @{ $change{$_} }) } sort keys %change;
	my $program = "$dir/client_" . join('_', map { s/.*\///r } sort keys %change);
	my $erl = `erl -noshell -eval 'io:format("~s", [code:root_dir()]), halt().'`;
	chomp(my ($include, $lib) = map { scalar `$ENV{ETF_PG_CONFIG} --$_` } qw(includedir libdir));

	system('cc', '-D_GNU_SOURCE', '-DETF_VERSION="planted"', "-I$source/include",
		'-isystem', $include, '-isystem', "$erl/usr/include", '-o', $program,
		@patched, "$source/main.o", "$source/libclient.a", "-L$lib", '-lpq',
		"-L$erl/usr/lib", '-l:libei.a', '-lpthread', '-lm') == 0
	  or die 'the client does not build';
	unlink @patched;
	return { client => $program };
}

# By reader: its kind, the bug, what has to be found.
my %bug = (
	c1 => [ 'otp', library('consumer/server', '{data, seqs} = Enum.unzip(items)',
			"{data, seqs} = Enum.unzip(items)\n"
			  . 'session = Session.ack(%{session | flush_timer: nil}, '
			  . 'session.incarnation, seqs, [])'),
		qr/loss|told of an end/, 'the library acknowledges before it is handled' ],
	c2 => [ 'otp', library('stream/assembly', '[changes | lists]',
			'[Enum.drop(changes, 1) | lists]'),
		qr/torn/, 'the library drops a row' ],
	c3 => [ 'otp', library('decode/type/number', 'do: decimal(1, coef, exp)',
			'do: decimal(1, coef + 1, exp)'),
		qr/wrong/, 'the library changes a value' ],
	c4 => [ 'producer', client('engine/feedback' => [ 'feedback->delivered = end_lsn;',
				'feedback->delivered = feedback->flushed = end_lsn;' ]),
		qr/loss/, 'the client acknowledges what is only delivered' ],
	c5 => [ 'port', client('engine/feedback' => [ ': head->commit_lsn < feedback->delivered;',
				': head->commit_lsn == 0;' ],
			'engine/attempt' => [ 'feedback_reached(&engine->feedback)', '0' ]),
		qr/duplicate/, 'the client delivers again after a reconnect' ],
	c6 => [ 'otp', client('consumer/batch' => [ 'EVENT_FRAMES_AROUND : 0', '0 : 0' ]),
		qr/count differently/, 'the client counts other bytes than it sends' ],
	c8 => [ 'otp', library('frame', "commit_lsn: lsn - 1,\n      end_lsn: lsn,\n      index: 0",
			"commit_lsn: lsn,\n      end_lsn: lsn,\n      index: 0"),
		qr/place/, 'a message has the place of a change' ],
	c9 => [ 'changes', library('stream/callback', 'if opts[:on_exception] == :crash', 'if true'),
		qr/died/, 'an exception of a handler ends the library' ]);

my $world = ChaosWorld->new(
	seed => 1, direct => 1,
	readers => { map { $_ => $bug{$_}[0] } keys %bug },
	patch => { map { $_ => $bug{$_}[1] } keys %bug });

sub turns
{
	my ($seconds) = @_;
	my $until = time + $seconds;

	$world->turn while time < $until;
	return;
}

sub found
{
	my ($name) = @_;

	return grep { /^$name / } $world->found, $world->accounts,
	  @{ $world->{unfounded} // [] };
}

# Who dies while it has something in its hands; a stream that breaks while its
# reader is behind; a sink that is broken for a moment.
sub round_of_faults
{
	my ($reader) = $world->{reader};

	turns(2);
	$_->say('sleep 60000') for @{$reader}{qw(c1 c4)};
	$reader->{c5}->say('sleep 5000');
	$reader->{c9}->say('raise on');
	turns(1);
	$reader->{c9}->say('raise off');
	turns(2);
	$_->{child}->signal('KILL') for @{$reader}{qw(c1 c4)};
	$world->sql(q{SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots
		WHERE slot_name = 'c5' AND active});
	turns(2);
	$world->check;
	return;
}

my $until = time + 90;
$world->write($_) for 1 .. 2;
do { round_of_faults() } while (time < $until && grep { !found($_) } keys %bug);
$world->stop_writers;
$world->check;
$world->finish if grep { !found($_) } keys %bug;
for my $name (sort keys %bug)
{
	my @found = found($name);

	like("@found", $bug{$name}[2], "caught: $bug{$name}[3]")
	  or diag `tail -n 20 $world->{dir}/$name*.out`;
}
done_testing();
