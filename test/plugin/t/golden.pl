# The frames of test/plugin/golden are what their terms say, for our reader and for
# the BEAM, and values are still encoded in the same way.  With
# PG_ETF_GOLDEN=DIR they are written there instead.
use strict;
use warnings;

use EtfGolden;
use EtfTest;
use File::Basename;
use Test::More;

my $etf = EtfTest->new('golden');
my $record = $ENV{PG_ETF_GOLDEN};

sub write_file
{
	my ($file, $bytes) = @_;

	open my $out, '>:raw', $file or die "$file: $!";
	print $out $bytes;
	close $out or die "$file: $!";
	return;
}

sub record
{
	my ($name, $frame) = @_;

	write_file("$record/$name.frame", $frame);
	write_file("$record/$name.term", EtfGolden::to_text($etf, $frame));
	return;
}

sub record_all
{
	record($_, EtfGolden::encode($etf, $_)) for sort keys %EtfGolden::values;
	$etf->slot('s');
	$etf->sql($_) for EtfGolden::slurp('test/plugin/golden/changes.sql');
	for my $name (sort keys %EtfGolden::transactions)
	{
		my %option = (%{ $EtfGolden::transactions{$name} }, messages => 'on',
			frame_bytes => 700);
		my @frames = split /\n/, $etf->sql("SELECT encode(data, 'hex') FROM "
			  . EtfTest::slot_call('peek', 's', %option));
		my $number = 0;

		record(sprintf('%s-%02d', $name, ++$number), pack 'H*', $_)
		  for @frames;
	}
	return;
}

EtfGolden::setup($etf);
record_all() if defined $record;
for my $file (glob +($record // 'test/plugin/golden') . '/*.frame')
{
	my $name = basename($file, '.frame');
	my $term = $file =~ s/frame$/term/r;
	my $frame = EtfGolden::slurp($file);

	is(EtfGolden::to_text($etf, $frame),
		EtfGolden::slurp($term), "$name: etf_to_text shows the term");
	is($etf->oracle->ask('same', map { EtfOracle::quote($_) } $file, $term),
		'same', "$name: the BEAM reads the term");
	ok(EtfGolden::encode($etf, $name) eq $frame,
		"$name: is encoded in the same way")
	  if exists $EtfGolden::values{$name} && !defined $record;
}
is(scalar(() = glob 'test/plugin/golden/values-*.frame'),
	scalar(keys %EtfGolden::values), 'all values are there')
  if !defined $record;

$etf->stop;
done_testing();
