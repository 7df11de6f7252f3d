#include "hook.h"
#include "../bpf/shared.h"
#include "hook_kinds.h"
#include "javascript.h"
#include "ring.h"
#include "watch.h"
#include <bpf/skel_internal.h>
#include <fcntl.h>

#define MOST_LOG_BYTES (256 * 1024)
#define MOST_EXACT 9007199254740991.0 // Number.MAX_SAFE_INTEGER

struct hook {
	struct watch watch;
	const struct hook_kind *kind;
	void *skeleton; // NULL once closed
	struct ring ring;
	napi_ref batch;
	uint8_t *batch_bytes;
	size_t batch_size;
	size_t capacity; // cgroups it has room for
	int link; // of an iterator
	int holders; // JavaScript's handle and libuv
};

static const napi_type_tag HOOK = {0x6865616472616f6dULL, 1};

static void let_go(struct hook *hook)
{
	if (--hook->holders == 0)
		free(hook);
}

static int map_fd(const struct hook *hook, size_t offset)
{
	return ((struct bpf_map_desc *)((char *)hook->skeleton + offset))->map_fd;
}

static void *variables(const struct hook *hook, size_t offset)
{
	return *(void **)((char *)hook->skeleton + offset);
}

/** Every descriptor and mapping goes; what JavaScript still maps (slots) goes with its last view. */
static void shut(struct hook *hook)
{
	if (!hook->skeleton)
		return;
	// First, while its descriptor is still this ring's: a number that another file got meanwhile must not be taken from the loop.
	watch_stop(&hook->watch);
	if (hook->link > 0)
		close(hook->link);
	ring_close(&hook->ring);
	hook->kind->destroy(hook->skeleton);
	hook->skeleton = NULL;
	if (hook->batch)
		napi_delete_reference(hook->watch.env, hook->batch);
	hook->batch = NULL;
	hook->batch_bytes = NULL;
}

static void on_finalize(napi_env env, void *object, void *hint)
{
	(void)env;
	(void)hint;
	shut(object);
	let_go(object);
}

static void on_end(struct watch *watch)
{
	shut((struct hook *)watch);
}

static void on_closed(struct watch *watch)
{
	let_go((struct hook *)watch);
}

/** One batch a turn of the loop: what is left makes the descriptor ready again at once, after other events had theirs. */
static void on_ready(struct watch *watch, int events)
{
	struct hook *hook = (struct hook *)watch;
	(void)events;
	if (!hook->skeleton)
		return;
	size_t filled = ring_drain(&hook->ring, hook->batch_bytes, hook->batch_size);
	if (filled > 0)
		watch_call(watch, (double)filled);
}

/** Sets constants that `knobs` names, and the size of the maps. */
static void configure(napi_env env, struct hook *hook, napi_value knobs)
{
	const struct hook_kind *kind = hook->kind;
	for (const struct knob *knob = kind->knobs; knob && knob->name; knob++) {
		bool given = false;
		napi_value value;
		double number;
		if (napi_has_named_property(env, knobs, knob->name, &given) != napi_ok || !given)
			continue;
		if (napi_get_named_property(env, knobs, knob->name, &value) == napi_ok &&
		    napi_get_value_double(env, value, &number) == napi_ok && number >= 0 && number <= MOST_EXACT)
			*(__u64 *)((char *)variables(hook, kind->read_only) + knob->offset) = (__u64)number;
	}
	if (kind->tracked)
		((struct bpf_map_desc *)((char *)hook->skeleton + kind->tracked))->max_entries = (__u32)hook->capacity;
	if (kind->slots)
		((struct bpf_map_desc *)((char *)hook->skeleton + kind->slots))->max_entries = (__u32)hook->capacity;
}

/** @param log NULL: none wanted. @returns 0 or -errno, then nothing is left open */
static int load(napi_env env, struct hook *hook, napi_value knobs, char *log)
{
	hook->skeleton = hook->kind->open();
	if (!hook->skeleton)
		return -ENOMEM;
	configure(env, hook, knobs);
	if (log) {
		struct bpf_loader_ctx *context = hook->skeleton;
		context->log_level = 1;
		context->log_size = MOST_LOG_BYTES;
		context->log_buf = (__u64)(long)log;
	}
	int error = hook->kind->load(hook->skeleton);
	if (!error)
		return 0;
	hook->kind->destroy(hook->skeleton);
	hook->skeleton = NULL;
	return error;
}

/** Loading says nothing but a number: once more, with the verifier's log, for the reason. */
static napi_value explain(napi_env env, struct hook *hook, napi_value knobs, int error)
{
	const char *step = load_step();
	char *log = calloc(1, MOST_LOG_BYTES);
	if (log && load(env, hook, knobs, log) == 0)
		shut(hook); // it works when asked twice: no reason to trust it
	throw_refusal(env, error, step, log ? log : "");
	free(log);
	free(hook);
	return NULL;
}

