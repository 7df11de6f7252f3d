#include "memory_lock.h"
#include "javascript.h"
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/** MLOCK_ONFAULT: pages are locked as they are touched, nothing is read in for it. */
#define ON_FAULT 1

static bool take_range(napi_env env, napi_callback_info call, void **start, size_t *bytes)
{
	napi_value arguments[MOST_ARGUMENTS];
	double from, length;

	if (!take_arguments(env, call, 2, arguments) || !take_number(env, arguments[0], &from) ||
	    !take_number(env, arguments[1], &length))
		return false;
	*start = (void *)(uintptr_t)from;
	*bytes = (size_t)length;
	return true;
}

napi_value memory_lock(napi_env env, napi_callback_info call)
{
	void *start;
	size_t bytes;
	if (!take_range(env, call, &start, &bytes))
		return NULL;
	/* by number: musl has no mlock2 */
	return give_number(env, syscall(SYS_mlock2, start, bytes, ON_FAULT) == 0 ? 0 : errno);
}

napi_value memory_release(napi_env env, napi_callback_info call)
{
	void *start;
	size_t bytes;
	if (!take_range(env, call, &start, &bytes))
		return NULL;
	/* locked pages are not given back */
	return give_number(env, munlock(start, bytes) == 0 && madvise(start, bytes, MADV_DONTNEED) == 0 ? 0 : errno);
}
