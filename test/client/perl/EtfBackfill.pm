# pg_etf_client behind a consumer that keeps a mirror: test/client/beam/backfill_driver.erl.
#
#	my $client = EtfBackfill->start($etf, 'slot');
#	$client->backfill('id', tables => 'public.t');
#	$client->equals('public.t', 'the mirror is the table');
#	$client->restart;
package EtfBackfill;

use strict;
use warnings;

use parent -norequire, 'EtfClient';

use Digest::MD5 qw(md5_hex);
use EtfClient;
use Test::More;
use Time::HiRes qw(sleep time);

# Rows whose large values the changes leave out.
sub fill_wide
{
	my ($etf, $table, $rows) = @_;

	$etf->sql("CREATE TABLE $table (id int PRIMARY KEY, v text, n int, big text);
		ALTER TABLE $table ALTER big SET STORAGE EXTERNAL;
		INSERT INTO $table SELECT i, 'v' || i, i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 100) j)
		FROM generate_series(1, $rows) i");
	return;
}

# What is done of backfills can be neither read nor kept until the session is unlocked.
sub lock_states
{
	my ($etf) = @_;
	my $session = $etf->node->background_psql('postgres');

	$session->query_safe('BEGIN; LOCK TABLE etf_backfill');
	return $session;
}

sub unlock
{
	my ($session) = @_;

	$session->query_safe('COMMIT');
	$session->quit;
	return;
}

# With a slot that is there, or is made; "first": the backfill "b" that comes before all.
sub start
{
	my ($class, $etf, $slot, %setting) = @_;
	my $self = EtfClient::new($class, undef, 'backfill_driver');

	$self->{etf} = $etf;
	$self->{all} = [];
	$self->{first} = delete $setting{first};
	$self->{start} = EtfClient::settings(
		$etf->node,
		slot => qq{<<"$slot">>},
		create => 'if_missing',
		credit_events => 10000,
		credit_bytes => 10_000_000,
		options => '#{rows => map, dialect => elixir}',
		%setting);
	$self->begin;
	$self->expect(qr/^\{status,connected/, "$slot: connected") if !$self->{first};
	return $self;
}

sub begin
{
	my ($self) = @_;

	$self->say("{send, {start, $self->{start}}}");
	$self->backfill('b', %{ $self->{first} }) if $self->{first};
	return;
}

# Killed, and another one for the same mirror.
sub restart
{
	my ($self) = @_;

	kill KILL => $self->{pid};
	$self->say('restart');
	$self->wait_for(qr/^\{os_pid,(\d+)\}/) or die 'no other client';
	$self->{pid} = $self->{match}[0];
	$self->begin;
	return;
}

sub backfill
{
	my ($self, $id, %key) = @_;
	my %all = (mode => 'incremental', %key);

	$all{$_} = qq{<<"$all{$_}">>} for grep { exists $all{$_} } qw(tables where);
	$self->say('{send, {backfill, <<"' . $id . '">>, #{'
		  . join(', ', map { "$_ => $all{$_}" } sort keys %all) . '}}}');
	return;
}

sub line
{
	my ($self, $timeout) = @_;
	my $line = EtfClient::line($self, $timeout);

	push @{ $self->{all} }, $line if defined $line;
	return $line;
}

sub seen { return @{ $_[0]->{all} }; }

# What the table has, as the driver shows it.
sub table_lines
{
	my ($self, $table) = @_;
	my ($schema, $name) = split /\./, $table;
	my $columns = $self->{etf}->sql(qq{SELECT string_agg(format(
		'%L || md5(coalesce(%I::text, ''NULL''))', attname || '=', attname), ' || '' '' || '
		ORDER BY attname COLLATE "C") FROM pg_attribute
		WHERE attrelid = '$table'::regclass AND attnum > 0 AND NOT attisdropped});

	return split /\n/, $self->{etf}->sql(qq{SELECT line FROM (SELECT $columns AS line FROM $table) l
		ORDER BY line COLLATE "C"});
}

sub mirror_lines
{
	my ($self, $table) = @_;

	$self->say(qq{{mirror, <<"$table">>}});
	my $line = $self->wait_for(qr/^\{mirror,<<"\Q$table\E">>,/) // return 'no answer';
	return sort $line =~ /<<"([^"]*=[^"]*)">>/g;
}

sub differences
{
	my ($self, $table) = @_;
	my %mirror = map { $_ => 1 } $self->mirror_lines($table);
	my %table = map { $_ => 1 } $self->table_lines($table);

	return (
		(map { "only in the mirror: $_" } grep { !$table{$_} } sort keys %mirror),
		(map { "only in the table: $_" } grep { !$mirror{$_} } sort keys %table));
}

# The stream has brought the row of this id.
sub shows
{
	my ($self, $table, $id, $name) = @_;
	my $wanted = 'id=' . md5_hex($id);
	my $until = time + 30;

	until (grep { /\Q$wanted\E/ } $self->mirror_lines($table))
	{
		return fail($name) if time > $until;
		sleep 0.1;
	}
	return pass($name);
}

# The stream may still be on its way.
sub equals
{
	my ($self, $table, $name, $timeout) = @_;
	my $until = time + ($timeout // 60);
	my @differences;

	do
	{
		@differences = $self->differences($table);
		sleep 0.2 if @differences;
	} while (@differences && time < $until);
	is(scalar @differences, 0, $name) or diag join "\n", splice @differences, 0, 10;
	return;
}

# No table failed, and nobody needs the slot any more.
sub ends
{
	my ($self, $slot) = @_;
	my $etf = $self->{etf};

	ok(!grep({ /^\{backfill,table_failed/ } $self->seen), 'nothing failed');
	$self->is_clean('as docs/port.md says');
	is($self->stop, 0, 'a clean stop');
	$self->quit;
	$etf->wait_until_idle($slot);
	$etf->drop_slot($slot);
	return;
}

1;
