/*
 * servers.c
 *		Which node a name in SQL stands for, and who may do what with it.
 *
 * The wrapper "erlang" has no handler: its servers are for the functions of
 * erlang.c.  What an option may be is said by one table, which the validator
 * and target_find both read.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/reloptions.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "beam/servers.h"
#include "beam/sql.h"
#include "common/dist/handshake.h"
#include "compat/backend.h"
#include "plugin/filter.h"

#define WRAPPER "erlang"
#define CONNECT_TIMEOUT_MS 5000
#define MAX_TIMEOUT_MS (24 * 3600 * 1000)
#define MAX_REPLY (512 * 1024 * 1024)

/* What stands in "allow" instead of a module, where a process is sent to. */
#define SEND_MARK "!"

typedef struct ServerOption ServerOption;

struct ServerOption
{
	const char *name;
	Oid catalog;
	void (*set)(const ServerOption *option, NodeTarget *target, char *value);
	size_t offset; /* in NodeTarget, for numbers */
	int unit;
	int min;
	int max;
};

static void set_node(const ServerOption *option, NodeTarget *target,
					 char *value);
static void set_host(const ServerOption *option, NodeTarget *target,
					 char *value);
static void set_number(const ServerOption *option, NodeTarget *target,
					   char *value);
static void set_allow(const ServerOption *option, NodeTarget *target,
					  char *value);
static void check_cookie(const ServerOption *option, NodeTarget *target,
						 char *value);
static void check_cookie_file(const ServerOption *option, NodeTarget *target,
							  char *value);

#define NUMBER(member, unit, min, max) \
	set_number, offsetof(NodeTarget, member), unit, min, max

static const ServerOption server_options[] = {
	{"node", ForeignServerRelationId, set_node, 0, 0, 0, 0},
	{"hostaddr", ForeignServerRelationId, set_host, 0, 0, 0, 0},
	{"port", ForeignServerRelationId, NUMBER(port, 0, 1, 65535)},
	{"allow", ForeignServerRelationId, set_allow, 0, 0, 0, 0},
	{"connect_timeout", ForeignServerRelationId,
	 NUMBER(connect_timeout_ms, GUC_UNIT_MS, 1, MAX_TIMEOUT_MS)},
	{"call_timeout", ForeignServerRelationId,
	 NUMBER(call_timeout_ms, GUC_UNIT_MS, 1, MAX_TIMEOUT_MS)},
	{"max_reply", ForeignServerRelationId,
	 NUMBER(max_reply, GUC_UNIT_BYTE, 1024, MAX_REPLY)},
	{"cookie", UserMappingRelationId, check_cookie, 0, 0, 0, 0},
	{"cookie_file", UserMappingRelationId, check_cookie_file, 0, 0, 0, 0},
};

static void
bad_option(const ServerOption *option, const char *value, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					errmsg("invalid value for option \"%s\": \"%s\"",
						   option->name, value),
					hint != NULL ? errhint("%s", hint) : 0));
}

static void
name_node(NodeTarget *target, char *node)
{
	target->node = node;
	target->label = psprintf("node %s", node);
	if (target->host == NULL)
		target->host = strchr(node, '@') + 1;
}

static void
set_node(const ServerOption *option, NodeTarget *target, char *value)
{
	if (!dist_name_is_valid(value))
		bad_option(option, value, "A node is called name@host.");
	name_node(target, value);
}

static void
set_host(const ServerOption *option, NodeTarget *target, char *value)
{
	if (*value == '\0')
		bad_option(option, value, NULL);
	target->host = value;
}

static void
set_number(const ServerOption *option, NodeTarget *target, char *value)
{
	int *place = (int *) ((char *) target + option->offset);
	const char *hint = NULL;

	if (!parse_int(value, place, option->unit, &hint))
		bad_option(option, value, hint);
	if (*place < option->min || *place > option->max)
		bad_option(
			option, value,
			psprintf("It is between %d and %d.", option->min, option->max));
}

/* A pattern of one part as one of two: "module:function", or "!process". */
static bool
split_pattern(EtfPattern *pattern)
{
	char *colon = pattern->name;

	if (*pattern->name == *SEND_MARK)
	{
		pattern->schema = SEND_MARK;
		pattern->name++;
		return *pattern->name != '\0';
	}
	while (*colon != ':' && *colon != '\0')
		colon += *colon == '\\' ? 2 : 1;
	if (*colon == '\0' || colon == pattern->name || colon[1] == '\0')
		return false;
	*colon = '\0';
	pattern->schema = pattern->name;
	pattern->name = colon + 1;
	return true;
}

static void
set_allow(const ServerOption *option, NodeTarget *target, char *value)
{
	const char *hint = "It is a list of module:function and of !process, "
					   "each perhaps with \"*\" for anything.";
	ListCell *cell;

	target->restricted = true;
	target->allow = etf_patterns_parse(value);
	if (target->allow == NIL)
		bad_option(option, value, hint);
	foreach (cell, target->allow)
		if (!split_pattern(lfirst(cell)))
			bad_option(option, value, hint);
}

