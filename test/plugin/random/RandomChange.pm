# Random changes of rows, over what a session sees of the tables.
package RandomChange;

use strict;
use warnings;

use RandomValue;

sub pick { return $_[int rand @_]; }

sub chance { return rand() < $_[0]; }

sub table
{
	my ($view) = @_;

	return pick(@{ $view->{tables} });
}

# What is given to a partition by name most often belongs elsewhere.  Rather
# a table with a type of the test's own.
sub target
{
	my ($view) = @_;
	my @tables = grep { $_->{part} eq 'f' || chance(0.1) }
	  @{ $view->{tables} };
	my @own = grep {
		grep { $view->{own}{ $_->{type} } } @{ $_->{columns} }
	} @tables;

	return pick(@own && chance(0.4) ? @own : @tables);
}

# A table that has a column of the type with this OID, or is the one with it;
# or nothing.
sub user_of
{
	my ($view, $oid) = @_;

	return pick(grep {
		$_->{oid} eq $oid || grep { $_->{type} eq $oid } @{ $_->{columns} }
	} @{ $view->{tables} });
}

sub given
{
	my ($table) = @_;

	return grep { $_->{name} ne 'id' && !$_->{generated} }
	  @{ $table->{columns} };
}

sub column_value
{
	my ($view, $column) = @_;

	return RandomValue::value($view->{types}, $column->{type},
		$column->{format});
}

# Columns named so have a default that is stored out of line.
sub has_large_default { return $_[0]->{name} =~ /^l\d/; }

# The insert that also tells how the catalogs describe the table at this
# point of the WAL.
sub insert
{
	my ($view, $into) = @_;
	my $table = $into // target($view) or return;
	my @columns = grep { chance(has_large_default($_) ? 0.3 : 0.85) }
	  given($table);
	my $list = join ', ', map { $_->{name} } @columns;
	my $values = join ', ', map { column_value($view, $_) } @columns;
	my $rows = chance(0.1) ? 2 + int rand 30 : 1;
	my $insert = "INSERT INTO $table->{name} "
	  . (@columns
		? "($list) SELECT $values FROM generate_series(1, $rows)"
		: 'DEFAULT VALUES');

	$insert .= ' ON CONFLICT DO NOTHING' if chance(0.2);
	return "$insert;" if chance(0.3);
	return "WITH i AS ($insert RETURNING tableoid)
		SELECT pg_logical_emit_message(true, 'after insert', probe.state(tableoid))
		FROM i GROUP BY tableoid;";
}

# Many rows in one WAL record.
sub copy
{
	my ($view) = @_;
	my $table = target($view) or return;
	my ($column) = given($table) or return;

	return "COPY $table->{name} ($column->{name}) FROM STDIN;\n"
	  . "\\N\n" x (1 + int rand 20) . '\\.';
}

# Some rows, the same whenever the same happened before.
sub rows
{
	my ($table) = @_;
	my $skip = int rand 12;
	my $count = chance(0.8) ? 1 : 1 + int rand 10;

	return "(tableoid, ctid) IN (SELECT tableoid, ctid FROM $table->{name}"
	  . " ORDER BY tableoid, ctid OFFSET $skip LIMIT $count)";
}

sub update
{
	my ($view) = @_;
	my $table = table($view) or return;
	my @set = map { "$_->{name} = " . column_value($view, $_) }
	  grep { chance(0.3) } given($table);

	push @set, 'id = id + ' . (1 + int rand 30) if chance(0.2);
	@set = ('id = id') if !@set;
	return "UPDATE $table->{name} SET "
	  . join(', ', @set) . ' WHERE ' . rows($table) . ';';
}

sub remove
{
	my ($view) = @_;
	my $table = table($view) or return;

	return "DELETE FROM $table->{name} WHERE " . rows($table) . ';';
}

sub truncate
{
	my ($view) = @_;
	my @tables = map { $_->{name} } grep { defined } table($view),
	  chance(0.3) ? table($view) : ();

	return if !@tables;
	return 'TRUNCATE ' . join(', ', @tables)
	  . pick('', '', ' RESTART IDENTITY', ' CASCADE') . ';';
}

sub message
{
	return sprintf "SELECT pg_logical_emit_message(%s, 'random', '%s');",
	  pick('true', 'false'), RandomValue::text();
}

sub any
{
	my ($view) = @_;
	my $dice = rand;

	return insert($view) if $dice < 0.5;
	return update($view) if $dice < 0.8;
	return remove($view) if $dice < 0.92;
	return copy($view) if $dice < 0.95;
	return message() if $dice < 0.98;
	return RandomChange::truncate($view);
}

1;
