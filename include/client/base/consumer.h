/*
 * consumer.h
 *		Who takes the frames: the BEAM behind a Port, or a person.
 *
 * engine.c calls through the operations; port.c and print.c implement them.
 * A consumer reports what it wants by calling the engine (see engine.h).
 */
#ifndef ETF_CONSUMER_H
#define ETF_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/base/failure.h"
#include "common/frame/read.h"

typedef enum FieldKind
{
	FIELD_NUMBER,
	FIELD_TEXT,
	FIELD_ATOM,
	FIELD_TEXTS /* a list of them */
} FieldKind;

/* One key of a report. */
typedef struct Field
{
	const char *key;
	FieldKind kind;
	uint64_t number;  /* or how many texts */
	const char *text; /* or the name of the atom */
	const char *const *texts;
} Field;

static inline Field
field_number(const char *key, uint64_t number)
{
	return (Field){key, FIELD_NUMBER, number, NULL, NULL};
}

static inline Field
field_text(const char *key, const char *text)
{
	return (Field){key, FIELD_TEXT, 0, text, NULL};
}

static inline Field
field_atom(const char *key, const char *name)
{
	return (Field){key, FIELD_ATOM, 0, name, NULL};
}

static inline Field
field_texts(const char *key, const char *const *texts, uint64_t count)
{
	return (Field){key, FIELD_TEXTS, count, NULL, texts};
}

typedef struct Consumer Consumer;

typedef struct ConsumerOps
{
	/* May a frame be delivered now, as far as the way out is concerned? */
	bool (*has_room)(Consumer *consumer);

	/*
	 * A frame: bytes offset..end of a malloc()ed block, which is the
	 * consumer's from now on.  Returns what it costs of the credit: the bytes
	 * by which it makes the packets longer, that of its batch included.
	 */
	size_t (*deliver)(Consumer *consumer, const FrameHead *head, char *block,
					  size_t offset, size_t end);

	/* No frame follows at once: what was delivered may leave. */
	void (*end_batch)(Consumer *consumer);

	/* {Tag, Lsn} */
	void (*position)(Consumer *consumer, const char *tag, uint64_t lsn);

	/* {Tag, Name, Fields}, or {Tag, Fields} when name is NULL */
	void (*report)(Consumer *consumer, const char *tag, const char *name,
				   const Field *fields, size_t count);

	/* {backfill, Name, Id, Fields}, and {backfill, Name, Id, Bytes} */
	void (*backfill)(Consumer *consumer, const char *name, const char *id,
					 const Field *fields, size_t count);
	void (*backfill_bytes)(Consumer *consumer, const char *name, const char *id,
						   const char *bytes, size_t len);

	void (*log)(Consumer *consumer, const char *level, const char *text);

	/* Does it answer {standby, free, Map} by engine_go()? */
	bool answers;

	/* Does it fold the stream into chunks, as mode incremental needs it? */
	bool folds;
} ConsumerOps;

struct Consumer
{
	const ConsumerOps *ops;
};

static inline bool
consumer_has_room(Consumer *consumer)
{
	return consumer->ops->has_room(consumer);
}

static inline size_t
consumer_deliver(Consumer *consumer, const FrameHead *head, char *block,
				 size_t offset, size_t end)
{
	return consumer->ops->deliver(consumer, head, block, offset, end);
}

static inline void
consumer_end_batch(Consumer *consumer)
{
	consumer->ops->end_batch(consumer);
}

static inline void
consumer_position(Consumer *consumer, const char *tag, uint64_t lsn)
{
	consumer->ops->position(consumer, tag, lsn);
}

static inline void
consumer_report(Consumer *consumer, const char *tag, const char *name,
				const Field *fields, size_t count)
{
	consumer->ops->report(consumer, tag, name, fields, count);
}

static inline void
consumer_backfill(Consumer *consumer, const char *name, const char *id,
				  const Field *fields, size_t count)
{
	consumer->ops->backfill(consumer, name, id, fields, count);
}

static inline void
consumer_backfill_bytes(Consumer *consumer, const char *name, const char *id,
						const char *bytes, size_t len)
{
	consumer->ops->backfill_bytes(consumer, name, id, bytes, len);
}

extern void consumer_log(Consumer *consumer, const char *level,
						 const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* {fatal, Class, #{message, hint, sqlstate}} */
extern void consumer_fatal(Consumer *consumer, const Failure *failure);

#endif