static int attach(struct hook *hook, const char *directory)
{
	if (hook->kind->attach)
		return hook->kind->attach(hook->skeleton);
	int root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	union bpf_iter_link_info what;
	union bpf_attr attributes;
	memset(&what, 0, sizeof(what));
	memset(&attributes, 0, sizeof(attributes));
	what.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE;
	what.cgroup.cgroup_fd = (__u32)root;
	attributes.link_create.prog_fd =
		(__u32)((struct bpf_prog_desc *)((char *)hook->skeleton + hook->kind->program))->prog_fd;
	attributes.link_create.attach_type = BPF_TRACE_ITER;
	attributes.link_create.iter_info = (__u64)(long)&what;
	attributes.link_create.iter_info_len = sizeof(what);
	int link = headroom_bpf(BPF_LINK_CREATE, &attributes);
	close(root);
	hook->link = link;
	return link < 0 ? link : 0;
}

static int listen_to(napi_env env, struct hook *hook, napi_value batch, napi_value callback)
{
	if (!hook->kind->events)
		return 0;
	int fd = map_fd(hook, hook->kind->events);
	int error = ring_open(&hook->ring, fd, hook->kind->ring_bytes);
	if (error)
		return error;
	napi_create_reference(env, batch, 1, &hook->batch);
	napi_get_arraybuffer_info(env, batch, (void **)&hook->batch_bytes, &hook->batch_size);
	hook->watch.ready = on_ready;
	hook->watch.end = on_end;
	hook->watch.closed = on_closed;
	error = watch_start(env, &hook->watch, fd, UV_READABLE, callback);
	if (!error)
		hook->holders++;
	return error;
}

/** openHook(name, knobs, capacity, directory, batch: ArrayBuffer, onBatch: (bytes) => void) */
napi_value hook_open(napi_env env, napi_callback_info call)
{
	napi_value values[MOST_ARGUMENTS];
	char name[32], directory[4096];
	double capacity;
	if (!take_arguments(env, call, 6, values) || !take_text(env, values[0], name, sizeof(name)) ||
	    !take_number(env, values[2], &capacity) || !take_text(env, values[3], directory, sizeof(directory)))
		return NULL;
	const struct hook_kind *kind = hook_kind(name);
	bool buffer = false;
	napi_is_arraybuffer(env, values[4], &buffer);
	if (!kind || !buffer || !(capacity >= 1 && capacity <= 1 << 20))
		return throw_refusal(env, EINVAL, "open a hook", "");
	struct hook *hook = calloc(1, sizeof(*hook));
	if (!hook)
		return throw_refusal(env, ENOMEM, "open a hook", "");
	hook->kind = kind;
	hook->capacity = (size_t)capacity;
	hook->holders = 1;
	hook->watch.env = env;
	int error = load(env, hook, values[1], NULL);
	if (error)
		return explain(env, hook, values[1], error);
	const char *step = "attach it";
	error = attach(hook, directory);
	if (!error) {
		step = "listen to it";
		error = listen_to(env, hook, values[4], values[5]);
	}
	if (error) {
		shut(hook);
		let_go(hook);
		return throw_refusal(env, error, step, "");
	}
	return give_handle(env, hook, on_finalize, &HOOK);
}

/** The hook of a call's first argument; throws when it is closed. */
static struct hook *open_hook(napi_env env, napi_value value)
{
	struct hook *hook = take_handle(env, value, &HOOK);
	if (hook && !hook->skeleton) {
		throw_refusal(env, EBADF, "use a closed hook", "");
		return NULL;
	}
	return hook;
}

/** track(hook, cgroup id, slot) */
napi_value hook_track(napi_env env, napi_callback_info call)
{
	napi_value values[MOST_ARGUMENTS];
	double id, slot;
	if (!take_arguments(env, call, 3, values) || !take_number(env, values[1], &id) ||
	    !take_number(env, values[2], &slot))
		return NULL;
	if (!(id >= 0 && id <= MOST_EXACT) || !(slot >= 0 && slot <= UINT32_MAX))
		return throw_refusal(env, EINVAL, "track a cgroup", "");
	struct hook *hook = open_hook(env, values[0]);
	if (!hook || !hook->kind->tracked)
		return NULL;
	__u64 key = (__u64)id;
	struct track track = {.slot = (__u32)slot};
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (__u32)map_fd(hook, hook->kind->tracked);
	attributes.key = (__u64)(long)&key;
	attributes.value = (__u64)(long)&track;
	int error = headroom_bpf(BPF_MAP_UPDATE_ELEM, &attributes);
	return error ? throw_refusal(env, error, "track a cgroup", "") : NULL;
}

