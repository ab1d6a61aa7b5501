# The golden frames of test/plugin/golden: how each is made.
package EtfGolden;

use strict;
use warnings;

use PostgreSQL::Test::Utils;

# Name to options of etf_encode.
our %values = (
	'values-elixir' => 'dialect=elixir',
	'values-elixir-tuple' => 'dialect=elixir,rows=tuple',
	'values-erlang' => 'dialect=erlang',
	'values-compact' => 'dialect=compact,rows=tuple');

# Name to options of the plugin.
our %transactions = (
	'tx-elixir' => {},
	'tx-compact' => { dialect => 'compact', rows => 'tuple' },
	'tx-erlang' => { dialect => 'erlang', relations => 'frame' });

sub slurp
{
	my ($file) = @_;

	open my $in, '<:raw', $file or die "$file: $!";
	local $/;
	my $bytes = <$in>;
	close $in;
	return $bytes;
}

sub setup
{
	my ($etf) = @_;

	$etf->sql(slurp('test/plugin/golden/golden.sql'));
	return;
}

# All rows of the table as one list.
sub encode
{
	my ($etf, $name) = @_;

	return pack 'H*',
	  $etf->sql("SELECT encode(etf_encode(array_agg(golden ORDER BY id),
		'{$values{$name}}'), 'hex') FROM golden");
}

sub to_text
{
	my ($etf, $frame) = @_;
	my $hex = unpack 'H*', $frame;

	return $etf->sql("SELECT etf_to_text('\\x$hex')") . "\n";
}

1;
