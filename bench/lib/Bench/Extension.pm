# The functions of the extension in a private cluster, where the server looks
# for no files of ours.
package Bench::Extension;

use strict;
use warnings;

use Bench::Run;

# Another extension, which is there, takes the name: what is in it is looked for.
my $as_extension = q{SET allow_system_table_mods = on;
	UPDATE pg_extension SET extname = 'pg_etf_decoding' WHERE extname = 'plpgsql';
	ALTER EXTENSION pg_etf_decoding ADD FUNCTION etf_read;
	ALTER EXTENSION pg_etf_decoding ADD TABLE etf_backfill;
	RESET allow_system_table_mods};

# What CREATE EXTENSION would do; "build" is the tree.
sub create
{
	my ($cluster, $build) = @_;

	for my $script ('pg_etf_decoding--1.0.sql', 'pg_etf_decoding--1.0--1.1.sql')
	{
		my $sql = Bench::Run::slurp("$build/sql/$script");

		$sql =~ s/^\\echo.*$//mg;
		$sql =~ s/MODULE_PATHNAME/pg_etf_decoding/g;
		$cluster->query($sql);
	}
	$cluster->query($as_extension);
	return;
}

1;
