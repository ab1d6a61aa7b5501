# What somebody meets who builds and installs: dev/deps, missing headers,
# install and uninstall, "make help", "make lint".

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $user_path = $ENV{PATH};

sub spew
{
	my ($path, $text, $mode) = @_;

	open my $file, '>', $path or die "$path: $!";
	print $file $text;
	close $file;
	chmod $mode, $path if $mode;
	return;
}

# A directory of programs that note how they were called.
sub recorder
{
	my (@names) = @_;
	my $bin = tempdir(DIR => $dir);

	spew("$bin/$_", qq{#!/bin/sh\necho "$_ \$*" >>$dir/called\n}, 0755)
	  for @names;
	return $bin;
}

# Status and output of a command, with what the recorders saw.
sub run
{
	my ($command) = @_;

	unlink "$dir/called";
	my $output = qx{($command) 2>&1 </dev/null};
	my $status = $? >> 8;
	my $called = -e "$dir/called" ? qx{cat $dir/called} : '';
	return ($status, $output, $called);
}

# make as if nobody had called it from a make.
sub make { return run("env -u MAKEFLAGS -u MAKELEVEL make -s $_[0]"); }

my $bin = recorder(qw(apt-get dpkg-query apt-cache));

$ENV{PATH} = "$bin:$user_path";
my ($status, $output, $called) = run('dev/deps --help');
is($status, 0, 'dev/deps --help');
like($output, qr/--print/, 'tells the options');
is($called, '', 'and asks and installs nothing');

($status, $output, $called) = run('dev/deps --instal');
is($status, 2, 'a wrong option of dev/deps');
unlike($called, qr/apt-get/, 'installs nothing');

($status, $output, $called) = run('PG_MAJOR=16 dev/deps --print');
is($status, 0, 'dev/deps --print');
like($output, qr/^(?=.*\belixir\b)(?=.*\bpostgresql-server-dev-16\b)/,
	'names all that is missing');
unlike($output, qr/build-essential|\bmake\b|\bgcc\b/,
	'but no package for programs that are there');
unlike($called, qr/apt-get/, 'and installs nothing');

($status, $output) = run('PG_MAJOR=16 dev/deps --print build');
unlike($output, qr/elixir|perl|openssl|postgresql-16/,
	'what is for tests only is not needed to build');
like($output, qr/\berlang-dev\b.*\bpostgresql-server-dev-16\b/,
	'the headers are');

SKIP:
{
	skip 'root installs', 2 if $> == 0;
	($status, $output, $called) = run('PG_MAJOR=16 dev/deps');
	is($status, 1, 'without root');
	like($output, qr/as root: apt-get install .*elixir/, 'it says what to do');
}

# With pgxs.mk, as Debian's postgresql-client has it, but without headers.
$ENV{PATH} = $user_path;
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
spew("$dir/pg_config", <<"END", 0755);
#!/bin/sh
case "\$1" in
	--include*) echo $dir/nowhere ;;
	*) exec $pg_config "\$@" ;;
esac
END
my $copy = "$dir/copy";
my $files = qx{git ls-files -z -- Makefile '*.c' '*.h' '*.mk' '*.control' sql | xargs -0 cp --parents -t $copy 2>&1}
  if mkdir $copy;

for my $goal (qw(install client))
{
	($status, $output) = make("-C $copy $goal PG_CONFIG=$dir/pg_config"
		  . " ERL_INCLUDE=$dir/nowhere DESTDIR=$dir/to");
	isnt($status, 0, "make $goal without headers");
	like($output, qr{nowhere/libpq-fe\.h.*nowhere/ei\.h.*run 'make deps FOR=build'},
		'names them all, and what to do');
	unlike($output, qr/fatal error/, 'and compiles nothing');
}
like(join('', (make("-C $copy install PG_CONFIG=$dir/pg_config DESTDIR=$dir/to"))[1]),
	qr/postgres\.h/, "the server's too");
ok(!-e "$dir/to", 'nothing is installed');

