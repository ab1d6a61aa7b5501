# Values as a server sends them, in binary and as text, through the client's
# readers (test/client/unit/wire_values.c), beside the terms that the plugin
# makes of them.
#
#	my $wire = WireValues->new($etf, 'postgres');
#	my ($wrong, $refused) = $wire->differing(["1::int4", "'a'::mood"]);
package WireValues;

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Utils ();

# Each option of the forms is in one of them, each dialect in two.
our @forms = (
	'dialect=elixir', 'dialect=erlang', 'dialect=compact',
	'dialect=elixir,keys=atom,numeric=text,timestamps=iso,interval=duration,'
	  . 'timetz=offset,uuid=binary,json=text,float4=shortest,null=undefined',
	'dialect=elixir,rows=tuple,numeric=float,timestamps=us,'
	  . 'json_numbers=decimal',
	'dialect=erlang,timestamps=struct,numeric=decimal,interval=postgrex,'
	  . 'uuid=binary,json_numbers=decimal,float4=shortest,null=null',
	'dialect=compact,timestamps=struct,numeric=float,interval=duration,'
	  . 'timetz=offset,uuid=text');

# What the client asks of its session.
my $settings = <<'SQL';
SET client_min_messages = warning;
SET client_encoding = 'UTF8';
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET intervalstyle = 'postgres';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET xmlbinary = 'base64';
SET lc_monetary = 'C';
SQL

my $types = <<'SQL';
SELECT concat_ws(E'\t', t.oid, t.typname,
	CASE WHEN t.typinput::regproc = 'array_in'::regproc AND t.typlen = -1
		THEN 'a' ELSE t.typtype END,
	CASE WHEN t.typtype IN ('r', 'm') THEN probe_element(t) ELSE t.typelem END,
	t.typbasetype, t.typtypmod, t.typdelim, t.typsend <> 0, coalesce(extname, ''),
	(SELECT string_agg(concat_ws(E'\t', attname, atttypid, atttypmod), E'\t'
			ORDER BY attnum)
	 FROM pg_attribute
	 WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped))
FROM pg_type t
LEFT JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid
	AND deptype = 'e'
LEFT JOIN pg_extension e ON e.oid = d.refobjid
WHERE t.typtype IN ('b', 'c', 'd', 'e', 'r', 'm')
ORDER BY t.oid
SQL

# The subtype of a range, the range of a multirange.
my $element = <<'SQL';
CREATE FUNCTION probe_element(t pg_type) RETURNS oid LANGUAGE plpgsql AS $$
DECLARE
	found oid;
BEGIN
	IF t.typtype = 'r' THEN
		SELECT rngsubtype INTO found FROM pg_range WHERE rngtypid = t.oid;
	ELSE
		SELECT rngtypid INTO found FROM pg_range WHERE rngmultitypid = t.oid;
	END IF;
	RETURN found;
END $$;
SQL

sub new
{
	my ($class, $etf, $db) = @_;
	my $self = bless { etf => $etf, db => $db, values => 0 }, $class;

	die "make $ENV{ETF_WIRE_VALUES} first\n" if !-x $ENV{ETF_WIRE_VALUES};
	$etf->sql($element, $db);
	$self->read_types;
	return $self;
}

# Types may have been made since.
sub read_types
{
	my ($self) = @_;

	$self->{types} = {};
	for (split /\n/, $self->{etf}->sql($types, $self->{db}))
	{
		my ($oid, $name, $kind, $element, $base, $typmod, $delimiter, $sends,
			$extension, @fields) = split /\t/, $_, -1;

		$self->{types}{$oid} = {
			oid => $oid, name => $name, kind => $kind, element => $element,
			base => $base, typmod => $typmod, delimiter => $delimiter,
			sends => $sends, extension => $extension, fields => \@fields
		};
	}
	return;
}

