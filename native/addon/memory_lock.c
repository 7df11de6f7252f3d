#include "memory_lock.h"
#include "javascript.h"
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/** MLOCK_ONFAULT: pages are locked as they are touched, nothing is read in for it. */
#define ON_FAULT 1

napi_value memory_lock(napi_env env, napi_callback_info call)
{
	napi_value arguments[MOST_ARGUMENTS];
	double start, bytes;

	if (!take_arguments(env, call, 2, arguments) || !take_number(env, arguments[0], &start) ||
	    !take_number(env, arguments[1], &bytes))
		return NULL;
	/* by number: musl has no mlock2 */
	long result = syscall(SYS_mlock2, (void *)(uintptr_t)start, (size_t)bytes, ON_FAULT);
	return give_number(env, result == 0 ? 0 : errno);
}
