# failover.pl, with slots of pgoutput.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl", 'test/client/perl', 'test/lib/perl';

use EtfClient;
use EtfStandby;

$ENV{ETF_PLUGIN} = 'pgoutput';
require "$FindBin::Bin/failover.pl";