my $bindir = qx{$pg_config --bindir};
chomp $bindir;
($status, $output) = make("install-client DESTDIR=$dir/to");
is($status, 0, 'make install-client') or diag $output;
ok(-x "$dir/to$bindir/pg_etf_client", 'installs it');
like($output, qr{installed: \Q$dir/to$bindir\E/pg_etf_client}, 'says where');
($status) = make("install-client uninstall-client DESTDIR=$dir/to");
ok(!-e "$dir/to$bindir/pg_etf_client", 'make uninstall-client');

($status) = make("install DESTDIR=$dir/to");
like(qx{find $dir/to -type f}, qr/pg_etf_decoding\.so/, 'make install');
make("uninstall DESTDIR=$dir/to");
is(qx{find $dir/to -type f}, '', 'make uninstall leaves nothing');

($status, $output) = make('help');
my ($users, $developers) = split /^To work on it:$/m, $output;
like($users, qr/^  \Q$_\E /m, "make help tells users of $_")
  for qw(install uninstall clean deps demo client install-client uninstall-client);
unlike($users, qr/check-/, 'and not of single checks');
like($developers, qr/^  check-client /m, 'developers find those');

# What docs/sql-to-beam.md has to be typed in the checkout.
my ($typed) = do { local (@ARGV, $/) = 'docs/sql-to-beam.md'; <> } =~
  /^<!-- run: build -->\n```sh\n(.*?)^```/ms;
for my $line (split /\n/, $typed)
{
	my ($goals) = $line =~ /^(?:sudo )?make (.*)$/;

	ok($goals && (make("-n $goals"))[0] == 0, "the guide's $line");
}

mkdir "$copy/dev";
qx{cp dev/lint $copy/dev};
($status, $output) = run("$copy/dev/lint");
is($status, 1, 'lint outside of a checkout fails');
like($output, qr/needs git and a checkout/, 'and says why');

# What everybody runs is run for everybody; what needs libraries has jobs of its own.
my $workflow = qx{cat .github/workflows/ci.yml};
my %run_there = map { $_ => 1 } map { split } $workflow =~ /^ +- run: make (.*)/mg;
my ($checks) = qx{cat Makefile} =~ /^CHECKS = ((?:.*\\\n)*.*)/m;
$checks =~ s/\$\(if \$\(\w+\),[\w-]+\)//g;
my @checks = $checks =~ /[a-z-]+/g;
cmp_ok(scalar @checks, '>', 10, 'checks of "make test"');
is_deeply([ grep { !$run_there{$_} } @checks ], [], 'are jobs of the workflow');

# dev/rooms, for a tree that is as it should be, and with an include too many.
sub rooms_with
{
	my ($file, $include) = @_;
	my $text = do { local (@ARGV, $/) = "$copy/$file"; <> } // die "$file: $!";

	spew("$copy/$file", qq{#include "$include"\n$text});
	my @said = run("$copy/dev/rooms");
	spew("$copy/$file", $text);
	return @said;
}

qx{cp dev/rooms $copy/dev};
($status, $output) = run("$copy/dev/rooms");
is($status, 0, 'the rooms are in order') or diag $output;
for my $case (
	[ 'src/client/link/db.c', 'client/engine/flow.h', 'client/link may not include client/engine' ],
	[ 'src/common/term/lsn.c', 'plugin/row.h', 'common may not include plugin' ],
	[ 'src/plugin/row.c', 'client/link/db.h', 'plugin may not include client/link' ],
	[ 'src/client/base/printable.c', 'plugin/row.h', 'client/base may not include plugin' ],
	[ 'include/common/value/forms.h', 'common/term/write.h', 'a circle' ],
	[ 'src/client/link/db.c', 'client/link/stream.h', 'a circle' ])
{
	my ($file, $include, $wrong) = @$case;

	($status, $output) = rooms_with($file, $include);
	is($status, 1, "$include in $file");
	like($output, qr/\Q$wrong\E/, 'is said');
}
mkdir "$copy/src/attic";
spew("$copy/src/attic/old.c", '');
($status, $output) = run("$copy/dev/rooms");
is($status, 1, 'a folder that is no room');
like($output, qr{src/attic/old\.c is in no room}, 'is said');

done_testing();
