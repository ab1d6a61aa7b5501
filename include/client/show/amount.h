/*
 * amount.h
 *		Numbers as people read them: 950, 1.4 k, 23 M, 5.1 G.
 */
#ifndef ETF_AMOUNT_H
#define ETF_AMOUNT_H

typedef struct Amount
{
	char text[16]; /* ends with a space, or the letter of the thousands */
} Amount;

extern Amount amount_of(double number);

#endif
