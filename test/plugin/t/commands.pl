# ddl=commands: what event triggers write, and what of that a reader gets.
use strict;
use warnings;

use EtfTest;
use Test::More;

my $etf = EtfTest->new('commands');

# The commands of these statements, without OIDs; the rest with "all".
sub events
{
	my ($sql, %option) = @_;
	my $all = delete $option{all};

	$etf->slot('s');
	my $error = $etf->run_text($sql);
	die $error if $error =~ /ERROR/;
	my $lines = $etf->decode('s', ddl => 'commands', rows => 'tuple', %option);
	$etf->drop_slot('s');
	return [ grep { $all ? !/^relation/ : /^ddl/ } @$lines ];
}

# "ddl Tag User Type Identity ...: Text" as "Tag Type Identity ..."
sub told
{
	my ($sql, %option) = @_;

	return [ map { s/^ddl ("[^"]*") \S+/$1/r =~ s/: .*//r =~ tr/"//dr } @{ events($sql, %option) } ];
}

my $user = $etf->sql('SELECT current_user');

# Installing
is_deeply(events('CREATE TABLE before (a int)'), [], 'nothing without triggers');
is($etf->sql('SELECT etf_enable_ddl(), etf_enable_ddl()'), 't|f', 'they are made once');
$etf->sql('CREATE ROLE somebody; GRANT ALL ON SCHEMA public TO somebody');
like($etf->sql_error('SET ROLE somebody; SELECT etf_disable_ddl(); SELECT etf_enable_ddl()'),
	qr/must be owner of event trigger/, 'not by anybody');
is($etf->sql('SELECT etf_disable_ddl(), etf_disable_ddl()'), 't|f', 'and dropped');
like($etf->sql_error('SET ROLE somebody; SELECT etf_enable_ddl()'),
	qr/permission denied to create event trigger/, 'made by superusers only');
is_deeply(events('CREATE TABLE off (a int)'), [], 'nothing again');
like($etf->sql_error('SELECT etf_ddl_event()'), qr/can only be called as triggers|event trigger/, 'no function to call');

# Found in the extension's schema, wherever search_path leads.
$etf->sql(q{CREATE SCHEMA evil; CREATE FUNCTION evil.etf_ddl_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
	SET search_path = evil, public; SELECT public.etf_enable_ddl()});
is($etf->sql(q{SELECT string_agg(evtname || ' ' || evtevent || ' ' || evtfoid::regprocedure, ',' ORDER BY 1)
	FROM pg_event_trigger}), 'pg_etf_decoding_ddl ddl_command_end etf_ddl_event(),pg_etf_decoding_drop sql_drop etf_ddl_event()',
	'two triggers, with the extension\'s function');

# What is told
is_deeply(events('CREATE TABLE t (a int); INSERT INTO t VALUES (1)', all => 1),
	[ 'tx whole 0 0 #{}',
		qq{ddl "CREATE TABLE" "$user" "table" "public.t": "CREATE TABLE t (a int);"},
		'schema none -> public.t default (1 a int4)', 'tx whole 0 1 #{}', 'insert t {1}' ],
	'a command with its text, then what it did, not counted');
is_deeply(events(q{BEGIN; INSERT INTO t VALUES (1); ALTER TABLE t ADD b int; INSERT INTO t VALUES (2, 3);
	COMMENT ON TABLE t IS 'x'; INSERT INTO t VALUES (4, 5); COMMIT}, all => 1),
	[ 'tx whole 0 3 #{}', 'insert t {1}', qq{ddl "ALTER TABLE" "$user" "table" "public.t": "ALTER TABLE t ADD b int;"},
		'schema public.t default (1 a int4) -> public.t default (1 a int4, 2 b int4)',
		'insert t {2, 3}', qq{ddl "COMMENT" "$user" "table" "public.t": "COMMENT ON TABLE t IS 'x';"}, 'insert t {4, 5}' ],
	'each in its place');
is_deeply(told('ALTER TABLE t DROP b'), ['ALTER TABLE table public.t'], 'a dropped column is told once');
is_deeply(told('CREATE TABLE parent (id int PRIMARY KEY); CREATE VIEW v AS SELECT * FROM parent; DROP TABLE parent CASCADE'),
	[ 'CREATE TABLE table public.parent index public.parent_pkey', 'CREATE VIEW view public.v', 'DROP TABLE table public.parent view public.v rule _RETURN on public.v' ],
	'a table, and what is dropped with it');
is_deeply(told("CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood ADD VALUE 'b'; DROP TYPE mood"),
	[ 'CREATE TYPE type public.mood', 'ALTER TYPE type public.mood', 'DROP TYPE type public.mood' ], 'an enum');
is_deeply(told('CREATE SCHEMA one; ALTER SCHEMA one RENAME TO two; DROP SCHEMA two'),
	[ 'CREATE SCHEMA schema one', 'ALTER SCHEMA schema two', 'DROP SCHEMA schema two' ], 'a renamed schema');
is_deeply(told('GRANT SELECT ON t TO somebody'), ['GRANT TABLE '], 'a privilege');
is_deeply(told('SET ROLE somebody; CREATE TABLE hers (a int)'), ['CREATE TABLE table public.hers'], 'of any role');
like(events('SET ROLE somebody; DROP TABLE hers')->[0], qr/ "somebody" /, 'whose name is told');
like(events(q{DO 'BEGIN CREATE TABLE by_do (a int); END';})->[0], qr/: "DO 'BEGIN CREATE TABLE by_do/, 'the text is what the client sent');

# What is not
is_deeply(told($_), [], "nothing: $_")
  for 'CREATE TEMP TABLE x (a int); ALTER TABLE x ADD b int; DROP TABLE x', 'CREATE TEMP VIEW x AS SELECT 1',
  'BEGIN; CREATE TABLE x (a int); ROLLBACK', 'BEGIN; SAVEPOINT s; CREATE TABLE x (a int); ROLLBACK TO s; COMMIT',
  'ANALYZE t', 'TRUNCATE t', 'SET pg_etf_decoding.ddl = off; CREATE TABLE silent (a int); DROP TABLE silent';
is_deeply(told('CREATE EXTENSION hstore; DROP EXTENSION hstore'),
	[ 'CREATE EXTENSION extension hstore', 'DROP EXTENSION extension hstore' ], 'an extension, not what is in it')
  if $etf->sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'hstore'});
like(events('SET pg_etf_decoding.ddl = objects; CREATE TABLE mute (a int)')->[0], qr/"public\.mute": ""$/,
	'without the text, if that is set');
my $long = 'x' x 1_100_000;
like(events("COMMENT ON TABLE t IS '$long'")->[0], qr/"public\.t": \{oversized,\s*11000\d\d\}$/, 'nor one that is too long');
is_deeply(events('ALTER TABLE t ADD z int', all => 1, ddl => 'tables', messages => 'on', message_prefixes => 'x'),
	[ 'tx whole 0 0 #{}', 'schema public.t default (1 a int4) -> public.t default (1 a int4, 3 z int4)' ],
	'tables alone');
like(events('ALTER TABLE t DROP z', all => 1, ddl => 'off', messages => 'on')->[1], qr/^message "pg_etf_decoding\.ddl" <<131/,
	'for others it is a message');
my @all = grep { /^(ddl|message)/ } @{ events('ALTER TABLE t ADD z int', all => 1, messages => 'on') };
is(scalar @all, 1, 'but not twice for a reader of both');

# Nobody's command fails.
$etf->sql('ALTER FUNCTION pg_catalog.pg_event_trigger_ddl_commands() RENAME TO elsewhere');
my ($status, undef, $stderr) = $etf->node->psql('postgres', 'CREATE TABLE unheard (a int); INSERT INTO unheard VALUES (1)');
is($status, 0, 'a command does not fail with the trigger') or diag $stderr;
like($stderr, qr/WARNING:  readers of pg_etf_decoding are not told of a command: function pg_catalog/, 'it warns');
$etf->sql('ALTER FUNCTION pg_catalog.elsewhere() RENAME TO pg_event_trigger_ddl_commands');
is($etf->sql('SELECT a FROM unheard'), 1, 'and the command is done');

# What anybody writes: it must look like a command, or is none.
sub forged
{
	my ($hex, %option) = @_;

	return events(qq{SELECT pg_logical_emit_message(true, 'pg_etf_decoding.ddl', decode('$hex', 'hex'))}, %option);
}

sub atom { return sprintf '77%02x%s', length $_[0], unpack 'H*', $_[0]; }
sub binary { return sprintf '6d%08x%s', length $_[0], unpack 'H*', $_[0]; }

sub command
{
	my (%is) = (tag => binary('x'), text => binary('y'), objects => '6a', user => binary('z'), last => 'user', @_);

	return '837400000004' . join '', map { atom($_), $is{$_ eq $is{last} ? 'user' : $_} } qw(tag text objects), $is{last};
}

is_deeply(forged(command()), ['ddl "x" "z": "y"'], 'a forged one');
is_deeply(forged(command(objects => '6c00000001' . '6803' . binary('a') . binary('b') . '6101' . '6a')),
	['ddl "x" "z" "a" "b": "y"'], 'with an object');
my %wrong = (
	'nothing' => '', 'no version' => substr(command(), 2), 'more behind it' => command() . '6a',
	'cut off' => substr(command(), 0, -2), 'another term' => '836a', 'an atom of its own' => command(text => atom('evil')),
	'another key' => command(last => 'evil'), 'a number' => command(user => '6101'),
	'no list' => command(objects => binary('a')), 'an improper list' => command(objects => '6c000000016803' . binary('a') . binary('b') . '61016101'),
	'a list that never ends' => command(objects => '6cffffffff'), 'an object of two' => command(objects => '6c000000016802' . binary('a') . '61016a'),
	'a number that is too large' => command(objects => '6c000000016803' . binary('a') . binary('b') . '6e0500' . '0000000001' . '6a'),
	'compressed' => '8350' . '00000010' . '00', 'something oversized' => command(text => '6802' . atom('oversized') . binary('a')),
);
is_deeply(forged($wrong{$_}), [], "none: $_") for sort keys %wrong;
is_deeply(forged($wrong{'an atom of its own'}, all => 1, messages => 'on')->[0], 'tx whole 0 1 #{}',
	'it stays a message');
is_deeply(forged(command(text => '6802' . atom('unconverted') . binary("\xff"))), ['ddl "x" "z": {unconverted, <<255>>}'], 'text in another encoding');
$etf->slot('s');
$etf->sql(q{SELECT pg_logical_emit_message(false, 'pg_etf_decoding.ddl', decode('} . command() . q{', 'hex')); CREATE TABLE flush (a int)});
is_deeply([ grep { /now|"x"/ } @{ $etf->decode('s', ddl => 'commands') } ], [], 'nor one of no transaction');
$etf->drop_slot('s');

# Two-phase, and many in one transaction.
like(events(q{BEGIN; CREATE TABLE later (a int); PREPARE TRANSACTION 'x'; COMMIT PREPARED 'x'})->[0], qr/public\.later/, 'a prepared one');
my $lines = events(q{DO 'BEGIN FOR i IN 1 .. 500 LOOP EXECUTE format($f$CREATE TABLE many_%s (a int)$f$, i); END LOOP; END'}, all => 1, frame_bytes => 1000);
is(scalar(grep { /^ddl/ } @$lines), 500, '500 commands');
is(scalar(grep { /^schema/ } @$lines), 500, 'and as many tables');
cmp_ok(scalar(grep { /^tx (first|middle|last) 0 0/ } @$lines), '>=', 50, 'in frames that count nothing');

# The extension goes only with its triggers.
like($etf->sql_error('DROP EXTENSION pg_etf_decoding'), qr/event trigger pg_etf_decoding_ddl depends on/, 'they keep it');
# Without the library, too, which nothing here calls.
$etf->sql('DROP EVENT TRIGGER pg_etf_decoding_ddl; DROP EVENT TRIGGER pg_etf_decoding_drop;
	DROP EXTENSION pg_etf_decoding; CREATE TABLE after (a int)');
is($etf->sql(q{SELECT count(*) FROM pg_event_trigger}), 0, 'nothing is left');

$etf->stop;
done_testing();
