# Two slots on one WAL, one of each plugin: what is read of them is the same,
# term for term.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfGolden;
use EtfPair;
use EtfRandom;
use EtfTest;
use EtfTypes;
use PostgreSQL::Test::Utils;
use Test::More;

my $etf = EtfTest->new('pgoutput');

my @forms = ('dialect=elixir', 'dialect=erlang rows=tuple',
	'dialect=compact relations=frame', 'keys=atom null=undefined',
	'numeric=text timestamps=iso uuid=binary json=text',
	'relations=off old_rows=none', 'json_numbers=decimal float4=shortest',
	'timetz=offset interval=duration');

subtest 'the golden changes' => sub {
	my $pair = EtfPair->new($etf);
	EtfGolden::setup($etf);
	my $changes = EtfGolden::slurp('test/plugin/golden/changes.sql');

	# A publication forbids it.
	$changes =~ s/^DELETE FROM keyless.*$//m;
	$etf->sql($changes);
	for my $form (@forms)
	{
		for my $format (qw(binary text))
		{
			next if $format eq 'binary' && $etf->version < 14;
			my $all = $etf->version < 14 ? $form : "$form messages=on";

			$pair->same("$form, $format", \$all, '--format', $format);
		}
	}
	$pair->drop;
	$etf->sql('DROP TABLE golden; DROP TYPE mood, pair');
};

