# One round: a database, random sessions at work in it, and the WAL of that
# decoded by the plugin, in several forms, and by test_decoding.
package RandomRound;

use strict;
use warnings;

use PostgreSQL::Test::Utils;

use RandomCatalog;
use RandomChange;
use RandomDefinition;
use RandomForm;
use RandomSession;
use RandomValue;

my $sessions = 3;

# Everything random depends on the seed, and the work of the sessions on
# nothing but the round's steps.
sub new
{
	my ($class, $etf, $judge, $template, $seed, $steps) = @_;
	my $exact;

	srand $seed;
	$exact = rand() < 0.5;
	RandomValue::setup($etf, $exact);
	RandomDefinition::reset_names();
	return bless {
		etf => $etf, judge => $judge, template => $template, seed => $seed,
		steps => $steps, db => "round_$seed", exact => $exact,
		statements => 0, failed => {}, definitions_committed => 0
	}, $class;
}

sub prepare
{
	my ($self) = @_;
	my ($etf, $db) = @{$self}{qw(etf db)};

	$etf->sql("CREATE DATABASE $db TEMPLATE $self->{template}");
	$etf->sql("CREATE SCHEMA s$_", $db) for 1 .. 3;
	$etf->sql(
		"SELECT pg_create_logical_replication_slot('ours', 'pg_etf_decoding'),
		 pg_create_logical_replication_slot('theirs', 'test_decoding')", $db);
	$self->{sessions} =
	  [ map { RandomSession->new($etf, $db) } 1 .. $sessions ];
	$self->{catalog} = RandomCatalog->new($self->{sessions}[0]);
	return;
}

sub statement
{
	my ($self, $session, $sql, $definition) = @_;
	my ($state, @lines) = $session->run($sql);

	$self->{statements}++;
	if ($state eq '00000')
	{
		$self->defined_something($session) if $definition;
		return 1;
	}
	$self->{failed}{$state}++;
	print STDERR "$state: $sql\n@lines\n" if $ENV{PG_ETF_VERBOSE};
	$self->recover($session) if $session->{open};
	return 0;
}

sub defined_something
{
	my ($self, $session) = @_;

	$self->{catalog}->changed;
	$session->{defined} = 1 if $session->{open};
	$self->{definitions_committed}++ if !$session->{open};
	return;
}

# An error ends the innermost savepoint, or the transaction.
sub recover
{
	my ($self, $session) = @_;

	if (@{ $session->{savepoints} } && rand() < 0.9)
	{
		$session->run("ROLLBACK TO $session->{savepoints}[-1];");
	}
	else
	{
		$self->finish($session, 'ROLLBACK;');
	}
	$self->{catalog}->changed;
	return;
}

sub finish
{
	my ($self, $session, @sql) = @_;

	$self->{definitions_committed}++ if delete $session->{defined};
	$session->{open} = 0;
	$session->{savepoints} = [];
	$self->statement($session, $_) for @sql;
	$self->{catalog}->changed;
	return;
}

# The server decodes a transaction's changes with caches that may already hold
# what others have committed before its end, as far as no lock stood in the
# way: a type's labels and attributes, a schema's name.  Which ones it then
# finds depends on what was decoded before, for test_decoding as well.
sub commit
{
	my ($self, $session) = @_;

	$self->statement($session,
		"SELECT pg_logical_emit_message(true, 'overtaken', '');")
	  if $session->{begun} != $self->{definitions_committed};
	return $self->finish($session, 'COMMIT;') if rand() < 0.95;
	return $self->finish($session, "PREPARE TRANSACTION 'p';",
		(rand() < 0.7 ? 'COMMIT' : 'ROLLBACK') . " PREPARED 'p';");
}

sub savepoint
{
	my ($self, $session) = @_;
	my $name = 'p' . @{ $session->{savepoints} };

	push @{ $session->{savepoints} }, $name
	  if $self->statement($session, "SAVEPOINT $name;");
	return;
}

sub leave_savepoint
{
	my ($self, $session) = @_;
	my $name = pop @{ $session->{savepoints} } or return;

	$self->statement($session,
		(rand() < 0.5 ? 'RELEASE ' : 'ROLLBACK TO ') . "$name;");
	$self->{catalog}->changed;
	return;
}

sub work
{
	my ($self, $session) = @_;
	my $view = $self->{catalog}->seen_by($session);
	my $definition = rand() < $self->{share};
	my $sql;

	$view->{subject} = undef;
	$sql = $definition ? RandomDefinition::any($view) : RandomChange::any($view);
	return if !defined $sql || $sql =~ /^ / && $session->{open};
	# A statement that fails takes all back that has no savepoint.
	$self->savepoint($session)
	  if $session->{open} && !@{ $session->{savepoints} } && rand() < 0.7;
	$self->use_subject($session) if $definition;
	$self->statement($session, $sql, $definition);
	$self->use_subject($session) if $definition;
	return;
}

# Values of a type, or rows of a table, right before and after it is altered.
sub use_subject
{
	my ($self, $session) = @_;
	my $view = $self->{catalog}->seen_by($session);
	my $subject = $view->{subject} // return;
	my $table = RandomChange::user_of($view, $subject) // return;

	$self->statement($session, RandomChange::insert($view, $table))
	  for 1 .. 3;
	return;
}

sub step
{
	my ($self) = @_;
	my $session = $self->{sessions}[int rand $sessions];
	my $dice = rand;

	if (!$session->{open})
	{
		return $self->work($session) if $dice < 0.5;
		$session->{open} = $self->statement($session, 'BEGIN;');
		$session->{begun} = $self->{definitions_committed};
		return;
	}
	return $self->commit($session) if $dice < 0.1;
	return $self->finish($session, 'ROLLBACK;') if $dice < 0.12;
	return $self->savepoint($session) if $dice < 0.2;
	return $self->leave_savepoint($session) if $dice < 0.27;
	return $self->work($session);
}

sub begin_with
{
	my ($self, $definition) = @_;
	my $session = $self->{sessions}[0];
	my $sql = $definition->($self->{catalog}->seen_by($session));

	$self->statement($session, $sql, 1) if defined $sql;
	return;
}

sub begin
{
	my ($self) = @_;

	$self->begin_with(\&RandomDefinition::create_type) for 1 .. 10;
	$self->begin_with(\&RandomDefinition::create_full_table);
	$self->begin_with(\&RandomDefinition::create_large_identity);
	$self->begin_with(\&RandomDefinition::create_table) for 1 .. 5;
	$self->begin_with(\&RandomDefinition::any) for 1 .. 10;
	return;
}

# At the end each table says how it looks, once more.
sub run
{
	my ($self) = @_;
	my $session;

	$self->begin;
	$self->{share} = 0.1 + rand 0.3;
	$self->step for 1 .. $self->{steps};
	$self->commit($_) for grep { $_->{open} } @{ $self->{sessions} };
	$session = $self->{catalog}->seen_by($self->{sessions}[0]);
	$self->statement($session, "BEGIN; TRUNCATE $_->{name} CASCADE;
		SELECT pg_logical_emit_message(true, 'after truncate',
			probe.state($_->{oid})); COMMIT;") for @{ $session->{tables} };
	$_->stop for @{ $self->{sessions} };
	return;
}

sub decode_theirs
{
	my ($self) = @_;
	my $etf = $self->{etf};
	my $file = $etf->new_file;
	my $error = $etf->run_text(<<"SQL", $self->{db});
SET search_path = '';
SET timezone = 'UTC';
\\copy (SELECT lsn, data FROM pg_logical_slot_get_changes('theirs', NULL, NULL, 'include-xids', '1', 'skip-empty-xacts', '0')) TO '$file'
SQL

	die "test_decoding: $error" if $error ne '';
	return $file;
}

sub decode_ours
{
	my ($self, $form) = @_;
	my $etf = $self->{etf};
	my $file;

	$etf->sql("SELECT pg_copy_logical_replication_slot('ours', 'copy')",
		$self->{db});
	{
		local $ENV{PGOPTIONS} = RandomForm::settings();
		$file = $etf->recv('copy', $self->{db}, $form->options);
	}
	$etf->drop_slot('copy', $self->{db});
	return $file;
}

# The lines of what differs between one form and test_decoding.
sub compare
{
	my ($self, $form, $theirs, $count) = @_;
	my $ours = $self->decode_ours($form);
	my ($answer, $error) = $self->{etf}->oracle->try('compare',
		EtfOracle::quote($ours), EtfOracle::quote($theirs), $form->erlang);
	my (@bad, @pairs);

	return ("cannot be read: $error") if defined $error;
	for (split /\n/, $answer)
	{
		my ($what, $rest) = split /\t/, $_, 2;

		push @bad, $rest if $what eq 'D';
		push @pairs, $rest if $what eq 'P';
		next if $what ne 'C';
		my @numbers = split /\t/, $rest;
		$count->{$_} += shift @numbers
		  for qw(transactions changes values unchanged filled);
	}
	$count->{judged} += @pairs;
	unlink $ours;
	return (@bad, $self->{judge}->differences(@pairs));
}

# Returns the differences of all forms, as text; adds to the counts.
sub check
{
	my ($self, $forms, $count) = @_;
	my $theirs = $self->decode_theirs;
	my $report = '';

	for (1 .. $forms)
	{
		my $form = RandomForm->new($self->{exact});
		my @bad = $self->compare($form, $theirs, $count);

		$report .= join "\n", '', 'options: ' . $form->text, @bad, '' if @bad;
	}
	unlink $theirs;
	return $report;
}

sub clean
{
	my ($self) = @_;

	$self->{etf}->drop_slot($_, $self->{db}) for qw(ours theirs);
	$self->{etf}->sql("DROP DATABASE $self->{db}");
	return;
}

1;
