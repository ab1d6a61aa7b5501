# pg_regress over the SQL interface: test/sql, test/expected.
use strict;
use warnings;

use EtfRegress;

EtfRegress::run_all('regress', $ENV{PG_REGRESS}, glob 'test/sql/*.sql');
