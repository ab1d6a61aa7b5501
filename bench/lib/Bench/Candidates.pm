# What is measured: one row per plugin and set of options.
package Bench::Candidates;

use strict;
use warnings;

# since: the first server version that has the options.
our @all = (
	{ name => 'floor', plugin => 'bench_floor' },
	{
		name => 'pgoutput-text',
		plugin => 'pgoutput',
		options => [ 'proto_version=1', 'publication_names=bench' ]
	},
	{
		name => 'pgoutput-binary',
		plugin => 'pgoutput',
		since => 14,
		options =>
		  [ 'proto_version=1', 'publication_names=bench', 'binary=true' ]
	},
	{ name => 'test_decoding', plugin => 'test_decoding' },
	{
		name => 'wal2json-v1',
		plugin => 'wal2json',
		options => ['format-version=1']
	},
	{
		name => 'wal2json-v2',
		plugin => 'wal2json',
		options => ['format-version=2']
	},
	{ name => 'decoderbufs', plugin => 'decoderbufs' },
	{ name => 'etf-elixir', plugin => 'pg_etf_decoding' },
	{
		name => 'etf-erlang',
		plugin => 'pg_etf_decoding',
		options => ['dialect=erlang']
	},
	{
		name => 'etf-compact',
		plugin => 'pg_etf_decoding',
		options => [ 'dialect=compact', 'rows=tuple' ]
	});

# What the Elixir library asks for.
our @library = ('dialect=compact', 'rows=tuple', 'protocol_version=1');

# The same candidates with another build of the plugin, to compare the two.
sub before
{
	return map {
		{
			%$_,
			name => "before-$_->{name}",
			plugin => 'pg_etf_before',
			of => $_->{plugin}
		}
	} grep { $_->{plugin} eq 'pg_etf_decoding' } @_;
}

1;
