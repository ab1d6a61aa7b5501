# Random options of the plugin, and what the comparison has to know of them.
package RandomForm;

use strict;
use warnings;

sub pick { return $_[int rand @_]; }

my @actions = qw(insert update delete truncate);

# Exact: documents have numbers that no double holds.
sub new
{
	my ($class, $exact) = @_;
	my %option = (
		messages => 'on',
		rows => pick(qw(map tuple)),
		keys => pick(qw(binary binary atom)),
		dialect => pick(qw(elixir erlang compact)),
		numeric => pick(qw(auto auto decimal text float)),
		timestamps => pick(qw(auto auto struct us iso)),
		interval => pick(qw(auto auto postgrex duration)),
		timetz => pick(qw(utc offset)),
		uuid => pick(qw(auto text binary)),
		float4 => pick(qw(exact shortest)),
		null => pick('nil', 'null', 'undefined', "two words"),
		relations => pick(qw(session session frame)),
		old_rows => pick(qw(identity identity identity none)),
		frame_bytes => pick(1, 300, 5000, 65536),
		skip_empty => pick(qw(on on off)));
	my $self = bless { option => \%option, exact => $exact }, $class;

	$option{actions} = join ',', grep { rand() < 0.7 } @actions
	  if rand() < 0.15;
	$option{actions} = 'all' if !$option{actions};
	$self->choose_json;
	return $self;
}

sub numeric
{
	my ($self) = @_;
	my ($numeric, $dialect) = @{ $self->{option} }{qw(numeric dialect)};

	return $numeric if $numeric ne 'auto';
	return $dialect eq 'erlang' ? 'text' : 'decimal';
}

# As text a number of a document could as well be a string.
sub choose_json
{
	my ($self) = @_;
	my $option = $self->{option};
	my $decimal = $self->numeric eq 'decimal';

	$option->{json} = pick(qw(term term term text));
	$option->{json} = 'text' if $self->{exact} && !$decimal;
	$option->{json_numbers} =
	  $self->{exact} && $decimal || $decimal && rand() < 0.5 ? 'decimal'
	  : 'float';
	return;
}

sub options { return %{ $_[0]->{option} }; }

sub text
{
	my ($self) = @_;
	my $option = $self->{option};

	return join ' ', map { "$_=$option->{$_}" } sort keys %$option;
}

# The argument of agree:compare/3.
sub erlang
{
	my ($self) = @_;
	my $option = $self->{option};

	return {
		(map { $_ => $option->{$_} }
			  qw(dialect json json_numbers timetz relations old_rows keys)),
		numeric => $self->numeric,
		null => "'$option->{null}'",
		actions => [ $option->{actions} eq 'all' ? @actions
			: split /,/, $option->{actions} ],
		skip_empty => $option->{skip_empty} eq 'on' ? 'true' : 'false'
	};
}

# Settings of a session that may not show in any value.
sub settings
{
	return join ' ', '-c', 'datestyle=' . pick("German", "SQL,DMY", "Postgres"),
	  '-c', 'timezone=' . pick(qw(Asia/Kathmandu America/St_Johns UTC)),
	  '-c', 'bytea_output=' . pick(qw(escape hex)),
	  '-c', 'extra_float_digits=' . pick(-15, 0, 3),
	  '-c', 'intervalstyle=' . pick(qw(sql_standard iso_8601)),
	  '-c', 'quote_all_identifiers=' . pick(qw(on off));
}

1;
