# pg_isolation_regress over concurrent sessions: specs and expected.
use strict;
use warnings;

use EtfRegress;

EtfRegress::run_all('isolation', $ENV{PG_ISOLATION_REGRESS},
	glob 'test/plugin/specs/*.spec');
