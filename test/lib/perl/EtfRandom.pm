# Random changes over a table, from a seed: what EtfTypes has values for.
package EtfRandom;

use strict;
use warnings;

use EtfTypes;

# Values that are lists themselves have arrays of one dimension only: a list
# of lists would not say where the array ends.  Neither need giants more.
my %flat = map { $_ => 1 } qw(tsvector json jsonb polygon grid varchar(9000)),
  map { "${_}multirange" } qw(int4 num ts float);

# columns: [name, type, literals, is_array]
sub new
{
	my ($class, $table, $types) = @_;
	my @columns;

	for my $type (sort keys %$types)
	{
		(my $name = $type) =~ s/\W+/_/g;
		push @columns, [ "c_$name", $type, $types->{$type}, 0 ];
		push @columns, [ "a_$name", $type, $types->{$type}, 1 ];
	}
	return bless {
		table => $table,
		columns => \@columns,
		ids => [],
		next => 1
	}, $class;
}

# With a dropped column and a generated one; the whole old row where the name
# asks for it.
sub create
{
	my ($self) = @_;
	my $table = $self->{table};

	return "CREATE TABLE $table (gone int, id int PRIMARY KEY, "
	  . join(', ', map { "$_->[0] $_->[1]" . ($_->[3] ? '[]' : '') }
		  @{ $self->{columns} })
	  . ', twice int GENERATED ALWAYS AS (id * 2) STORED);'
	  . "ALTER TABLE $table DROP gone;"
	  . ($table =~ /_full$/ ? "ALTER TABLE $table REPLICA IDENTITY FULL;" : '');
}

# In the middle of its life the table gets a column more.
sub script
{
	my ($self, $transactions) = @_;
	my $half = $transactions / 2;

	return join "\n", (map { $self->transaction } 1 .. $half),
	  "ALTER TABLE $self->{table} ADD later text DEFAULT 'was';",
	  (map { $self->transaction } 1 .. $half), '';
}

sub create_mirror
{
	my ($self) = @_;

	return "CREATE TABLE mirror.$self->{table}
		(LIKE public.$self->{table} INCLUDING ALL);";
}

# Documents are equal whatever their text; so are tables then.
sub comparable
{
	my ($column) = @_;
	my ($name, $type, undef, $is_array) = @$column;

	return $name . ($type =~ /^jsonb?$/ ? '::jsonb' : '::text')
	  . ($is_array && $type =~ /^jsonb?$/ ? '[]' : '');
}

# The rows that are on one side only.
sub difference
{
	my ($self) = @_;
	my $list = join ', ', qw(id twice later),
	  map { comparable($_) } @{ $self->{columns} };
	my ($a, $b) =
	  map { "(SELECT $list FROM $_.$self->{table})" } qw(public mirror);

	return "SELECT id FROM (($a EXCEPT ALL $b) UNION ALL ($b EXCEPT ALL $a)) d";
}

# For the person who wonders: where the rows of both sides differ.
sub differing_values
{
	my ($self) = @_;

	return join ' UNION ALL ', map {
		my $c = comparable($_);
		"(SELECT format('%s: %s, %s', '$_->[0]', left(p.$c\::text, 200),
			left(m.$c\::text, 200)) FROM public.$self->{table} p
		 JOIN mirror.$self->{table} m USING (id)
		 WHERE p.$c IS DISTINCT FROM m.$c LIMIT 1)"
	} @{ $self->{columns} };
}

sub pick { return $_[int rand @_]; }

sub literal
{
	my ($type, $literals) = @_;

	return 'NULL' if rand() < 0.15;
	return "'" . pick(@$literals) . "'::$type";
}

sub array
{
	my ($type, $literals) = @_;
	my $dims = $flat{$type} || rand() < 0.6 ? 1 : pick(2, 3, 6);

	return 'NULL' if rand() < 0.15;
	return "'{}'::$type\[]" if rand() < 0.2;
	return nested($type, $literals, $dims) . "::$type\[]";
}

sub nested
{
	my ($type, $literals, $dims) = @_;

	return 'ARRAY['
	  . join(',', map {
			$dims == 1
			  ? literal($type, $literals)
			  : nested($type, $literals, $dims - 1)
		} 1 .. 2) . ']';
}

sub value
{
	my ($column) = @_;
	my (undef, $type, $literals, $is_array) = @$column;

	return $is_array ? array($type, $literals) : literal($type, $literals);
}

sub insert
{
	my ($self) = @_;
	my $id = $self->{next}++;

	push @{ $self->{ids} }, $id;
	return "INSERT INTO $self->{table} VALUES ($id, "
	  . join(', ', map { value($_) } @{ $self->{columns} }) . ');';
}

sub update
{
	my ($self) = @_;
	my @ids = @{ $self->{ids} } or return '';
	my $at = int rand @ids;
	my $id = $ids[$at];
	my @set = map { "$_->[0] = " . value($_) }
	  grep { rand() < 0.3 } @{ $self->{columns} };

	if (rand() < 0.2)
	{
		$self->{ids}[$at] = $self->{next};
		push @set, "id = $self->{next}";
		$self->{next}++;
	}
	return '' if !@set;
	return "UPDATE $self->{table} SET "
	  . join(', ', @set) . " WHERE id = $id;";
}

sub delete_row
{
	my ($self) = @_;
	my $ids = $self->{ids};

	return '' if !@$ids;
	my ($id) = splice @$ids, int rand @$ids, 1;
	return "DELETE FROM $self->{table} WHERE id = $id;";
}

sub truncate_table
{
	my ($self) = @_;

	$self->{ids} = [];
	return "TRUNCATE $self->{table};";
}

sub change
{
	my ($self) = @_;
	my $dice = rand;

	return $self->insert if $dice < 0.5;
	return $self->update if $dice < 0.8;
	return $self->delete_row if $dice < 0.99;
	return $self->truncate_table;
}

# Run the block; what it did to our idea of the table is taken back.
sub undone
{
	my ($self, $count) = @_;
	my @ids = @{ $self->{ids} };
	my @sql = map { $self->change } 1 .. $count;

	$self->{ids} = \@ids;
	return @sql;
}

# One transaction, with savepoints kept and rolled back; or one that aborts.
sub transaction
{
	my ($self) = @_;
	my @sql;

	return ('BEGIN;', $self->undone(3), 'ROLLBACK;') if rand() < 0.1;
	push @sql, $self->change for 1 .. 1 + int rand 5;
	push @sql, 'SAVEPOINT a;', $self->undone(2), 'ROLLBACK TO a;'
	  if rand() < 0.3;
	push @sql, 'SAVEPOINT b;', $self->change, 'RELEASE b;' if rand() < 0.3;
	push @sql, $self->change;
	return ('BEGIN;', @sql, 'COMMIT;');
}

1;
