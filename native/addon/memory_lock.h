// Program text that stays in memory while the node runs out of it, and what of it goes before.
#ifndef HEADROOM_MEMORY_LOCK_H
#define HEADROOM_MEMORY_LOCK_H

#include <node_api.h>

/** lockMemory(start, bytes), see native/addon.ts */
napi_value memory_lock(napi_env env, napi_callback_info call);

/** releaseMemory(start, bytes) */
napi_value memory_release(napi_env env, napi_callback_info call);

#endif
