// The little of N-API that every function of the addon needs.
#ifndef HEADROOM_JAVASCRIPT_H
#define HEADROOM_JAVASCRIPT_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>

#define MOST_ARGUMENTS 6

/** Fills `values`; throws when there are fewer than `wanted`. */
bool take_arguments(napi_env env, napi_callback_info call, size_t wanted, napi_value values[MOST_ARGUMENTS]);

/** Throws when the value is no string or doesn't fit. */
bool take_text(napi_env env, napi_value value, char *text, size_t size);

/** Throws when the value is no number. */
bool take_number(napi_env env, napi_value value, double *number);

/** An external of the given kind; throws when it is something else. */
void *take_handle(napi_env env, napi_value value, const napi_type_tag *tag);

napi_value give_handle(napi_env env, void *object, napi_finalize finalize, const napi_type_tag *tag);

napi_value give_number(napi_env env, double number);

/** Throws an Error with `code` (EPERM ...), `step` (what was tried) and `log` (the verifier's words, or ''). @returns NULL */
napi_value throw_refusal(napi_env env, int error, const char *step, const char *log);

#endif