sub parts
{
	my ($type) = @_;
	my @fields = @{ $type->{fields} };

	return (
		grep { $_ } $type->{kind} =~ /[arm]/ ? $type->{element} : 0,
		$type->{base}, @fields[ grep { $_ % 3 == 1 } 0 .. $#fields ]);
}

# Does this hold for the type, or for one that it consists of?
sub any_part
{
	my ($self, $oid, $holds) = @_;
	my $type = $self->{types}{$oid};

	return $holds->($type) || grep { $self->any_part($_, $holds) } parts($type);
}

# The innermost domain's base and modifier.
sub base
{
	my ($self, $type) = @_;

	return @{$type}{qw(oid typmod)} if $type->{kind} ne 'd';
	my ($base, $typmod) = $self->base($self->{types}{ $type->{base} });

	return $self->{types}{ $type->{base} }{kind} eq 'd'
	  ? ($base, $typmod)
	  : ($base, $type->{typmod});
}

# Lines of the program, those of parts first.  What is built in it knows.
sub type_lines
{
	my ($self, $oid, $seen) = @_;
	my $type = $self->{types}{$oid};
	my ($base, $typmod);

	return if $oid < 16384 || $seen->{$oid}++;
	($base, $typmod) = $self->base($type);
	return (
		(map { $self->type_lines($_, $seen) } parts($type)),
		join "\t", 'type', $oid, $base, $type->{name}, $type->{kind},
		$type->{element}, $typmod, $type->{delimiter}, $type->{sends},
		$type->{extension}, @{ $type->{fields} });
}

# A value's lines, one for each of these formats.
sub query
{
	my ($value, $formats) = @_;
	my $terms = join ', ',
	  map { "encode(etf_encode(v, '{$_}'), 'hex')" } @forms;

	return <<"SQL";
SELECT 'value', pg_typeof(v)::oid, -1, f,
	CASE f WHEN 'b' THEN encode(substring(record_send(ROW(v)) FROM 13), 'hex')
		ELSE encode(convert_to(format('%s', v), 'UTF8'), 'hex') END, terms.*
FROM (SELECT $value AS v OFFSET 0) AS given,
	LATERAL (SELECT $terms OFFSET 0) AS terms,
	unnest('{$formats}'::text[]) AS f
WHERE num_nonnulls(v) = 1;
SQL
}

# The lines of values, and what the server says of those that are none.
sub ask
{
	my ($self, $values, $formats) = @_;
	my $etf = $self->{etf};
	my $file = $etf->write_text($etf->new_file,
		join '', $settings, map { query($_, $formats) } @$values);
	my @answer = PostgreSQL::Test::Utils::run_command([
		'psql', '-XqAt', '-F', "\t", '-f', $file, '-d',
		$etf->node->connstr($self->{db}) ]);

	unlink $file;
	return @answer;
}

# What the program says of such lines.
sub judge
{
	my ($self, $lines) = @_;
	my %seen;
	my @types = map { $self->type_lines($_, \%seen) }
	  sort { $a <=> $b } keys %{ $self->{types} };
	my $in = join "\n", @types, $lines, '';
	my ($out, $err);

	IPC::Run::run([ $ENV{ETF_WIRE_VALUES}, @forms ], '<', \$in, '>', \$out,
		'2>', \$err) or die "wire_values: $err";
	my @said = split /\n/, $out;
	(pop @said) =~ /^(\d+) values/ or die "wire_values: $out$err";
	$self->{values} += $1;
	return @said;
}

# The built-in types as the program knows them, a line each.
sub builtins
{
	my $in = "builtins\n";
	my $out;

	IPC::Run::run([ $ENV{ETF_WIRE_VALUES} ], '<', \$in, '>', \$out)
	  or die 'wire_values';
	return grep { !/ differ$/ } split /\n/, $out;
}

sub name_of
{
	my ($self, $line) = @_;
	my ($oid) = $line =~ /^type (\d+)/;

	return "$self->{types}{$oid}{name}: $line";
}

# Of these values.  Returns what differs, and what the server refuses.
sub differing
{
	my ($self, $values, $formats) = @_;
	my ($lines, $err) = $self->ask($values, $formats // 'b,t');

	return ([ map { $self->name_of($_) } $self->judge($lines) ], $err);
}

1;
