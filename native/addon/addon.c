// headroom.node: what Node can't do by itself, or not as cheaply. bpf(2), ring buffers and PSI triggers on Node's own event loop;
// several preads in one call; mlock2(2); the CPU time of one thread; directories watched for their entries only.
// native/addon.ts has the types of everything exported here; ABI counts their changes.
#include "hook.h"
#include "javascript.h"
#include "memory_lock.h"
#include "pressure.h"
#include "read_files.h"
#include "watch_entries.h"
#include <time.h>
#include <unistd.h>

#define ABI 3

/** bootTimeMs(): CLOCK_BOOTTIME, the clock of the events */
static napi_value boot_time(napi_env env, napi_callback_info call)
{
	struct timespec now;
	(void)call;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return give_number(env, (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
}

/** threadCpuMs(): CLOCK_THREAD_CPUTIME_ID, exact to the call; getrusage(2) of a thread moves only when the scheduler looks */
static napi_value thread_cpu(napi_env env, napi_callback_info call)
{
	struct timespec used;
	(void)call;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return give_number(env, (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6);
}

static void export_function(napi_env env, napi_value exports, const char *name, napi_callback body)
{
	napi_value function;
	napi_create_function(env, name, NAPI_AUTO_LENGTH, body, NULL, &function);
	napi_set_named_property(env, exports, name, function);
}

NAPI_MODULE_INIT()
{
	napi_set_named_property(env, exports, "abi", give_number(env, ABI));
	napi_set_named_property(env, exports, "pageBytes", give_number(env, (double)sysconf(_SC_PAGESIZE)));
	export_function(env, exports, "bootTimeMs", boot_time);
	export_function(env, exports, "threadCpuMs", thread_cpu);
	export_function(env, exports, "openHook", hook_open);
	export_function(env, exports, "track", hook_track);
	export_function(env, exports, "untrack", hook_untrack);
	export_function(env, exports, "counts", hook_counts);
	export_function(env, exports, "slots", hook_slots);
	export_function(env, exports, "walk", hook_walk);
	export_function(env, exports, "closeHook", hook_close);
	export_function(env, exports, "lockMemory", memory_lock);
	export_function(env, exports, "releaseMemory", memory_release);
	export_function(env, exports, "readFiles", read_files);
	export_function(env, exports, "watchEntries", watch_entries);
	export_function(env, exports, "openPressure", pressure_open);
	export_function(env, exports, "closePressure", pressure_close);
	return exports;
}
