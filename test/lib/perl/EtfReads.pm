# Rows that etf_read() gives, beside those of the stream.
package EtfReads;

use strict;
use warnings;

use EtfTest;

our $tag = q{'\x6105'};    # 5

sub frames
{
	my ($etf, $table, $options, $arguments, $db) = @_;

	return split /\n/, $etf->sql("SELECT etf_to_text(etf_read('$table', '{$options}',
		$tag" . ($arguments ? ", $arguments" : '') . '))', $db);
}

# What stands in the lists of frames, as one text, and the last frame.
sub read_rows
{
	my @frames = frames(@_);
	my $end = pop @frames;

	return (join(',', map { /^\{read,5,\d+,\[(.*)\]\}$/s ? $1 : die $_ } @frames), $end);
}

sub stream_rows
{
	my ($etf, $slot, $db, %option) = @_;
	my $rows = $etf->sql("SELECT etf_to_text(data) FROM "
		  . EtfTest::slot_call('get', $slot, %option), $db);

	return join ',', map { /^\{tx,\w+,\{.*?\},\d+,\d+,#\{\},\[(.*)\]\}$/s ? $1 : die $_ }
	  split /\n/, $rows;
}

# Rows in any order.
sub sorted
{
	my ($rows) = @_;

	return join ' ', sort split /,?\{(?=\{|#\{)/, $rows;
}

# What is stored of a table, as an empty one; the columns.  Virtual columns (18)
# would be ordinary ones.
sub copy_columns
{
	my ($etf, $table, $db) = @_;
	my $of = sub {
		$etf->sql("SELECT string_agg(format('$_[0]', attname), ', ' ORDER BY attnum) FROM pg_attribute
			WHERE attrelid = '$table'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated $_[1] 'v'", $db);
	};

	$etf->sql("CREATE TABLE public.etf_copy (LIKE $table)", $db);
	my $virtual = $of->('DROP %I', '=');
	$etf->sql("ALTER TABLE public.etf_copy $virtual", $db) if $virtual ne '';
	return $of->('%I', '<>');
}

# Are its rows, read in this form, those of their inserts?  "the same rows", "no
# rows", or by which way they are not.
sub differs
{
	my ($etf, $table, $form, $db) = @_;
	my %option = map { split /=/ } split /,/, $form;

	my $columns = copy_columns($etf, $table, $db);
	$etf->slot('copied', $db);
	$etf->sql("INSERT INTO public.etf_copy SELECT $columns FROM ONLY $table", $db);
	my $streamed = stream_rows($etf, 'copied', $db, %option, relations => 'off');
	$etf->drop_slot('copied', $db);
	$etf->sql('DROP TABLE public.etf_copy', $db);
	my %read = map {
		my ($how, $arguments) = @$_;
		my ($rows) = read_rows($etf, $table, "$form,relations=off,frame_bytes=3000", $arguments, $db);
		($how => $rows);
	  } ([ 'by blocks', 'from_block => 0' ], [ 'by a query', q{filter => 'true'} ],
		[ 'as itself', "from_block => 0, told_as => '$table'::regclass" ]);

	s/\{(read|insert),\d+,/{/g for $streamed, values %read;
	return 'no rows' if join('', $streamed, values %read) eq '';
	for my $how ('by blocks', 'as itself')
	{
		return $how if $read{$how} ne $streamed;
	}
	return sorted($read{'by a query'}) eq sorted($streamed) ? 'the same rows' : 'by a query';
}

1;
