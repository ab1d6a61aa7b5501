/*
 * ddl.h
 *		Commands, as event triggers see them, for readers with ddl=commands.
 */
#ifndef ETF_SQL_DDL_H
#define ETF_SQL_DDL_H

/* Defines the setting pg_etf_decoding.ddl. */
extern void etf_ddl_init(void);

#endif
