// Program text that stays in memory while the node runs out of it.
#ifndef HEADROOM_MEMORY_LOCK_H
#define HEADROOM_MEMORY_LOCK_H

#include <node_api.h>

/** lockMemory(start, bytes), see native/addon.ts */
napi_value memory_lock(napi_env env, napi_callback_info call);

#endif