/** untrack(hook, cgroup id): one that isn't tracked is none that has to go */
napi_value hook_untrack(napi_env env, napi_callback_info call)
{
	napi_value values[MOST_ARGUMENTS];
	double id;
	if (!take_arguments(env, call, 2, values) || !take_number(env, values[1], &id))
		return NULL;
	if (!(id >= 0 && id <= MOST_EXACT))
		return throw_refusal(env, EINVAL, "untrack a cgroup", "");
	struct hook *hook = open_hook(env, values[0]);
	if (!hook || !hook->kind->tracked)
		return NULL;
	__u64 key = (__u64)id;
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (__u32)map_fd(hook, hook->kind->tracked);
	attributes.key = (__u64)(long)&key;
	headroom_bpf(BPF_MAP_DELETE_ELEM, &attributes);
	return NULL;
}

/** counts(hook): [sent, limited, dropped], zeros for a hook without events */
napi_value hook_counts(napi_env env, napi_callback_info call)
{
	napi_value values[MOST_ARGUMENTS], result;
	if (!take_arguments(env, call, 1, values))
		return NULL;
	struct hook *hook = open_hook(env, values[0]);
	if (!hook)
		return NULL;
	static const struct counts NONE = {0, 0, 0};
	const struct counts *counts = hook->kind->counts ? variables(hook, hook->kind->counts) : &NONE;
	napi_create_array_with_length(env, 3, &result);
	napi_set_element(env, result, 0, give_number(env, (double)counts->sent));
	napi_set_element(env, result, 1, give_number(env, (double)counts->limited));
	napi_set_element(env, result, 2, give_number(env, (double)counts->dropped));
	return result;
}

static void unmap_slots(napi_env env, void *room, void *bytes)
{
	(void)env;
	munmap(room, (size_t)bytes);
}

/** slots(hook): the program's array as an ArrayBuffer over the kernel's own memory. Call it once. */
napi_value hook_slots(napi_env env, napi_callback_info call)
{
	napi_value values[MOST_ARGUMENTS], result;
	if (!take_arguments(env, call, 1, values))
		return NULL;
	struct hook *hook = open_hook(env, values[0]);
	if (!hook)
		return NULL;
	if (!hook->kind->slots)
		return throw_refusal(env, EINVAL, "map the slots of a hook that has none", "");
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = hook->capacity * hook->kind->slot_bytes;
	size_t mapped = (bytes + page - 1) / page * page;
	// Writable, because an array of JavaScript is: a stray write then spoils a number instead of ending the process.
	void *room = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd(hook, hook->kind->slots), 0);
	if (room == MAP_FAILED)
		return throw_refusal(env, errno, "map the slots", "");
	if (napi_create_external_arraybuffer(env, room, bytes, unmap_slots, (void *)mapped, &result) == napi_ok)
		return result;
	munmap(room, mapped);
	return throw_refusal(env, ENOTSUP, "show kernel memory to JavaScript", "");
}

/** walk(hook, pass): one walk of an iterator over all cgroups, which marks what it writes with the number of the pass */
napi_value hook_walk(napi_env env, napi_callback_info call)
{
	napi_value values[MOST_ARGUMENTS];
	double pass;
	if (!take_arguments(env, call, 2, values) || !take_number(env, values[1], &pass))
		return NULL;
	if (!(pass >= 0 && pass <= MOST_EXACT))
		return throw_refusal(env, EINVAL, "walk", "");
	struct hook *hook = open_hook(env, values[0]);
	if (!hook)
		return NULL;
	if (!hook->kind->pass)
		return throw_refusal(env, EINVAL, "walk with a hook that is no iterator", "");
	*(__u64 *)variables(hook, hook->kind->pass) = (__u64)pass;
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.iter_create.link_fd = (__u32)hook->link;
	int walk = headroom_bpf(BPF_ITER_CREATE, &attributes);
	if (walk < 0)
		return throw_refusal(env, walk, "begin a walk", "");
	char nothing[64];
	ssize_t length;
	do
		length = read(walk, nothing, sizeof(nothing));
	while (length > 0 || (length < 0 && (errno == EINTR || errno == EAGAIN)));
	int error = length < 0 ? errno : 0;
	close(walk);
	return error ? throw_refusal(env, error, "walk over the cgroups", "") : NULL;
}

/** closeHook(hook): again does nothing */
napi_value hook_close(napi_env env, napi_callback_info call)
{
	napi_value values[MOST_ARGUMENTS];
	if (!take_arguments(env, call, 1, values))
		return NULL;
	struct hook *hook = take_handle(env, values[0], &HOOK);
	if (hook)
		shut(hook);
	return NULL;
}
