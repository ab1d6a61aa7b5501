# What is made of the sources for others: manual page, META.json, debian,
# systemd unit, Dockerfile.  "make check-packages" builds and installs them.
use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $dir = tempdir(CLEANUP => 1);

sub slurp
{
	my ($path) = @_;

	open my $file, '<', $path or die "$path: $!";
	local $/ = undef;
	return scalar <$file>;
}

sub has { return scalar grep { -x "$_/$_[0]" } split /:/, $ENV{PATH}; }

subtest 'the version is the same everywhere' => sub {
	my $version = qx{dev/version};

	is($?, 0, 'dev/version');
	like($version, qr/^\d+\.\d+\.\d+$/, 'prints it');
	# In a copy, where one differs.
	system "mkdir $dir/v && tar -cf - dev Makefile META.json CHANGELOG.md debian "
	  . "elixir_client/mix.exs elixir_client/CHANGELOG.md | tar -C $dir/v -xf -";
	system "sed -i 's/\"version\": \"/&9/' $dir/v/META.json";
	like(qx{$dir/v/dev/version 2>&1}, qr/META\.json has version 9/, 'a copy that differs');
	isnt($?, 0, 'is an error');
	qx{$dir/v/dev/version 3.2.1};
	is(qx{$dir/v/dev/version 2>&1}, "3.2.1\n", 'all are set');
};

subtest 'META.json' => sub {
	my $meta = decode_json(slurp('META.json'));

	ok($meta->{$_}, $_) for qw(name abstract license maintainer provides version meta-spec);
	for my $extension (sort keys %{ $meta->{provides} })
	{
		my $provided = $meta->{provides}{$extension};
		my ($version) = slurp("$extension.control") =~ /default_version = '(.*)'/;

		is($provided->{version}, "$version.0", "version of $extension");
		ok(-e $provided->{$_}, "$provided->{$_} is there") for qw(file docfile);
	}
	is_deeply([ sort keys %{ $meta->{provides} } ], [ sort map { s/\.control//r } glob '*.control' ],
		'every extension');
};

subtest 'the manual page' => sub {
	my $page = qx{dev/man build/pg_etf_client 1.0.0};
	my $help = qx{build/pg_etf_client --help};

	is($?, 0, 'made');
	my @names = $help =~ /^  (?:-\S, |    )(--[a-z-]+)/gm;
	cmp_ok(scalar @names, '>', 50, 'options');
	my @missing = grep { my $name = s/-/\\-/gr; $page !~ /^\.B (?:\\-\S, )?\Q$name\E(?:=|$)/m } @names;
	is_deeply(\@missing, [], 'each option of --help is there');
	my @classes = $help =~ /^ +\d+ +(\w+) +(?:stops|retries|waits)/gm;
	is_deeply([ grep { $page !~ /^\Q$_\E: /m } @classes ], [], 'and each exit status');
	unlike($page, qr/^\.B\s*$/m, 'none without a name');
	open my $file, '>', "$dir/page.1" or die;
	print $file $page;
	close $file;
	is(qx{groff -man -Tutf8 -ww -z $dir/page.1 2>&1}, '', 'no warnings') if has('groff');
};

subtest 'debian' => sub {
	my $control = slurp('debian/control.in') =~ s/PGVERSION/18/gr;

	is(slurp('debian/control'), $control, 'control is that of 18 (pg_buildext updatecontrol)');
	for my $list (glob 'debian/*.{install,docs,examples}')
	{
		for my $line (split /\n/, slurp($list))
		{
			my ($path) = split ' ', $line;

			ok($path =~ /^build/ || -e $path, "$list: $path");
		}
	}
	ok(-x "debian/tests/$_", "debian/tests/$_")
	  for map { split /, */ } slurp('debian/tests/control') =~ /^Tests: (.*)/mg;
	like(slurp('debian/copyright'), qr/\Q$_\E/, 'licence')
	  for grep { length > 20 } map { s/^\s+//r } split /\n/, slurp('LICENSE') =~ s/.*?(?=Permission)//sr;
};

subtest 'the unit' => sub {
	my $unit = slurp('debian/pg-etf-client@.service');
	my ($words) = $unit =~ /^ExecStart=\S+ (.*)/m;
	my $help = qx{build/pg_etf_client --help};

	like($help, qr/\Q$_\E\b/, "option $_") for $words =~ /(--[a-z-]+)/g;
	plan skip_all => 'no systemd' unless has('systemd-analyze');
	$unit =~ s{/usr/bin/pg_etf_client}{/bin/true};
	open my $file, '>', "$dir/pg-etf-client\@.service" or die;
	print $file $unit;
	close $file;
	is(qx{systemd-analyze verify --man=no $dir/pg-etf-client\@audit.service 2>&1}
		  =~ s/^(?!.*pg-etf-client).*\n//gmr, '', 'systemd finds nothing wrong');
};

subtest 'Dockerfile and compose.yaml' => sub {
	my $dockerfile = slurp('Dockerfile');

	ok(-e $_, "$_ is there") for $dockerfile =~ /^COPY (docker\S+)/mg;
	my $compose = slurp('compose.yaml');
	my ($words) = $compose =~ /entrypoint: \[(.*)\]/;
	my $help = qx{build/pg_etf_client --help};

	like($help, qr/\Q$_\E\b/, "option $_") for $words =~ /"(--[a-z-]+)/g;
	like($compose, qr/^  (?:db|changes):$/m, 'services');
	unlike($compose, qr/\t/, 'no tabs');
	is_deeply([ $compose =~ /^ +- "([\d.:]+)"$/mg ],
		[ '127.0.0.1:5432:5432', '127.0.0.1:4010:4010' ], 'no port is open to others');
	my ($image) = $compose =~ /dockerfile: (\S+)/;
	my ($script) = slurp($image) =~ /^CMD .*"\.\.\/(\S+)"\]$/m;
	ok(-e $script, 'the consumer in Elixir is there');
};

done_testing();
