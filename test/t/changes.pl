# Inserts, updates, deletes and truncates, and how they lie in frames.
use strict;
use warnings;

use EtfTest;
use Test::More;

my $etf = EtfTest->new('changes');

$etf->sql('CREATE TABLE t (id int PRIMARY KEY, v text)');
$etf->slot('s');
$etf->sql(
	q{BEGIN;
	INSERT INTO t VALUES (1, 'a'), (2, NULL);
	UPDATE t SET v = 'b' WHERE id = 1;
	UPDATE t SET id = 3 WHERE id = 2;
	DELETE FROM t WHERE id = 3;
	COMMIT;
	TRUNCATE t});
is_deeply(
	$etf->decode('s'),
	[
		'tx whole 0 5 #{}',
		'relation public.t default, id int4 key primary, v text',
		'insert t #{"id"=>1, "v"=>"a"}',
		'insert t #{"id"=>2, "v"=>nil}',
		'update t nil #{"id"=>1, "v"=>"b"}',
		'update t {key, #{"id"=>2}} #{"id"=>3, "v"=>nil}',
		'delete t {key, #{"id"=>3}}',
		'tx whole 0 1 #{}',
		'truncate t []'
	],
	'a transaction is one frame, its table described before the first use');
is_deeply($etf->decode('s'), [], 'what was received whole is confirmed');

$etf->stop;
done_testing();
