# Types and tables that are made, or altered, while a slot of pgoutput is read:
# what the messages do not tell is asked for, and nothing is lost meanwhile.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfCommand;
use EtfPair;
use EtfTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $etf = EtfTest->new('catalogs', conf => 'log_statement = all');
my $since14 = $etf->version >= 14;
my $all = 'messages=' . ($since14 ? 'on' : 'off');

# Each is read before the next one: catalogs of now are those of then.
sub step_by_step
{
	my ($pair, @statements) = @_;

	for my $statement (@statements)
	{
		$etf->sql($statement);
		ok($pair->mark('step'), $statement);
	}
	return;
}

for my $format ($since14 ? 'binary' : (), 'text')
{
	my $floats = $since14 ? 'floats_multirange' : 'floats[]';
	my $some = $since14 ? '{[1,2)}' : '{"[1,2)"}';

	subtest "types made at run time, $format" => sub {
		my $pair = EtfPair->new($etf);

		ok($pair->live(\$all, "--format=$format"), 'it reads');
		step_by_step(
			$pair,
			q{CREATE TYPE mood AS ENUM ('sad', 'ok')},
			'CREATE TYPE pair AS (number int, label text)',
			'CREATE DOMAIN small AS numeric(6,2)',
			'CREATE DOMAIN smaller AS small CHECK (VALUE < 10)',
			'CREATE TYPE floats AS RANGE (subtype = float8)',
			'CREATE TABLE made (id int PRIMARY KEY, m mood, p pair, d smaller, '
			  . "r floats, ms mood[], ps pair[], rs $floats, ds small[])",
			"INSERT INTO made VALUES (1, 'ok', (1, 'x'), 1.5, '[1,2)', '{sad}',
				ARRAY[(2, NULL)::pair], '$some', '{1.25}')",
			'ALTER TABLE made ADD COLUMN more pair',
			q{UPDATE made SET more = (3, 'more')},
			'ALTER TYPE pair ADD ATTRIBUTE third bool',
			q{INSERT INTO made (id, p) VALUES (2, (1, 'x', true))},
			q{UPDATE made SET id = 3, m = 'sad' WHERE id = 1},
			# By their number, or in binary by types, it was so once before.
			'ALTER TYPE pair DROP ATTRIBUTE third',
			q{INSERT INTO made (id, p) VALUES (4, (1, 'y'))},
			'ALTER TYPE pair ADD ATTRIBUTE fourth bool',
			q{INSERT INTO made (id, p) VALUES (7, (1, 'x', true))},
			'ALTER TYPE pair DROP ATTRIBUTE label',
			q{INSERT INTO made (id, p) VALUES (8, (1, true))},
			q{INSERT INTO made (id, m) VALUES (5, 'ok')},
			'ALTER TABLE made REPLICA IDENTITY FULL',
			'DELETE FROM made WHERE id = 2',
			'CREATE UNIQUE INDEX other ON made (id) WHERE id IS NOT NULL',
			'CREATE UNIQUE INDEX whole ON made (id)',
			'ALTER TABLE made REPLICA IDENTITY USING INDEX whole',
			'DELETE FROM made WHERE id = 5',
			'ALTER TABLE made RENAME COLUMN m TO n',
			q{INSERT INTO made (id, n) VALUES (6, 'ok')},
			'TRUNCATE made RESTART IDENTITY',
			'CREATE TABLE late (v text, id int PRIMARY KEY)',
			q{INSERT INTO late VALUES ('a', 1)}, 'UPDATE late SET id = 2',
			'DELETE FROM late', 'DROP TABLE late');
		$pair->same_live('all of it', \$all);
		$pair->drop;
		$etf->sql('DROP TABLE made; DROP TYPE mood, pair, floats CASCADE; '
			  . 'DROP DOMAIN smaller, small');
	};
}

