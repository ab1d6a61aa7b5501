/*
 * test_spool_parts.c
 *		What a spool is made of: its files, its bounds, its labels, Meta.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spooled.h"

static void
test_bound(void)
{
	uint64_t one;

	CHECK(put(true, 1, 1, 0, 1, 0) == SPOOL_KEPT);
	one = spool.bytes;
	spool_clear(&spool);
	spool_init(&spool, NULL, 2 * one);
	CHECK(put(true, 1, 1, 0, 1, 0) == SPOOL_KEPT);
	CHECK(put(true, 2, 2, 0, 1, 0) == SPOOL_KEPT);
	CHECK(put(true, 3, 3, 0, 1, 0) == SPOOL_FULL);
	CHECK(strstr(spool.error, "spool_bytes") != NULL);
	CHECK(put_abort(1, 1) == SPOOL_KEPT);
	CHECK(put(true, 4, 4, 0, 1, 0) == SPOOL_KEPT);
	spool_clear(&spool);
	spool_init(&spool, NULL, NO_LIMIT);
}

/* Nobody else can open it, and there is nothing to clean up. */
static void
test_file(void)
{
	struct stat status;
	int fd;

	CHECK(put(true, 1, 1, 0, 1, 0) == SPOOL_KEPT);
	fd = spool_find(&spool, 1)->fd;
	CHECK(fstat(fd, &status) == 0 && status.st_nlink == 0);
	CHECK((status.st_mode & 07777) == 0600);
	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK((uint64_t) status.st_size == spool.bytes);
	CHECK(put(false, 1, 2, 1, 1, 0) == SPOOL_KEPT);
	CHECK(put_abort(1, 2) == SPOOL_KEPT);
	CHECK(fstat(fd, &status) == 0 && (uint64_t) status.st_size == spool.bytes);
	spool_clear(&spool);
}

static void
set_limit(int what, rlim_t value)
{
	struct rlimit limit;

	getrlimit(what, &limit);
	limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
	setrlimit(what, &limit);
}

/* Whatever the file system says, it is told, and nothing is left. */
static void
test_harm(void)
{
	ReplayFrame frame;
	Replay replay;

	spool_init(&spool, "/nowhere", NO_LIMIT);
	CHECK(put(true, 1, 1, 0, 1, 0) == SPOOL_FULL && spool.count == 0);
	CHECK(strstr(spool.error, strerror(ENOENT)) != NULL);
	spool_init(&spool, NULL, NO_LIMIT);
	set_limit(RLIMIT_NOFILE, 3);
	CHECK(put(true, 1, 1, 0, 1, 0) == SPOOL_FULL && spool.count == 0);
	CHECK(strstr(spool.error, strerror(EMFILE)) != NULL);
	set_limit(RLIMIT_NOFILE, RLIM_INFINITY);

	signal(SIGXFSZ, SIG_IGN);
	set_limit(RLIMIT_FSIZE, 10);
	CHECK(put(true, 1, 1, 0, 1, 0) == SPOOL_FULL);
	CHECK(strstr(spool.error, strerror(EFBIG)) != NULL);
	set_limit(RLIMIT_FSIZE, RLIM_INFINITY);

	CHECK(put(true, 1, 1, 0, 1, 0) == SPOOL_KEPT);
	put_stream_end(&out, false, 1);
	CHECK(begin_replay(&replay, 1));
	CHECK(ftruncate(spool_find(&spool, 1)->fd, 9) == 0);
	CHECK(!replay_next(&replay, &frame) && errno == EIO);
	CHECK(ftruncate(spool_find(&spool, 1)->fd, 2) == 0);
	CHECK(!replay_next(&replay, &frame) && errno == EIO);
	CHECK(pwrite(spool_find(&spool, 1)->fd, "\xff\xff\xff\xff", 4, 0) == 4);
	CHECK(!replay_next(&replay, &frame) && errno == EIO);
	replay_stop(&replay);
	spool_clear(&spool);
}

/* An entry for each row, in time. */
static void
test_many_labels(void)
{
	Labels labels = {0};

	for (uint32_t i = 0; i < SPOOL_LABELS_MAX; i++)
	{
		Label label = {i * 3, i, i};

		if (labels_find(&labels, i * 3) != NULL ||
			!labels_push(&labels, &label))
			CHECK(false);
	}
	for (uint32_t keep = SPOOL_LABELS_MAX - 1; keep > 0; keep /= 2)
	{
		labels_cut(&labels, labels_find(&labels, keep * 3));
		CHECK(labels.count == keep);
		CHECK(labels_find(&labels, keep * 3) == NULL);
		CHECK(labels_find(&labels, keep * 3 - 3)->bytes == keep - 1);
	}
	labels_free(&labels);
}

/* The end of a stream says what Meta is, in every frame. */
static void
test_meta(void)
{
	static const char meta[] = "t\0\0\0\1w\6origina\7";
	FrameHead head = {.kind = FRAME_STREAM_COMMIT};
	ReplayFrame frame;
	Replay replay;

	CHECK(put(true, 1, 1, 0, 1, 0) == SPOOL_KEPT);
	CHECK(put(false, 1, 1, 1, 1, 0) == SPOOL_KEPT);
	CHECK(replay_begin(&replay, spool_find(&spool, 1), &head, meta,
					   sizeof(meta) - 1));
	for (int i = 0; i < 2; i++)
	{
		FrameHead made;

		CHECK(replay_next(&replay, &frame));
		CHECK(frame_read_head(frame.data + frame.offset,
							  frame.end - frame.offset, &made));
		CHECK(made.events - made.meta == sizeof(meta) - 1);
		CHECK(memcmp(frame.data + frame.offset + made.meta, meta,
					 sizeof(meta) - 1) == 0);
		free(frame.data);
	}
	CHECK(replay.done);
	replay_stop(&replay);
	spool_clear(&spool);
}

int
main(void)
{
	spool_init(&spool, NULL, NO_LIMIT);
	test_file();
	test_bound();
	test_harm();
	test_many_labels();
	spool_init(&spool, NULL, NO_LIMIT);
	test_meta();
	free(out.data);
	return check_done();
}