/* The value is not shown: it is a secret. */
static void
check_cookie(const ServerOption *option, NodeTarget *target, char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len > DIST_COOKIE_MAX)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("a cookie has 1 to %d bytes", DIST_COOKIE_MAX)));
}

static void
check_cookie_file(const ServerOption *option, NodeTarget *target, char *value)
{
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to set option \"%s\"", option->name),
				 errhint("Only superusers may name files of the "
						 "server.  Option \"cookie\" has the cookie "
						 "itself.")));
	if (!is_absolute_path(value))
		bad_option(option, value, "It is an absolute path.");
}

static const ServerOption *
find_server_option(Oid catalog, const char *name)
{
	StringInfoData valid;

	initStringInfo(&valid);
	for (int i = 0; i < (int) lengthof(server_options); i++)
	{
		if (server_options[i].catalog != catalog)
			continue;
		if (strcmp(server_options[i].name, name) == 0)
			return &server_options[i];
		appendStringInfo(&valid, "%s%s", valid.len > 0 ? ", " : "",
						 server_options[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", name),
			 valid.len > 0 ? errhint("Valid options are: %s.", valid.data)
						   : errhint("There are no options here.")));
}

static NodeTarget *
new_target(void)
{
	NodeTarget *target = palloc0(sizeof(NodeTarget));

	target->connect_timeout_ms = CONNECT_TIMEOUT_MS;
	target->call_timeout_ms = -1;
	target->max_reply = -1;
	return target;
}

static NodeTarget *
read_options(Oid catalog, List *options)
{
	NodeTarget *target = new_target();
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *element = lfirst(cell);
		const ServerOption *option =
			find_server_option(catalog, element->defname);

		option->set(option, target, defGetString(element));
	}
	if (catalog == ForeignServerRelationId && target->node == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("option \"node\" is missing")));
	return target;
}

PG_FUNCTION_INFO_V1(erlang_fdw_validator);

Datum
erlang_fdw_validator(PG_FUNCTION_ARGS)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));

	(void) read_options(PG_GETARG_OID(1), options);
	PG_RETURN_VOID();
}

static NodeTarget *
target_of_server(const ForeignServer *server)
{
	ForeignDataWrapper *wrapper = GetForeignDataWrapper(server->fdwid);
	NodeTarget *target;

	if (strcmp(wrapper->fdwname, WRAPPER) != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("server \"%s\" is not an Erlang node", server->servername),
			 errdetail("Its foreign-data wrapper is \"%s\", not \"%s\".",
					   wrapper->fdwname, WRAPPER)));
	target = read_options(ForeignServerRelationId, server->options);
	target->server = server->serverid;
	return target;
}

NodeTarget *
target_find(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, true);
	NodeTarget *target;

	if (server != NULL)
		return target_of_server(server);
	if (!dist_name_is_valid(name))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" does not exist", name),
				 errhint("Create one of the foreign-data wrapper \"%s\", or "
						 "name a node, as in name@host.",
						 WRAPPER)));
	target = new_target();
	name_node(target, pstrdup(name));
	return target;
}

static const char *
server_name(const NodeTarget *target)
{
	return GetForeignServer(target->server)->servername;
}

void
target_check_usage(const NodeTarget *target, bool cookie_given)
{
	AclResult result;

	if (OidIsValid(target->server))
	{
		result = server_usage_check(target->server, GetUserId());
		if (result != ACLCHECK_OK)
			aclcheck_error(result, OBJECT_FOREIGN_SERVER, server_name(target));
	}
	else if (!cookie_given && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for %s", target->label),
				 errhint("Only superusers may name any node.  Name a foreign "
						 "server that you may use, or give the node's cookie "
						 "to erlang_connect.")));
}

/* Without a list, a server is its owner's alone. */
static void
check_allowed(const NodeTarget *target, const char *module, const char *name,
			  const char *what)
{
	if (!OidIsValid(target->server))
		return;
	if (target->restricted ? etf_patterns_match(target->allow, module, name)
						   : server_owner_check(target->server, GetUserId()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for %s at server \"%s\"", what,
					server_name(target)),
			 target->restricted
				 ? errdetail("Option \"allow\" of the server does not name it.")
				 : errdetail("The server has no option \"allow\", and only "
							 "its owner may do what is not named there.")));
}

void
target_check_call(const NodeTarget *target, const char *module,
				  const char *function)
{
	check_allowed(target, module, function,
				  psprintf("function %s:%s", module, function));
}

void
target_check_send(const NodeTarget *target, const char *name)
{
	check_allowed(target, SEND_MARK, name, psprintf("process %s", name));
}
