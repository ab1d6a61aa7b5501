/*
 * amount.c
 *		Numbers as people read them.
 */
#include "client/show/amount.h"

#include <stdio.h>

Amount
amount_of(double number)
{
	static const char *const units[] = {"", "k", "M", "G", "T"};
	Amount amount;
	int unit = 0;

	for (; number >= 1000 && unit < 4; unit++)
		number /= 1000;
	snprintf(amount.text, sizeof(amount.text),
			 number < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", number,
			 units[unit]);
	return amount;
}
