// A file descriptor on Node's own event loop (uv_poll) that calls a JavaScript function: no thread, no polling.
#ifndef HEADROOM_WATCH_H
#define HEADROOM_WATCH_H

#include <node_api.h>
#include <stdbool.h>
#include <uv.h>

struct watch {
	uv_poll_t poll;
	napi_env env;
	napi_ref callback;
	napi_async_context context;
	napi_async_cleanup_hook_handle cleanup;
	bool running;
	void (*ready)(struct watch *watch, int events);
	void (*end)(struct watch *watch); // the process ends: let everything go, the watch too
	void (*closed)(struct watch *watch); // libuv is done with the memory
};

/** Doesn't keep the process alive. @returns 0 or a libuv error, then nothing has to be stopped */
int watch_start(napi_env env, struct watch *watch, int fd, int events, napi_value callback);

/** No call comes after it; `closed` follows on a later turn of the loop. The descriptor may be closed right away. */
void watch_stop(struct watch *watch);

/** Calls JavaScript from the loop. What the callback throws becomes an uncaught exception, as in any other event. */
void watch_call(struct watch *watch, double argument);

#endif
