# pg_regress over the SQL interface: sql and expected.
use strict;
use warnings;

use EtfRegress;

EtfRegress::run_all('regress', $ENV{PG_REGRESS}, glob 'test/plugin/sql/*.sql');
