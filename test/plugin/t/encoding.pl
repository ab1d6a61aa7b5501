# Text and names of databases in other encodings reach the BEAM as UTF-8.
use strict;
use warnings;

use EtfTest;
use Test::More;

my $etf = EtfTest->new('encoding');

# Runs SQL whose literals are bytes of the database's own encoding.
sub database
{
	my ($name, $encoding) = @_;

	$etf->sql("CREATE DATABASE $name ENCODING '$encoding' LOCALE 'C'
		TEMPLATE template0");
	$etf->sql('CREATE EXTENSION pg_etf_decoding', $name);
	$etf->slot("slot_$name", $name);
	return;
}

sub run_bytes
{
	my ($db, $encoding, $sql) = @_;

	is($etf->run_text("SET client_encoding = '$encoding';\n$sql\n", $db),
		'', "bytes for $db");
	return;
}

sub events
{
	my ($db, %option) = @_;

	return $etf->decode("slot_$db", db => $db, %option);
}

# Names, values, enum labels, json, messages.
my %text = (
	latin1 => [ 'LATIN1', "\xe4\xdf", "\xc3\xa4\xc3\x9f" ],
	euc => [ 'EUC_JP', "\xc6\xfc\xcb\xdc", "\xe6\x97\xa5\xe6\x9c\xac" ]);
for my $db (sort keys %text)
{
	my ($encoding, $bytes, $utf8) = @{ $text{$db} };

	database($db, $encoding);
	run_bytes($db, $encoding,
		qq(CREATE TYPE e AS ENUM ('$bytes');
		CREATE TYPE c AS ("$bytes" text);
		CREATE TABLE "t$bytes" ("k$bytes" text, e e, c c, j json, jb jsonb,
			a text[], n name, x tsvector);
		INSERT INTO "t$bytes" VALUES ('$bytes', '$bytes', ROW('$bytes'),
			'{"$bytes": 1}', '{"$bytes": "$bytes"}', ARRAY['$bytes'], '$bytes',
			'$bytes');
		SELECT pg_logical_emit_message(false, '$bytes', '$bytes');
		SELECT pg_logical_emit_message(true, '$bytes', '$bytes')));
	my $content = '<<' . join(',', map { ord } split //, $bytes) . '>>';
	is_deeply(
		[ grep { !/^tx/ } @{ events($db, messages => 'on') } ],
		[
			"relation public.t$utf8 default, k$utf8 text, e e, "
			  . "c c as {$utf8:25}, j json, jb jsonb, a _text as array(25), "
			  . 'n name, x tsvector',
			qq(insert t$utf8 #{"a"=>["$utf8"], "c"=>#{"$utf8"=>"$utf8"}, "e"=>"$utf8", )
			  . qq("j"=>#{"$utf8"=>1}, "jb"=>#{"$utf8"=>"$utf8"}, "k$utf8"=>"$utf8", )
			  . qq("n"=>"$utf8", "x"=>[#{'__struct__'=>'Elixir.Postgrex.Lexeme', )
			  . qq(positions=>[], word=>"$utf8"}]}),
			qq(now "$utf8" $content),
			qq(message "$utf8" $content)
		],
		"$encoding: names and text as UTF-8, content of a message as it is");
}

# Options arrive in the encoding of the client.
{
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	my $sql = "INSERT INTO \"t\xe4\xdf\" (n) VALUES ('x'); CREATE TABLE u (a int);
		INSERT INTO u VALUES (1)";

	run_bytes('latin1', 'LATIN1', $sql);
	my $events = $etf->show($etf->recv('slot_latin1', 'latin1',
		include_tables => "*.t\xc3\xa4\xc3\x9f"));
	is(scalar(grep { /^insert/ } @$events), 1,
		'a filter by a name that is not ASCII');
}

# A text that has no UTF-8 form is no error.
database('win', 'WIN1252');
run_bytes('win', 'WIN1252', 'CREATE TABLE t (v text, w text)');
run_bytes('win', 'WIN1252', "INSERT INTO t VALUES ('a\x81', 'w\x80')");
is_deeply(
	[ grep { /^insert/ } @{ events('win') } ],
	[ 'insert t #{"v"=>{unconverted, <<97,129>>}, "w"=>"w' . "\xe2\x82\xac" . '"}' ],
	'a byte that the encoding does not define: {unconverted, Bytes}');

# SQL_ASCII says nothing about its bytes.
database('ascii', 'SQL_ASCII');
run_bytes('ascii', 'SQL_ASCII', "CREATE TABLE t (v text, w text);
	INSERT INTO t VALUES ('\xc3\xa4', '\xff\xfe')");
my ($insert) = grep { /^insert/ } @{ events('ascii') };
is($insert, "insert t #{\"v\"=>\"\xc3\xa4\", \"w\"=><<255,254>>}",
	'SQL_ASCII is passed on as it is');

$etf->stop;
done_testing();
