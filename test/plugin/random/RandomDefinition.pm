# Random DDL, over what a session sees of tables and types.
#
# A statement is a string; one that may not run inside of a transaction begins
# with a space.
package RandomDefinition;

use strict;
use warnings;

use RandomChange;
use RandomValue;

my $number = 0;
my @modified = ('numeric(20,5)', 'varchar(20)', 'char(8)', 'bit(11)',
	'time(0)', 'timestamp(3)', 'timestamptz(1)', 'interval(2)', 'timetz(4)',
	'bit varying(7)', 'interval day to minute');
my @awkward = ('Two words', 'quo"te', 'select', "\xc3\xa4\xc3\xb6\xe2\x82\xac",
	'a.b', "it's", 'x]:y', 'a,b', 'new-tuple', 'back\\slash');

sub reset_names { $number = 0; return; }

sub pick { return RandomChange::pick(@_); }

sub chance { return RandomChange::chance(@_); }

sub name
{
	my ($letter) = @_;

	$number++;
	return "$letter$number" if chance(0.75);
	return '"' . pick(@awkward) =~ s/"/""/gr . $number . '"';
}

sub schema { return 's' . pick(1, 2, 3); }

# On one line, as RandomCatalog reads lines.
sub label
{
	return "'" . RandomValue::text() =~ tr/\t\n//dr . ++$number . "'";
}

# A type of this kind that the test has made, or nothing.  Rather one that a
# column has: what happens to others nobody sees.
sub own
{
	my ($view, @kinds) = @_;
	my %kind = map { $_ => 1 } @kinds;
	my %used = map { $_->{type} => 1 }
	  map { @{ $_->{columns} } } @{ $view->{tables} };
	my @types = grep { $kind{ $_->{kind} } }
	  grep { !$_->{of_table} || chance(0.1) }
	  map { $view->{own}{$_} } sort { $a <=> $b } keys %{ $view->{own} };
	my @visible = grep { $used{ $_->{oid} } } @types;
	my $type = pick(@visible && chance(0.7) ? @visible : @types);

	$view->{subject} = $type->{oid} if $type;
	return $type;
}

# The name of any type, for a column, an attribute, a domain.
sub type
{
	my ($view) = @_;
	my $dice = rand;
	my $name = pick(RandomValue::types(), qw(json jsonb numeric) x 2,
		qw(text bytea) x 4);
	my $own;

	return pick(@modified) . (chance(0.2) ? '[]' : '') if $dice < 0.12;
	if ($dice < 0.6)
	{
		$own = own($view, qw(a c d e r m));
		$name = $own->{name} if $own;
		return $name if $own && $own->{kind} eq 'a';
	}
	return $name . (chance(0.25) ? '[]' : '');
}

sub fields
{
	my ($view, $least) = @_;

	return join ', ', map { name('f') . ' ' . type($view) }
	  1 .. $least + int rand 4;
}

sub create_type
{
	my ($view) = @_;
	my $name = schema() . '.' . name('t');
	my $dice = rand;
	my $sub;

	return "CREATE TYPE $name AS ENUM ("
	  . join(', ', map { label() } 0 .. rand 2) . ');'
	  if $dice < 0.3;
	return "CREATE TYPE $name AS (" . fields($view, 0) . ');' if $dice < 0.45;
	return "CREATE TYPE $name AS (gone int, " . fields($view, 1) . ');'
	  . "ALTER TYPE $name DROP ATTRIBUTE gone;"
	  if $dice < 0.6;
	return "CREATE DOMAIN $name AS " . type($view)
	  . pick('', ' CHECK (VALUE IS NOT NULL OR true)') . ';'
	  if $dice < 0.8;
	$sub = chance(0.4) ? own($view, qw(c d e)) : undef;
	$sub = $sub ? $sub->{name}
	  : pick('double precision', 'text', 'uuid', 'time', 'inet', 'interval',
		'integer[]', 'oid', 'bit varying', 'numeric', 'jsonb');
	return "CREATE TYPE $name AS RANGE (subtype = $sub);";
}

# Inserts most often leave it its default, which is stored out of line.
sub large_column
{
	my $type = pick(RandomValue::large_types());

	return name('l') . " $type DEFAULT " . RandomValue::large($type, $type);
}

sub columns
{
	my ($view) = @_;
	my @columns = map { name('c') . ' ' . type($view) } 0 .. rand 9;

	push @columns, large_column() if chance(0.6);
	push @columns, name('g')
	  . ' text GENERATED ALWAYS AS (id::text || \'!\') STORED'
	  if chance(0.2);
	return join ', ', @columns;
}

