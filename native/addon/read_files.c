#include "read_files.h"
#include "javascript.h"
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

/** Bits of `wanted` */
#define MOST_FILES 32
/** lengths[i]: no descriptor, or not wanted. No errno and no length is that small. */
#define NOT_READ INT32_MIN

struct array {
	void *start;
	size_t count;
};

static bool take_array(napi_env env, napi_value value, napi_typedarray_type wanted, struct array *array)
{
	napi_typedarray_type type;
	if (napi_get_typedarray_info(env, value, &type, &array->count, &array->start, NULL, NULL) == napi_ok && type == wanted)
		return true;
	napi_throw_type_error(env, NULL, "not a typed array of the right kind");
	return false;
}

napi_value read_files(napi_env env, napi_callback_info call)
{
	napi_value arguments[MOST_ARGUMENTS];
	struct array descriptors, bytes, lengths;
	uint32_t wanted, room;

	if (!take_arguments(env, call, 5, arguments) || !take_array(env, arguments[0], napi_int32_array, &descriptors) ||
	    !take_array(env, arguments[2], napi_uint8_array, &bytes) || !take_array(env, arguments[4], napi_int32_array, &lengths))
		return NULL;
	if (napi_get_value_uint32(env, arguments[1], &wanted) != napi_ok || napi_get_value_uint32(env, arguments[3], &room) != napi_ok) {
		napi_throw_type_error(env, NULL, "not a number");
		return NULL;
	}
	size_t count = descriptors.count < MOST_FILES ? descriptors.count : MOST_FILES;
	if (lengths.count < count || bytes.count < count * (size_t)room) {
		napi_throw_range_error(env, NULL, "less room than files");
		return NULL;
	}
	for (size_t file = 0; file < count; file++) {
		int descriptor = ((const int32_t *)descriptors.start)[file];
		int32_t *length = (int32_t *)lengths.start + file;
		*length = NOT_READ;
		if (!(wanted >> file & 1) || descriptor < 0)
			continue;
		ssize_t read = pread(descriptor, (uint8_t *)bytes.start + file * (size_t)room, room, 0);
		*length = read < 0 ? -errno : (int32_t)read;
	}
	return NULL;
}