# Its table is for clients; of that name anybody may have one.
subtest 'our extension, made at run time' => sub {
	$etf->sql('DROP EXTENSION pg_etf_decoding');
	my $pair = EtfPair->new($etf);

	ok($pair->live(\$all), 'it reads');
	step_by_step(
		$pair, 'CREATE EXTENSION pg_etf_decoding',
		q{INSERT INTO etf_backfill (slot, id, state) VALUES ('s', 'b', '')},
		'CREATE SCHEMA other CREATE TABLE etf_backfill (id int PRIMARY KEY)',
		'INSERT INTO other.etf_backfill VALUES (1)', 'DELETE FROM etf_backfill');
	my $frames = $pair->finish;
	is(scalar(grep { /<<"etf_backfill">>/ } @$frames), 1, q{keeps what it has to itself});
	EtfPair::equal('all of it', $pair->frames('ours', \$all), $frames);
	$pair->drop;
	$etf->sql('DROP SCHEMA other CASCADE');
};

# A value that the server cannot send in binary ends the stream; what has been
# delivered of its transaction is not delivered again as something new.
subtest 'a way out of binary' => sub {
	plan skip_all => 'no binary before 14' if !$since14;
	my $pair = EtfPair->new($etf);

	$etf->sql('CREATE TABLE good (id int PRIMARY KEY, v text); '
		  . 'CREATE TABLE named (id int PRIMARY KEY, c regclass)');
	ok($pair->live(\"$all frame_bytes=2000 exclude_tables=*.bad"), 'it reads');
	$etf->sql('CREATE TABLE bad (id int, a aclitem[])');
	$etf->sql('BEGIN; INSERT INTO good SELECT i, repeat(chr(97 + i % 26), 20) '
		  . 'FROM generate_series(1, 2000) i; '
		  . "INSERT INTO bad VALUES (1, acldefault('r', 10)); "
		  . 'INSERT INTO good SELECT i FROM generate_series(2001, 2010) i; COMMIT');
	ok($pair->settle, 'all is read');
	$pair->{run}{handle}->signal('TERM');
	$pair->{run}{handle}->finish;
	my ($err, $out) = @{ $pair->{run} }{qw(err out)};
	like($err, qr/no binary output function.*values as text/, 'it says so');
	like($err, qr{values as binary\n.*values as text because of type aclitem\n}s, 'and in what it reads on');
	like($err, qr/reg\* values come as names .*: public\.named\.c$/m, 'what is otherwise now');
	my @rows;
	my $rewinds = 0;
	for my $frame (split /\n/, $out)
	{
		my ($part) = $frame =~ /^\{tx,(\w+)/;
		$rewinds++, @rows = () if $part eq 'first' && @rows;
		push @rows, $frame =~ /\{insert,\d+,#\{<<"id">> => (\d+)/g;
	}
	cmp_ok($rewinds, '>', 0, 'the transaction had been begun');
	is("@rows", join(' ', 1 .. 2010), 'and is whole in the end');
	$pair->drop;
	$etf->sql('DROP TABLE good, named, bad');
};

# Known from the catalogs, or from the table's description: no error at all.
subtest 'no binary from the start' => sub {
	plan skip_all => 'no binary before 14' if !$since14;
	my $pair = EtfPair->new($etf);

	$etf->sql('CREATE TABLE bad (id int PRIMARY KEY, a aclitem[])');
	$etf->sql("INSERT INTO bad VALUES (1, acldefault('r', 10))");
	$pair->same('the catalogs know', \$all);
	ok($pair->live(\$all), 'it reads');
	like($pair->{run}{err}, qr/values as text because of type aclitem/, 'as text');
	$pair->same_live('live', \$all);
	$pair->drop;
	$etf->sql('DROP TABLE bad');

	$pair = EtfPair->new($etf);
	ok($pair->live(\$all), 'it reads');
	$etf->sql('CREATE TABLE bad (id int PRIMARY KEY, a aclitem[])');
	$etf->sql("INSERT INTO bad VALUES (1, acldefault('r', 10))");
	my $err = $pair->same_live('the description tells', \$all);
	like($err, qr/column "a" of table "public.bad".*values as text/, 'it says why');
	$pair->drop;
	$etf->sql('DROP TABLE bad');
};

# As those of an extension that the client does not know: only a send function
# makes their values something that it cannot read.
sub create_type
{
	my ($name, %more) = @_;
	my %function = (in => 'cstring', out => $name, send => $name);
	my %returns = (in => $name, out => 'cstring', send => 'bytea');

	$etf->sql(join ';', "CREATE TYPE $name",
		(map { "CREATE FUNCTION ${name}_$_($function{$_}) RETURNS $returns{$_} "
			  . "LANGUAGE internal IMMUTABLE STRICT AS 'text$_'" } 'in', 'out', sort keys %more),
		"CREATE TYPE $name (INPUT = ${name}_in, OUTPUT = ${name}_out, LIKE = text"
		  . ($more{send} ? ", SEND = ${name}_send)" : ')'));
	return;
}

for ([ mute => 'v mute', q{'a b'}, 'binary$' ],
	[ sending => 'v sending, vs sending[]', q{'a b', '{c,"d e",NULL}'},
		'text because of type sending$' ])
{
	my ($type, $columns, $values, $format) = @$_;

	$format = 'text$' if !$since14;
	subtest "a type that nobody knows, $type" => sub {
		create_type($type, $type eq 'sending' ? (send => 1) : ());
		$etf->sql("CREATE TABLE unknown (id int PRIMARY KEY, $columns)");
		my $pair = EtfPair->new($etf);
		$etf->sql("INSERT INTO unknown VALUES (1, $values)");
		$pair->same('all at once', \$all);
		ok($pair->live(\$all), 'it reads');
		like($pair->{run}{err}, qr/values as $format/m, 'in this format');
		$pair->same_live('live', \$all);
		$pair->drop;
		$etf->sql("DROP TABLE unknown; DROP TYPE $type CASCADE");
	};
}

# What the catalogs have now was not so then: one question tells that of all.
subtest 'a composite that was altered since' => sub {
	my $slot = q{SELECT pg_create_logical_replication_slot('s', 'pgoutput')};
	my $asked = sub { scalar(() = slurp_file($etf->node->logfile) =~ /WITH RECURSIVE tables \(oid\)/g) };

	$etf->sql('CREATE TYPE pair AS (number int, label text); CREATE TABLE c (id int PRIMARY KEY, p pair); '
		  . 'CREATE PUBLICATION c FOR TABLE c');
	$etf->sql($slot);
	$etf->sql(q{DO $$ BEGIN FOR i IN 1 .. 100 LOOP INSERT INTO c VALUES (i, (i, 'x')); COMMIT; END LOOP; END $$});
	$etf->sql('ALTER TYPE pair DROP ATTRIBUTE number');
	$etf->sql(q{INSERT INTO c VALUES (101, ROW('y')); SELECT pg_sleep(1.1)});
	my $before = $asked->();
	my ($status, $out, $err) = EtfCommand::run($ENV{ETF_CLIENT}, '--dbname',
		$etf->node->connstr('postgres'), '--slot', 's', '--print=erlang', '-o', 'publication_names=c',
		'-o', 'relations=off', '--endpos', $etf->end_of_wal);

	is($status, 0, 'read to the end') or diag $err;
	is(scalar(() = $out =~ /unparsed/g), 100, 'as bytes, since nobody knows any more');
	like($out, qr/101,<<"p">> => #\{<<"label">> => <<"y">>\}/, 'what is as now is read');
	is($asked->() - $before, 1, 'with one question');
	like($err, qr/column "p" of table "public\.c": a value is not what type "pair" is known/, 'which a warning says')
	  if $since14;
	$etf->wait_until_idle('s');
	$etf->drop_slot('s');
	$etf->sql('DROP TABLE c; DROP TYPE pair; DROP PUBLICATION c');
};

# Nothing was dropped, so the first attributes are those of then.
subtest 'a composite that has more attributes since' => sub {
	$etf->sql('CREATE TYPE pair AS (number int, at timestamp); CREATE DOMAIN two AS pair; '
		  . 'CREATE TABLE more (id int PRIMARY KEY, p pair, ps pair[], d two)');
	my $pair = EtfPair->new($etf);
	my $row = q{(%s, '2024-01-02 03:04:05.6')};
	my $insert = "INSERT INTO more VALUES (%s, $row, ARRAY[$row]::pair[], $row)";
	$etf->sql(sprintf $insert, (1) x 4);
	$etf->sql('ALTER TYPE pair ADD ATTRIBUTE late text');
	$etf->sql('ALTER TYPE pair ADD ATTRIBUTE again numeric');
	$etf->sql(q{INSERT INTO more (id, p) VALUES (2, (2, NULL, 'x', 1.5))});

	for my $format ($since14 ? 'binary' : (), 'text')
	{
		$pair->same("as maps, $format", \'relations=off', "--format=$format");
		my ($ours, $theirs) = map {
			[ map { [ /\{insert,\d+,(.*)\}\]/ ] } @{ $pair->frames($_, \'dialect=compact relations=off',
				$_ eq 'theirs' ? "--format=$format" : ()) } ]
		} qw(ours theirs);
		s/(\d)\}/$1,nil,nil}/g for @{ $ours->[0] };
		is_deeply($theirs, $ours, "as tuples, $format: what was not there is NULL");
	}
	$pair->drop;
	$etf->sql('DROP TABLE more; DROP DOMAIN two; DROP TYPE pair');
};

