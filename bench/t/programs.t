# Each part parses, and the Port that measures the client reads its packets.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use Test::More;

use Bench::Curves;
use Bench::Port;
use Bench::Workloads;

for my $program (qw(plugin client end_to_end pgoutput latency growth read snapshot streaming calls nodes publish))
{
	my $said = qx("$^X" -c "$FindBin::RealBin/../$program" 2>&1);
	like($said, qr/syntax OK/, "$program parses");
}

SKIP:
{
	my $reader = "$FindBin::RealBin/../beam/reader.exs";
	skip 'elixir is not there', 1 if system 'elixir --version >/dev/null 2>&1';
	is(system('elixir', '-e', 'Code.string_to_quoted!(File.read!(hd(System.argv())))',
			$reader), 0, 'the reader of the BEAM parses');
}

# {tx, whole, {700, CommitLsn, EndLsn, Time}, ...} in a list of frames.
my ($commit, $end) = (78_187_493_520, 78_187_493_529);
my $head = Bench::Port::atom('whole') . "h\x04b\0\0\x02\xbc"
  . join '', map { Bench::Port::integer($_) } $commit, $end, 1;
my $packet = "\x83l\0\0\0\x01h\x07" . Bench::Port::atom('tx') . $head;

is(Bench::Port::end_lsn(\$packet), $end, 'the end of a transaction is found');
is(Bench::Port::end_lsn(\($packet =~ s/whole/first/r)), undef,
	'that of a part is none');
is(Bench::Port::end_lsn(\("\x83h\x02" . Bench::Port::atom('caught_up'))),
	undef, 'nor is there one in other packets');

for my $curve (@Bench::Curves::all)
{
	my @odd = grep { $_->{rows} % $_->{per} }
	  map { Bench::Curves::points($curve, $_) } 0, 1;
	is(@odd, 0, "curve $curve->{name}: whole transactions");
}
for my $workload (@Bench::Workloads::all)
{
	my @odd = grep { $workload->{per} ne 'all' && $_ % $workload->{per} }
	  @{ $workload->{rows} };
	is(@odd, 0, "workload $workload->{name}: whole transactions");
}

done_testing();
