/*
 * show_schema.h
 *		A schema event, and a command, as members of a JSON object.
 */
#ifndef ETF_SHOW_SCHEMA_H
#define ETF_SHOW_SCHEMA_H

#include "client/show/show_term.h"

/* ,"relation":Rel,"before":{...},"after":{...}; null: there is no table */
extern bool show_schema_members(Show *show, TermReader *reader);

/* ,"tag":Tag,"text":Text,"objects":[{...}],"user":User */
extern bool show_command_members(Show *show, TermReader *reader);

#endif
