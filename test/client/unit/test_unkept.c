/*
 * test_unkept.c
 *		Which keys are not kept yet, whatever comes while others are saved.
 */
#include "client/backfill/unkept.h"

#include "check.h"

static void
test_the_first_counts(void)
{
	Unkept unkept = {0};

	CHECK(unkept_first(&unkept) == 0);
	unkept_add(&unkept, false, 3);
	unkept_add(&unkept, false, 5);
	CHECK(unkept_first(&unkept) == 3);
	unkept_saved(&unkept);
	CHECK(unkept_first(&unkept) == 0);
}

static void
test_what_comes_meanwhile_is_not_saved(void)
{
	Unkept unkept = {0};

	unkept_add(&unkept, false, 3);
	unkept_add(&unkept, true, 4);
	unkept_add(&unkept, true, 6);
	CHECK(unkept_first(&unkept) == 3);
	unkept_saved(&unkept);
	CHECK(unkept_first(&unkept) == 4);
	unkept_saved(&unkept);
	CHECK(unkept_first(&unkept) == 0);
}

static void
test_what_failed_is_as_before(void)
{
	Unkept unkept = {0};

	unkept_add(&unkept, true, 4);
	unkept_failed(&unkept);
	unkept_add(&unkept, true, 7);
	CHECK(unkept_first(&unkept) == 4);
	unkept_saved(&unkept);
	CHECK(unkept_first(&unkept) == 7);
}

int
main(void)
{
	test_the_first_counts();
	test_what_comes_meanwhile_is_not_saved();
	test_what_failed_is_as_before();
	return check_done();
}
