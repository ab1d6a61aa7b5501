# What a reader of JSON lines has of tables, to be compared with them.
#
#	my $mirror = EtfMirror->new(strict => 1);
#	$mirror->apply($_) for @lines;
#	is($mirror->differs($etf, 't'), '', 'the mirror equals the table');
#
# Each table has a key "id".  Runs of the same letters are kept in short.  What cannot be is kept in {wrong}: with "strict"
# that is also a row that comes twice.
package EtfMirror;

use strict;
use warnings;

use JSON::PP;

my $json = JSON::PP->new->canonical->allow_nonref;

sub new
{
	my ($class, %param) = @_;

	return bless { %param, rows => {}, wrong => [], ops => {} }, $class;
}

sub wrong
{
	my ($self, $line, $what) = @_;

	push @{ $self->{wrong} }, "$what: $line" if @{ $self->{wrong} } < 5;
	return;
}

# JSON::PP takes its time for each letter.
sub decode
{
	my ($line) = @_;

	return $json->decode($line =~ s/(([a-z0-9]{1,4}?)\g2{49,})/"$2*" . length $1/ger);
}

sub apply
{
	my ($self, $line) = @_;
	my $change = eval { decode($line) }
	  // return $self->wrong($line, 'not JSON');
	my ($op, $new, $old) = @$change{qw(op record old)};
	my $rows = $self->{rows}{ $change->{table} // '' } //= {};
	my $key = $op eq 'delete' || defined $old ? $old->{id} : $new->{id};

	$self->{ops}{$op}++;
	%$rows = () if $op eq 'truncate';
	$self->wrong($line, 'comes twice')
	  if $self->{strict} && $op =~ /^(?:read|insert)$/ && $rows->{$key};
	$self->wrong($line, 'was not there')
	  if $self->{strict} && $op =~ /^(?:update|delete)$/ && !$rows->{$key};
	delete $rows->{$key} if $op eq 'delete';
	if ($op =~ /^(?:read|insert|update)$/)
	{
		# A change that is repeated finds its row where it has put it.
		my $before = delete $rows->{$key} // $rows->{ $new->{id} };
		my @unchanged = @{ $change->{unchanged} // [] };

		# It has moved since, or is yet to be read.
		return if @unchanged && !$before;
		$new->{$_} = $before->{$_} for @unchanged;
		$rows->{ $new->{id} } = $new;
	}
	return;
}

# The first differences, or an empty text.
sub differs
{
	my ($self, $etf, $table) = @_;
	my %mine = map { $_ => $json->encode($self->{rows}{$table}{$_}) }
	  keys %{ $self->{rows}{$table} // {} };
	my @differences;

	for my $row (split /\n/, $etf->sql("SELECT to_jsonb(x) FROM $table x"))
	{
		my $theirs = decode($row);
		my $key = $theirs->{id};
		my $mine = delete $mine{$key} // 'nothing';
		my $text = $json->encode($theirs);

		push @differences, "table has $text, mirror $mine" if $mine ne $text;
	}
	push @differences, "mirror has $mine{$_}, table nothing" for sort keys %mine;
	s/("[^"]{20})[^"]*"/$1..."/g for @differences;
	return join "\n", grep { defined } @differences[ 0 .. 4 ];
}

1;
