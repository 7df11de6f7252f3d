// openHook, track, untrack, counts, slots, walk, closeHook: one loaded program at a time.
#ifndef HEADROOM_HOOK_H
#define HEADROOM_HOOK_H

#include <node_api.h>

napi_value hook_open(napi_env env, napi_callback_info call);
napi_value hook_track(napi_env env, napi_callback_info call);
napi_value hook_untrack(napi_env env, napi_callback_info call);
napi_value hook_counts(napi_env env, napi_callback_info call);
napi_value hook_slots(napi_env env, napi_callback_info call);
napi_value hook_walk(napi_env env, napi_callback_info call);
napi_value hook_close(napi_env env, napi_callback_info call);

#endif
