# The checker of histories, on histories made by hand.
use strict;
use warnings;

exec 'erl', '-noshell', '-pa', $ENV{ETF_CHAOS}, '-s', 'chaos_check_test', 'main';
