#include "javascript.h"
#include <stdio.h>
#include <string.h>
#include <uv.h>

bool take_arguments(napi_env env, napi_callback_info call, size_t wanted, napi_value values[MOST_ARGUMENTS])
{
	size_t count = MOST_ARGUMENTS;
	if (napi_get_cb_info(env, call, &count, values, NULL, NULL) == napi_ok && count >= wanted)
		return true;
	napi_throw_type_error(env, NULL, "too few arguments");
	return false;
}

bool take_text(napi_env env, napi_value value, char *text, size_t size)
{
	size_t length = 0;
	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok || length >= size) {
		napi_throw_type_error(env, NULL, "not a string, or too long");
		return false;
	}
	return napi_get_value_string_utf8(env, value, text, size, &length) == napi_ok;
}

bool take_number(napi_env env, napi_value value, double *number)
{
	if (napi_get_value_double(env, value, number) == napi_ok)
		return true;
	napi_throw_type_error(env, NULL, "not a number");
	return false;
}

void *take_handle(napi_env env, napi_value value, const napi_type_tag *tag)
{
	bool right = false;
	void *object = NULL;
	napi_valuetype type;
	if (napi_typeof(env, value, &type) == napi_ok && type == napi_external &&
	    napi_check_object_type_tag(env, value, tag, &right) == napi_ok && right &&
	    napi_get_value_external(env, value, &object) == napi_ok)
		return object;
	napi_throw_type_error(env, NULL, "not a handle of this kind");
	return NULL;
}

napi_value give_handle(napi_env env, void *object, napi_finalize finalize, const napi_type_tag *tag)
{
	napi_value value;
	if (napi_create_external(env, object, finalize, NULL, &value) != napi_ok)
		return NULL;
	napi_type_tag_object(env, value, tag);
	return value;
}

napi_value give_number(napi_env env, double number)
{
	napi_value value;
	napi_create_double(env, number, &value);
	return value;
}

static void set_text(napi_env env, napi_value object, const char *name, const char *text)
{
	napi_value value;
	if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok)
		napi_set_named_property(env, object, name, value);
}

napi_value throw_refusal(napi_env env, int error, const char *step, const char *log)
{
	char code[32], message[256], reason[128];
	napi_value text, code_value, refusal;
	int number = error < 0 ? error : -error;
	uv_err_name_r(number, code, sizeof(code));
	uv_strerror_r(number, reason, sizeof(reason));
	snprintf(message, sizeof(message), "%s: %s (%s)", step, reason, code);
	napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text);
	napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value);
	napi_create_error(env, code_value, text, &refusal);
	set_text(env, refusal, "step", step);
	set_text(env, refusal, "log", log);
	napi_throw(env, refusal);
	return NULL;
}
