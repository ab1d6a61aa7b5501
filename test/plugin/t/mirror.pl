# A table rebuilt from the frames equals the table: random changes over every
# type, in every dialect and both forms of rows.
use strict;
use warnings;

use EtfRandom;
use EtfTest;
use EtfTypes;
use Test::More;

my $seed = $ENV{PG_ETF_SEED} // int rand 2**31;
my $transactions = $ENV{PG_ETF_FULL} ? 1000 : 30;
my $etf = EtfTest->new('mirror');

# With these options nothing of a value is lost.
my @forms = (
	{ timetz => 'offset', json_numbers => 'decimal', frame_bytes => 2000 },
	{ timetz => 'offset', json_numbers => 'decimal', rows => 'tuple' },
	{ dialect => 'erlang' },
	{ dialect => 'erlang', rows => 'tuple', frame_bytes => 1 },
	{ dialect => 'compact', rows => 'tuple', json_numbers => 'decimal' },
	{ dialect => 'compact', json_numbers => 'decimal' });

sub forget_mirror
{
	my (@tables) = @_;

	$etf->sql("TRUNCATE mirror.$_->{table}") for @tables;
	return;
}

sub repeat_changes
{
	my ($file) = @_;

	return $etf->run_text(
		$etf->oracle->ask('mirror', EtfOracle::quote($file)));
}

diag "PG_ETF_SEED=$seed";
srand $seed;
EtfTypes::setup($etf);

my $families = EtfTypes::families($etf);
my @tables = map { EtfRandom->new($_, $families->{$_}) } sort keys %$families;

$etf->sql($_->create) for @tables;
$etf->slot('s');
for my $table (@tables)
{
	is($etf->run_text($table->script($transactions)),
		'', "changes of $table->{table}");
}

# All is read before the mirror is written to, which is decoded as well.
for my $form (@forms)
{
	$etf->sql("SELECT pg_copy_logical_replication_slot('s', 'copy')");
	$form->{file} = $etf->recv('copy', undef, %$form);
	$etf->drop_slot('copy');
}
$etf->drop_slot('s');
$etf->sql('CREATE SCHEMA mirror');
$etf->sql($_->create_mirror) for @tables;

for my $form (@forms)
{
	my $file = delete $form->{file};
	my $name = join ' ', map { "$_=$form->{$_}" } sort keys %$form;

	forget_mirror(@tables);
	is(repeat_changes($file), '', "frames are applied: $name");
	for my $table (@tables)
	{
		is($etf->sql($table->difference), '', "$table->{table} is rebuilt: $name")
		  or diag $etf->sql($table->differing_values);
	}
}

$etf->stop;
done_testing();
