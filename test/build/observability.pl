# Alerts and dashboard: names that exist, and pages to read.  With PROMTOOL, as
# by make check-alerts, also whether Prometheus takes them.
use strict;
use warnings;

use File::Temp 'tempdir';
use JSON::PP;
use Test::More;

sub slurp
{
	open my $in, '<', $_[0] or die "$_[0]: $!";
	local $/;
	return scalar <$in>;
}

my $alerts = slurp('observability/alerts.yml');
my $rule_tests = slurp('observability/alerts_test.yml');
my $dashboard = slurp('observability/grafana.json');

# A test of the library compares this page with the code.
my %metrics = map { $_ => 1 } slurp('docs/metrics.md') =~ /^\| `(pg_etf_\w+)`/mg;
cmp_ok(scalar keys %metrics, '>', 20, 'there are metrics');
for my $text ([ alerts => $alerts ], [ dashboard => $dashboard ])
{
	my @names = map { s/(_seconds)_(?:bucket|sum|count)$/$1/r }
	  $text->[1] =~ /\b(pg_etf_\w+)/g;

	cmp_ok(scalar @names, '>', 10, "$text->[0]: there are names");
	is_deeply([ grep { !$metrics{$_} && $_ ne 'pg_etf' } @names ], [],
		"$text->[0]: each is a metric");
}

# Headings as places in a page.
my %places = map { lc tr/ /-/r =~ tr/a-zA-Z0-9_-//cdr => 1 }
  slurp('docs/operations.md') =~ /^#+ (.*)$/mg;
my @rules = $alerts =~ /^      - alert: (\w+)$/mg;
my @runbooks = $alerts =~ /^          runbook: (\S+)$/mg;
cmp_ok(scalar @rules, '>', 8, 'there are alerts');
is_deeply(\@runbooks, [ map { 'docs/operations.md#' . lc } @rules ],
	'each names its place in operations.md');
is_deeply([ grep { !$places{ lc $_ } } @rules ], [], 'which is there');
is_deeply([ grep { $rule_tests !~ /alertname: $_$/m } @rules ], [],
	'each has a test');

my @expressions =
  map { map { $_->{expr} } @{ $_->{targets} // [] } }
  @{ decode_json($dashboard)->{panels} };
cmp_ok(scalar @expressions, '>', 15, 'the dashboard is JSON, and asks');
is_deeply([ grep { $dashboard !~ /\b$_(?:_bucket)?\b/ } grep { !/_(?:up|build_info|held_bytes|
	transactions_total|frames_total|slot_active)$/x } sort keys %metrics ], [],
	'for each metric that is not told by another');

SKIP:
{
	my $promtool = $ENV{PROMTOOL};
	skip 'without PROMTOOL', 3 if !$promtool;
	is(system("$promtool check rules observability/alerts.yml > /dev/null"), 0,
		'Prometheus takes the rules');
	is(system("cd observability && $promtool test rules alerts_test.yml"), 0,
		'which fire when they should');

	my $file = tempdir(CLEANUP => 1) . '/dashboard.yml';
	my $n = 0;
	my @as_rules = map { +{ record => 'r' . $n++, expr => $_ } }
	  map { s/\$slot/.*/gr =~ s/\$__rate_interval/5m/gr } @expressions;
	open my $out, '>', $file or die "$file: $!";
	print $out encode_json({ groups => [ { name => 'x', rules => \@as_rules } ] });
	close $out;
	is(system("$promtool check rules $file > /dev/null"), 0,
		'and each question of the dashboard');
}

done_testing();