# Since 16 the server is known to tell of the table again.
subtest 'a schema that is renamed' => sub {
	plan skip_all => 'up to 15' if $etf->version >= 16;
	$etf->sql('CREATE SCHEMA before; CREATE TABLE before.t (id int PRIMARY KEY)');
	my $pair = EtfPair->new($etf);
	$etf->sql('INSERT INTO before.t VALUES (1)');
	$etf->sql('ALTER SCHEMA before RENAME TO after');
	$etf->sql('INSERT INTO after.t VALUES (2)');
	$etf->sql('ALTER TABLE after.t ADD COLUMN v int');
	$etf->sql('INSERT INTO after.t VALUES (3)');
	my %schemas;

	for my $slot (qw(ours theirs))
	{
		my $frames = join ' ', @{ $pair->frames($slot, \'relations=frame') };
		$schemas{$slot} = join ' ', $frames =~ /\{relation,\d+,<<"(\w+)">>,<<"t">>/g;
	}
	is_deeply(\%schemas, { ours => 'before after after', theirs => 'before before after' },
		'has its old name until the table is described again');
	$pair->drop;
	$etf->sql('DROP SCHEMA after CASCADE');
};

# Another session has the server's own bytes; and between two sessions nobody
# waits for the next look at the slot, which is in 10 s.
subtest 'text without a form in UTF-8' => sub {
	$etf->sql(q{CREATE DATABASE euc ENCODING 'EUC_JP' LOCALE 'C' TEMPLATE template0});
	$etf->sql('CREATE TABLE e (id int PRIMARY KEY, v text); '
		  . 'CREATE PUBLICATION p FOR TABLE e', 'euc');
	$etf->sql(q{SELECT pg_create_logical_replication_slot('euc', 'pgoutput')}, 'euc');
	$etf->sql(q{INSERT INTO e VALUES (1, 'plain')}, 'euc');
	is($etf->run_text("SET client_encoding = 'EUC_JP';\n"
			  . "INSERT INTO e VALUES (2, '\xf9\xa1'), (3, 'plain, too')", 'euc'),
		'', 'bytes that UTF-8 does not have');
	for my $format (qw(auto binary text))
	{
		next if $format eq 'binary' && !$since14;
		my $began = time;
		my ($status, $out, $err) = EtfCommand::run($ENV{ETF_CLIENT}, '--dbname',
			$etf->node->connstr('euc'), '--slot', 'euc', '--peek', '--print=erlang',
			"--format=$format", '-o', 'publication_names=p', '-o', 'relations=off', '-o',
			'rows=tuple', '--endpos', $etf->end_of_wal);

		is($status, 0, "read to the end, as $format") or diag $err;
		cmp_ok(time - $began, '<', 9, 'without a pause');
		like($err, qr/no equivalent in encoding "UTF8".*texts as the server has them/, 'why');
		is_deeply([ map { s/^\{insert,\d+,//r } $out =~ /\{insert.*?\}\}|\{insert.*?\}(?=\])/g ],
			[ '{1,<<"plain">>}}', '{2,{unconverted,<<249,161>>}}', '{3,<<"plain, too">>}}' ],
			'the rows') or diag $out;
	}
	$etf->wait_until_idle('euc');
	$etf->drop_slot('euc', 'euc');
};

$etf->stop;
done_testing();