# First, middle, last: where a frame is cut depends on its length, and EndLsn
# is shorter where it is not known.
subtest 'frames of one transaction' => sub {
	$etf->sql('CREATE TABLE many (id int PRIMARY KEY, v text)');
	my $pair = EtfPair->new($etf);
	$etf->sql('INSERT INTO many SELECT i, repeat(chr(97 + i % 26), i % 50) '
		  . 'FROM generate_series(1, 1000) i');
	my %events;
	for my $slot (qw(ours theirs))
	{
		my $frames = $pair->frames($slot, \'frame_bytes=2000 relations=frame');

		like($frames->[0], qr/^\{tx,first/, "$slot: the first");
		like($frames->[-1], qr/^\{tx,last/, "$slot: the last");
		is(scalar(grep { !/^\{tx,middle/ } @$frames), 2, "$slot: the others");
		my @ends = map { /^\{tx,\w+,\{\d+,\d+,(\d+),/ } @$frames;
		is(scalar(grep { $_ == 0 } @ends), $slot eq 'ours' ? 0 : @$frames - 1,
			"$slot: who knows the end");
		push @{ $events{end} }, $ends[-1];
		my $next = 0;
		my $follow = 0;
		for my $frame (@$frames)
		{
			my ($first, $count) = $frame =~ /\},(\d+),(\d+),#\{\}/;
			$follow++ if $first == $next;
			$next = $first + $count;
		}
		is($follow, scalar @$frames, "$slot: in order");
		$events{$slot} = join '', map { /(\{insert,.*)\]\}$/ ? "$1," : '' } @$frames;
	}
	is($events{theirs}, $events{ours}, 'the same events');
	is($events{end}[0], $events{end}[1], 'the same end');
	$pair->drop;
};

# Up to 15 the client leaves it out, from 16 on the server.
subtest 'what was replicated from elsewhere' => sub {
	$etf->sql(q{CREATE TABLE replicated (id int PRIMARY KEY);
		SELECT pg_replication_origin_create('elsewhere')});
	my $pair = EtfPair->new($etf);
	$etf->sql('INSERT INTO replicated VALUES (1)');
	$etf->sql(q{SELECT pg_replication_origin_session_setup('elsewhere');
		INSERT INTO replicated VALUES (2)});
	$etf->sql('INSERT INTO replicated VALUES (3)');
	$pair->same('origin=none', \'origin=none');
	my %ids;
	for my $origin (qw(none any))
	{
		my $frames = join ' ', @{ $pair->frames('theirs', \"origin=$origin") };
		$ids{$origin} = join ' ', $frames =~ /<<"id">> => (\d)/g;
	}
	is_deeply(\%ids, { none => '1 3', any => '1 2 3' }, 'and nothing else');
	$pair->drop;
};

# Rows and columns that a publication leaves out, updates that cross a filter,
# partitions as their root.
subtest 'what publications leave out' => sub {
	plan skip_all => 'since 15' if $etf->version < 15;
	$etf->sql('CREATE DATABASE filtered');
	$etf->sql($_, 'filtered') for
	  'CREATE TABLE f (id int PRIMARY KEY, v text, hidden text)',
	  'CREATE TABLE p (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)',
	  'CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (10)',
	  'CREATE TABLE p_2 (v text, dropped int, id int NOT NULL)',
	  'ALTER TABLE p_2 DROP COLUMN dropped',
	  'ALTER TABLE p ATTACH PARTITION p_2 FOR VALUES FROM (10) TO (20)',
	  'CREATE PUBLICATION everything FOR TABLE f (id, v) WHERE (id < 10), p '
	  . 'WITH (publish_via_partition_root)';
	my $pair = EtfPair->new($etf, 'filtered');
	$etf->sql($_, 'filtered') for
	  q{INSERT INTO f VALUES (1, 'in', 'x'), (20, 'out', 'y')},
	  q{UPDATE f SET v = 'still' WHERE id = 1}, 'UPDATE f SET id = 30 WHERE id = 1',
	  'UPDATE f SET id = 5 WHERE id = 20', 'DELETE FROM f',
	  q{INSERT INTO p VALUES (1, 'a'), (12, 'b')}, q{UPDATE p SET v = 'c'},
	  'UPDATE p SET id = id + 10 WHERE id < 10', 'DELETE FROM p';
	$pair->same("as $_", \'publication_names=everything', '--format', $_)
	  for qw(binary text);
	my $frames = join "\n", @{ $pair->frames('theirs', \'rows=tuple') };
	is_deeply([ $frames =~ /\{(insert|update|delete),/g ],
		[ qw(insert update delete insert delete), qw(insert insert update update),
			qw(delete insert delete delete) ], 'and these events') or diag $frames;
	unlike($frames, qr/hidden|p_\d/, 'without what is left out');
	$pair->drop;
};

# One without an encoding has its own bytes.
for ([ SQL_ASCII => "caf\xe9" ], [ LATIN1 => "caf\xe9" ], [ EUC_JP => "\xc6\xfc" ])
{
	my ($encoding, $text) = @$_;

	subtest "text in $encoding" => sub {
		my $database = lc $encoding;

		$etf->sql("CREATE DATABASE $database ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
		my $pair = EtfPair->new($etf, $database);
		is($etf->run_text("SET client_encoding = '$encoding';
			CREATE TYPE mood AS ENUM ('$text');
			CREATE TABLE t (id int PRIMARY KEY, \"$text\" text, m mood, v varchar[], j jsonb);
			INSERT INTO t VALUES (1, '$text', '$text', '{a,$text}', '{\"$text\": \"$text\"}')", $database),
			'', 'a row');
		$pair->same("as $_", \'keys=atom', '--format', $_)
		  for $etf->version < 14 ? 'text' : qw(binary text);
		$pair->drop;
	};
}

my $seed = $ENV{PG_ETF_SEED} // int rand 2**31;

subtest 'values of every type' => sub {
	diag "PG_ETF_SEED=$seed";
	srand $seed;
	EtfTypes::setup($etf);
	my $pair = EtfPair->new($etf);
	my $families = EtfTypes::families($etf);
	my @tables =
	  map { EtfRandom->new($_, $families->{$_}) } sort keys %$families;

	# What pgoutput does not send.
	$etf->sql($_->create =~ s/,\s*twice int GENERATED .*? STORED//r)
	  for @tables;
	for my $table (@tables)
	{
		is($etf->run_text($table->script(8)), '', "changes of $table->{table}");
	}
	for my $form (map { "$_ frame_bytes=16777216" } @forms)
	{
		$pair->same("$form, $_", \$form, '--format', $_)
		  for $etf->version < 14 ? 'text' : qw(binary text);
	}
	$pair->drop;
};

$etf->stop;
done_testing();