# Of these the old rows have what is stored out of line: all of it, or an
# identity that is, and yet fits an index.
sub create_full_table
{
	my ($view) = @_;
	my $name = schema() . '.' . name('r');

	return "CREATE TABLE $name (id serial, " . large_column() . ', '
	  . columns($view) . ");ALTER TABLE $name REPLICA IDENTITY FULL;";
}

sub create_large_identity
{
	my ($view) = @_;
	my $name = schema() . '.' . name('r');
	my $key = name('k');
	my $index = name('i');

	return "CREATE TABLE $name (id serial, " . columns($view)
	  . ", $key text NOT NULL DEFAULT repeat(md5('$number'), 70));
		ALTER TABLE $name ALTER $key SET STORAGE EXTERNAL;
		CREATE UNIQUE INDEX $index ON $name (id, $key);
		ALTER TABLE $name REPLICA IDENTITY USING INDEX $index;";
}

# With many values out of line, rather than those only that must be.
sub plain_table
{
	my ($name, $columns) = @_;

	return "CREATE TABLE $name ($columns)"
	  . pick('', ' WITH (toast_tuple_target = 128)') . ';'
	  . (chance(0.4) ? "ALTER TABLE $name REPLICA IDENTITY FULL;" : '');
}

sub create_table
{
	my ($view) = @_;
	my $name = schema() . '.' . name('r');
	my $columns = 'id serial' . pick(' PRIMARY KEY', ' PRIMARY KEY',
		' NOT NULL UNIQUE', '') . ', ' . columns($view);
	my $short = "part$number";

	return plain_table($name, $columns) if chance(0.75);
	return join "\n", "CREATE TABLE $name ($columns) PARTITION BY RANGE (id);",
	  "CREATE TABLE s1.${short}_a PARTITION OF $name"
	  . ' FOR VALUES FROM (MINVALUE) TO (12);',
	  "CREATE TABLE s2.${short}_b PARTITION OF $name"
	  . ' FOR VALUES FROM (12) TO (30);',
	  "CREATE TABLE s1.${short}_c PARTITION OF $name DEFAULT;";
}

sub table { return RandomChange::table(@_); }

# A table and one of its columns other than id.
sub column
{
	my ($view) = @_;
	my $table = table($view) or return;
	my $column = pick(grep { $_->{name} ne 'id' } @{ $table->{columns} });

	return $column ? ($table, $column) : ();
}

sub alter_columns
{
	my ($view) = @_;
	my ($table, $column) = column($view) or return;
	my $type = type($view);
	my $alter = "ALTER TABLE $table->{name}";
	my $dice = rand;

	return "$alter ADD COLUMN " . name('c') . " $type;" if $dice < 0.2;
	return "$alter ADD COLUMN " . name('c') . " $column->{format} DEFAULT "
	  . RandomChange::column_value($view, $column) . ';'
	  if $dice < 0.4;
	return "$alter DROP COLUMN $column->{name};" if $dice < 0.47;
	return "$alter RENAME COLUMN $column->{name} TO " . name('c') . ';'
	  if $dice < 0.65;
	return "$alter ALTER COLUMN $column->{name} TYPE text"
	  . " USING $column->{name}::text;"
	  if $dice < 0.72;
	return "$alter ALTER COLUMN $column->{name} TYPE $type USING NULL;"
	  if $dice < 0.82;
	return "$alter ALTER COLUMN $column->{name} SET STORAGE "
	  . pick(qw(EXTERNAL EXTENDED MAIN)) . ';'
	  if $dice < 0.9;
	return "$alter ALTER COLUMN $column->{name} SET DEFAULT "
	  . RandomChange::column_value($view, $column) . ';';
}

# Only the first of what an index has is a key.
sub index_columns
{
	my ($table) = @_;
	my $other = pick(grep { $_->{name} ne 'id' } @{ $table->{columns} });

	return $other && chance(0.4) ? "(id) INCLUDE ($other->{name})" : '(id)';
}

sub identity
{
	my ($view) = @_;
	my $table = table($view) or return;
	my $index = pick(@{ $table->{indexes} });
	my $alter = "ALTER TABLE $table->{name}";
	my $new = name('i');

	return "CREATE UNIQUE INDEX $new ON $table->{name} "
	  . index_columns($table) . ";$alter REPLICA IDENTITY USING INDEX $new;"
	  if chance(0.25);
	return "$alter ADD PRIMARY KEY (id);" if chance(0.1);
	return "$alter DROP CONSTRAINT $index;" if $index && chance(0.1);
	return "$alter REPLICA IDENTITY "
	  . pick('FULL', 'FULL', 'NOTHING', 'DEFAULT', 'DEFAULT',
		$index ? "USING INDEX $index" : 'FULL') . ';';
}

