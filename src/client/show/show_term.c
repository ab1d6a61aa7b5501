/*
 * show_term.c
 *		A term as text.
 */
#include "client/show/show_term.h"

bool
show_term(Show *show, TermReader *reader)
{
	show->text.null = show->null;
	return term_text_print(&show->text, reader);
}
