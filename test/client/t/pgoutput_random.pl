# Random schemas, changes and DDL: what is read of a slot of each plugin is the
# same, but for what the catalogs of now cannot tell of then, which is counted.
#
# PG_ETF_MINUTES for a long run.  A round that fails comes again with PG_ETF_SEED
# set to what it printed.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl',
  'test/plugin/random';

use EtfTest;
use PairRound;
use RandomProbe;
use Test::More;

my $seed = $ENV{PG_ETF_SEED}
  // (defined $ENV{PG_ETF_MINUTES} ? int rand 2**30 : 2026);
my $end = time + 60 * ($ENV{PG_ETF_MINUTES} // 0);
my $steps = $ENV{PG_ETF_STEPS} // 200;
my $etf = EtfTest->new('pgoutput_random', conf => 'logical_decoding_work_mem = 64kB');
my (%count, %excused);

# Before 14 pgoutput has neither messages nor binary values.
my $since14 = $etf->version >= 14;
my $messages = $since14 ? 'on' : 'off';

# A term in braces, whatever is in its texts.
my $term = qr/(\{(?:[^{}<]++|<<"(?:[^"\\]++|\\.)*+"(?:\/utf8)?>>|<|(?-1))*+\})/;

# What a table looks like is told by the catalogs.
sub without_relations
{
	my ($frame) = @_;

	return $frame =~ s/$term/substr($1, 0, 10) eq '{relation,' ? '' : $1/ger
	  if $frame !~ /^\{tx/;
	my ($head, $events) = $frame =~ /^(.*?#\{.*?\},\[)(.*)$/s or return $frame;
	return $head . $events =~ s/$term/substr($1, 0, 10) eq '{relation,' ? '' : $1/ger
	  =~ s/,,+/,/gr =~ s/^,+//r;
}

# What a table looks like, but for what the catalogs of now tell otherwise: names
# of types, the make of composites, schemas that were renamed (up to 15), and the
# primary key where the messages do not have it.
sub bare_relation
{
	my ($regime, $relation) = @_;
	my $name = qr/<<"(?:[^"\\]++|\\.)*+"(?:\/utf8)?>>/;

	$relation =~ s/\{as,(?:[^{}]++|(\{(?:[^{}]++|(?1))*+\}))*+\}//g;
	$relation =~ s/($name,\d+),$name,(-?\d+)/$1,$2/g;
	$relation =~ s/^(\{relation,\d+),$name/$1/ if $etf->version < 16;
	$relation =~ s/\bprimary\b//g if $regime eq 'lagging' && $relation !~ /,default,/;
	return $relation =~ s/,+(?=\])//gr =~ s/\[,+/[/gr;
}

# Partitioned tables: they are told only where a truncate has them.
sub left_out
{
	my ($partitioned, @frames) = @_;
	my ($ours, $theirs) = map { [ map { split /,/ } /\{truncate,\[([\d,]*)\]/g ] } @frames;
	my %theirs = map { $_ => 1 } @$theirs;

	return map { $_ => 1 } grep { !$theirs{$_} && $partitioned->{$_} } @$ours;
}

# Those of a frame that say something new.
sub news
{
	my ($regime, $frame, $known, %left_out) = @_;
	my @news;

	while ($frame =~ /(?=\{relation,(\d+))$term/g)
	{
		my ($table, $bare) = ($1, bare_relation($regime, $2));

		next if $left_out{$table};
		push @news, $bare if ($known->{$table} // '') ne $bare;
		$known->{$table} = $bare;
	}
	return join "\n", @news;
}

# A composite of then is a tuple of now: what was added since is NULL.
sub without_added
{
	my ($frame) = @_;

	1 while $frame =~ s/(?:,|(?<=\{))nil\}/}/;
	return $frame;
}

# In binary one with attributes of then, of which nobody knows any more: here a
# tuple, or in lists.
my $unparsed = qr/\{unparsed,<<[^<>]*>>\}/;
my $composite = qr/(?:\[[^{}<]*)*$term(?:.*?\])?/;

sub same_but_altered
{
	my ($ours, $theirs) = map { without_added($_) } @_;
	my @same = map { quotemeta } split $unparsed, $theirs, -1;

	return $ours =~ /^@{[join $composite, @same]}$/s;
}

# Publications leave a partitioned table out of a truncate, but not its partitions.
sub same_truncates
{
	my ($partitioned, @frames) = @_;
	my ($ours, $theirs) = map { [ /\{truncate,\[([\d,]*)\]/g ] } @frames;

	return 0 if @$ours != @$theirs;
	for my $i (0 .. $#$ours)
	{
		my @kept = grep { !$partitioned->{$_} } split /,/, $ours->[$i];

		return 0 if "@kept" ne join ' ', split /,/, $theirs->[$i];
	}
	s/\{truncate,\[[\d,]*\]/{truncate,[]/g for @frames;
	return $frames[0] eq $frames[1];
}

sub excuse
{
	my ($regime, $partitioned, $ours, $theirs) = @_;
	my $bare = $ours eq $theirs;

	return 'names of types and attributes, schemas' if $bare && $regime ne 'still';
	return 'partitioned tables in truncates' if !$bare && same_truncates($partitioned, $ours, $theirs);
	return if $regime ne 'lagging';
	return 'composites of then' if same_but_altered($ours, $theirs);
	return;
}

# A table that is told otherwise in many frames is one difference.
my %seen;

sub told_otherwise
{
	my ($ours, $theirs) = @_;
	my %theirs = map { $_ => 1 } $theirs =~ /(?=\{relation,)$term/g;

	return scalar grep { !$theirs{$_} && !$seen{"$seed $_"}++ } $ours =~ /(?=\{relation,)$term/g;
}

# The differences, as text.
sub differences
{
	my ($regime, $partitioned, $ours, $theirs) = @_;
	my @known = ({}, {});
	my @bad;

	push @bad, @$ours . ' frames, not ' . @$theirs if @$ours != @$theirs;
	for my $i (0 .. ($#$ours < $#$theirs ? $#$ours : $#$theirs))
	{
		my ($one, $other) = ($ours->[$i], $theirs->[$i]);
		my ($new, $news) = (news($regime, $one, $known[0], left_out($partitioned, $one, $other)),
			news($regime, $other, $known[1]));

		push @bad, "tables of frame $i", $new, $news if $new ne $news;
		next if $one eq $other;
		my $told = told_otherwise($one, $other);
		($one, $other) = map { without_relations($_) } $one, $other;
		my $excuse = excuse($regime, $partitioned, $one, $other);

		$excused{$excuse} += $one eq $other ? $told : 1, next if defined $excuse;
		my $from = 0;
		$from++ while substr($one, 0, $from + 1) eq substr $other, 0, $from + 1;
		$from = $from > 100 ? $from - 100 : 0;
		push @bad, "frame $i", map { substr $_, $from, 260 } $one, $other;
		last if @bad > 20;
	}
	return join "\n", @bad;
}

# The first two have no names in values.
my @forms = ('rows=tuple', 'rows=tuple dialect=compact relations=frame', 'rows=map dialect=erlang',
	'rows=map numeric=text timestamps=iso uuid=binary json=text keys=atom');

sub play
{
	my ($regime, $format) = @_;
	my $form = $forms[ $seed % ($regime eq 'still' ? @forms : 2) ];
	my @options = (\"messages=$messages frame_bytes=16777216 $form", "--format=$format");
	my $round = PairRound->new($etf, 'template_random', $seed, $steps, $regime);

	$round->prepare;
	$round->run(@options);
	my ($ours, $theirs) = $round->frames(@options);
	my $report = differences($regime, $round->{partitioned}, $ours, $theirs);

	$round->clean;
	$count{rounds}++;
	$count{frames} += @$ours;
	$count{statements} += $round->{statements};
	return $report;
}

# So that one seed has both formats.
my %turn = (still => 0, followed => 2, lagging => 1);

RandomProbe::setup($etf, 'template_random');
do
{
	for my $regime (qw(still followed lagging))
	{
		my $format = $since14 && ($seed + $turn{$regime}) % 3 ? 'binary' : 'text';
		my $report = eval { play($regime, $format) };

		ok($report eq '', "$regime, as $format: PG_ETF_SEED=$seed")
		  or diag $@ || $report;
	}
	$seed++;
} while (time < $end);

cmp_ok($excused{$_}, '<=', 3 + $count{statements} / 100, "seldom: $_") for sort keys %excused;
diag join ', ', map({ "$count{$_} $_" } sort keys %count),
  map { "excused $excused{$_}: $_" } sort keys %excused;
$etf->stop;
done_testing();
