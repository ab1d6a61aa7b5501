# What a session sees of the random schema, out of its own catalogs: so that
# its next statement is likely to be valid, whatever has been rolled back.
#
# types: oid => { kind, name, element, base, base_name, sub, make, labels,
#	fields => [[name, oid, formatted type]] }; kind is pg_type.typtype, or
#	"a" for arrays.
# tables: [{ oid, name, schema, kind, part, parent, columns => [{ name, type,
#	format, generated }], indexes => [name] }]
package RandomCatalog;

use strict;
use warnings;

my $lists = "E'\\x1e'";
my $items = "E'\\x1f'";

my $types = <<"SQL";
WITH makers AS MATERIALIZED (
	SELECT prorettype, max(provariadic) AS part,
		min(format('%I.%I', pronamespace::regnamespace, proname)) AS name
	FROM pg_proc
	WHERE prosrc IN ('range_constructor3', 'multirange_constructor2')
	GROUP BY prorettype)
SELECT concat_ws(E'\\t', 'T', t.oid,
	CASE WHEN t.typlen = -1 AND t.typelem <> 0 THEN 'a' ELSE t.typtype END,
	format_type(t.oid, NULL), quote_ident(typname), t.typelem, t.typbasetype,
	format_type(t.typbasetype, t.typtypmod),
	coalesce(rngsubtype, m.part, 0), coalesce(m.name, ''),
	(SELECT coalesce(string_agg(quote_literal(enumlabel), $lists
			ORDER BY enumsortorder), '')
	 FROM pg_enum WHERE enumtypid = t.oid),
	(SELECT coalesce(string_agg(concat_ws($items, quote_ident(attname),
			atttypid, format_type(atttypid, atttypmod)), $lists
			ORDER BY attnum), '')
	 FROM pg_attribute
	 WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped),
	coalesce(c.relkind, ''), quote_ident(n.nspname))
FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
LEFT JOIN pg_range ON rngtypid = t.oid
LEFT JOIN makers m ON prorettype = t.oid
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE typisdefined
SQL

# What never changes is asked for once.
my $built_in = "$types AND (nspname = 'ext' OR nspname = 'pg_catalog'
	AND t.typtype IN ('b', 'r', 'm')) ORDER BY t.oid;";
my $own = "$types AND nspname ~ '^s\\d' ORDER BY t.oid;";

my $tables = <<"SQL";
SELECT concat_ws(E'\\t', 'R', c.oid, format('%I.%I', nspname, relname),
	quote_ident(nspname), c.relkind, c.relispartition,
	coalesce((SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid), 0),
	(SELECT coalesce(string_agg(concat_ws($items, quote_ident(attname),
			atttypid, format_type(atttypid, atttypmod), attgenerated), $lists
			ORDER BY attnum), '')
	 FROM pg_attribute
	 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
	(SELECT coalesce(string_agg(quote_ident(relname), $lists ORDER BY relname),
			'')
	 FROM pg_index JOIN pg_class i ON i.oid = indexrelid
	 WHERE indrelid = c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE c.relkind IN ('r', 'p') AND nspname ~ '^s\\d' ORDER BY c.oid;
SQL

sub new
{
	my ($class, $session) = @_;
	my $self = bless { built_in => {}, generation => 0 }, $class;

	$self->read_rows($session, $built_in, $self->{built_in});
	return $self;
}

# Other sessions, or a rollback, may have changed something.
sub changed
{
	my ($self) = @_;

	$self->{generation}++;
	return;
}

# The view of this session.
sub seen_by
{
	my ($self, $session) = @_;

	if ($session->{seen} != $self->{generation})
	{
		$session->{seen} = $self->{generation};
		$session->{types} = { %{ $self->{built_in} } };
		$session->{own} = {};
		$session->{tables} =
		  $self->read_rows($session, $own . $tables, $session->{own});
		$session->{types}{$_} = $session->{own}{$_}
		  for keys %{ $session->{own} };
	}
	return $session;
}

sub read_rows
{
	my ($self, $session, $sql, $into) = @_;
	my ($state, @lines) = $session->run($sql);
	my @tables;

	for (@lines)
	{
		my ($what, $oid, @rest) = split /\t/, $_, -1;

		$into->{$oid} = type($oid, @rest) if $what eq 'T';
		push @tables, table($oid, @rest) if $what eq 'R';
	}
	return \@tables;
}

sub type
{
	my ($oid, $kind, $name, $short, $element, $base, $base_name, $sub, $make,
		$labels, $fields, $relkind, $schema) = @_;

	return {
		oid => $oid, kind => $kind, name => $name, short => $short,
		element => $element, base => $base, base_name => $base_name,
		sub => $sub, make => $make, of_table => $relkind eq 'r',
		schema => $schema,
		labels => [ split /\x1e/, $labels ],
		fields => [ map { [ split /\x1f/ ] } split /\x1e/, $fields ]
	};
}

sub table
{
	my ($oid, $name, $schema, $kind, $part, $parent, $columns, $indexes) = @_;
	my @columns = map {
		my ($column, $type, $format, $generated) = split /\x1f/, $_, -1;

		{ name => $column, type => $type, format => $format,
			generated => $generated }
	} split /\x1e/, $columns;

	return {
		oid => $oid, name => $name, schema => $schema, kind => $kind,
		part => $part, parent => $parent, columns => \@columns,
		indexes => [ split /\x1e/, $indexes ]
	};
}

1;