sub alter_table
{
	my ($view) = @_;
	my $table = table($view) or return;
	my $name = $table->{name};
	my $columns = index_columns($table);

	return pick(
		"ALTER TABLE $name RENAME TO " . name('r') . ';',
		"ALTER TABLE $name SET SCHEMA " . schema() . ';',
		'CREATE UNIQUE INDEX ' . name('i') . " ON $name $columns;",
		' CREATE UNIQUE INDEX CONCURRENTLY ' . name('i') . " ON $name $columns;",
		"ANALYZE $name;", " VACUUM FULL $name;", " VACUUM ANALYZE $name;",
		"ALTER TABLE $name CLUSTER ON "
		  . (pick(@{ $table->{indexes} }) // 'none') . ';',
		chance(0.1) ? "DROP TABLE $name;" : "ANALYZE $name;");
}

sub partition
{
	my ($view) = @_;
	my $parent = pick(grep { $_->{kind} eq 'p' } @{ $view->{tables} })
	  or return;
	my @parts = grep { $_->{parent} eq $parent->{oid} } @{ $view->{tables} };
	my @others = grep { $_->{part} eq 'f' && $_->{kind} eq 'r' }
	  @{ $view->{tables} };
	my $from = 31 + int rand 300;

	return "ALTER TABLE $parent->{name} DETACH PARTITION "
	  . pick(@parts)->{name} . ';'
	  if @parts && chance(0.4);
	return "CREATE TABLE s1.p" . ++$number
	  . " PARTITION OF $parent->{name} FOR VALUES FROM ($from) TO ("
	  . ($from + 3) . ');'
	  if !@others || chance(0.4);
	return "ALTER TABLE $parent->{name} ATTACH PARTITION "
	  . pick(map { $_->{name} } @others)
	  . " FOR VALUES FROM ($from) TO (" . ($from + 9) . ');';
}

sub alter_enum
{
	my ($view) = @_;
	my $enum = own($view, 'e') or return;
	my $alter = "ALTER TYPE $enum->{name}";
	my $label = pick(@{ $enum->{labels} }) or return;

	return "$alter RENAME VALUE $label TO " . label() . ';' if chance(0.7);
	return "$alter ADD VALUE " . label()
	  . (chance(0.5) ? " BEFORE $label" : '') . ';';
}

sub alter_composite
{
	my ($view) = @_;
	my $type = own($view, 'c');
	my ($alter, $field, $dice);

	return if !$type || $type->{of_table};
	$alter = "ALTER TYPE $type->{name}";
	$field = pick(@{ $type->{fields} });
	$dice = rand;
	return "$alter ADD ATTRIBUTE " . name('f') . ' ' . type($view) . ';'
	  if !$field || $dice < 0.4;
	return "$alter RENAME ATTRIBUTE $field->[0] TO " . name('f') . ';'
	  if $dice < 0.7;
	return "$alter DROP ATTRIBUTE $field->[0];" if $dice < 0.9;
	return "$alter ALTER ATTRIBUTE $field->[0] TYPE " . type($view) . ';';
}

sub alter_type
{
	my ($view) = @_;
	my $type = own($view, qw(c d e r m)) or return;
	my $alter = $type->{kind} eq 'd' ? 'ALTER DOMAIN' : 'ALTER TYPE';

	return if $type->{of_table};
	return "DROP TYPE $type->{name} CASCADE;" if chance(0.1);
	return "$alter $type->{name} SET SCHEMA " . schema() . ';' if chance(0.3);
	return "$alter $type->{name} RENAME TO " . name('t') . ';';
}

# Rather of tables that are then changed: nothing locks them.
sub rename_schema
{
	my ($view) = @_;
	my $table = pick(grep { $_->{schema} =~ /^s[34]$/ } @{ $view->{tables} });
	my $from = $table ? $table->{schema} : 's3';

	$view->{subject} = $table->{oid} if $table;
	return "ALTER SCHEMA $from RENAME TO " . ($from eq 's3' ? 's4' : 's3') . ';';
}

sub any
{
	my ($view) = @_;
	my $dice = rand;

	return create_table($view)
	  if $dice < 0.03 && @{ $view->{tables} } < 15 || !@{ $view->{tables} };
	return create_type($view) if $dice < 0.1;
	return alter_columns($view) if $dice < 0.37;
	return identity($view) if $dice < 0.47;
	return alter_table($view) if $dice < 0.58;
	return partition($view) if $dice < 0.64;
	return alter_enum($view) if $dice < 0.8;
	return alter_composite($view) if $dice < 0.9;
	return alter_type($view) if $dice < 0.96;
	return rename_schema($view);
}

1;
