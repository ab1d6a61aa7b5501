/*
 * consumer.c
 *		What is the same for every consumer.
 */
#include "client/base/consumer.h"

#include <stdarg.h>
#include <stdio.h>

void
consumer_log(Consumer *consumer, const char *level, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	consumer->ops->log(consumer, level, text);
}

void
consumer_fatal(Consumer *consumer, const Failure *failure)
{
	const Field fields[] = {field_text("message", failure->message),
							field_text("hint", failure->hint),
							field_text("sqlstate", failure->sqlstate)};

	consumer_report(consumer, "fatal", failure_info(failure->class)->name,
					fields, sizeof(fields) / sizeof(fields[0]));
}
