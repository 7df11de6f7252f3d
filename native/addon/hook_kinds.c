#include "hook_kinds.h"
#include "../bpf/shared.h"
#include <bpf/skel_internal.h>

#include "../bpf/generated/cgroup_life.lskel.h"
#include "../bpf/generated/memory_alarm.lskel.h"
#include "../bpf/generated/oom_begin.lskel.h"
#include "../bpf/generated/oom_victim.lskel.h"
#include "../bpf/generated/oom_victim_fentry.lskel.h"
#include "../bpf/generated/run_queue.lskel.h"
#include "../bpf/generated/sampler.lskel.h"
#include "../bpf/generated/sampler_6_1.lskel.h"
#include "../bpf/generated/throttle.lskel.h"

#define FACE(hook)                                                                                                     \
	static void *hook##_open(void)                                                                                 \
	{                                                                                                              \
		return hook##__open();                                                                                 \
	}                                                                                                              \
	static int hook##_load(void *skeleton)                                                                         \
	{                                                                                                              \
		return hook##__load(skeleton);                                                                         \
	}                                                                                                              \
	static int hook##_attach(void *skeleton)                                                                       \
	{                                                                                                              \
		return hook##__attach(skeleton);                                                                       \
	}                                                                                                              \
	static void hook##_destroy(void *skeleton)                                                                     \
	{                                                                                                              \
		hook##__destroy(skeleton);                                                                             \
	}

FACE(cgroup_life)
FACE(memory_alarm)
FACE(oom_begin)
FACE(oom_victim)
FACE(oom_victim_fentry)
FACE(run_queue)
FACE(sampler)
FACE(sampler_6_1)
FACE(throttle)

#define NAMED(hook) .name = #hook, .open = hook##_open, .load = hook##_load, .destroy = hook##_destroy
#define ATTACHED(hook) NAMED(hook), .attach = hook##_attach
#define EVENTS(hook, bytes) .events = offsetof(struct hook, maps.events), .ring_bytes = (bytes), \
	.counts = offsetof(struct hook, bss)
#define TRACKED(hook) .tracked = offsetof(struct hook, maps.tracked)
#define SLOTS(hook, type) .slots = offsetof(struct hook, maps.slots), .slot_bytes = sizeof(type)
#define KNOBS(hook, ...) .read_only = offsetof(struct hook, rodata), .knobs = (const struct knob[]){__VA_ARGS__, {NULL, 0}}
#define KNOB(hook, constant) {#constant, offsetof(struct hook##__rodata, constant)}
#define WALK(hook) .program = offsetof(struct hook, progs.hook), .pass = offsetof(struct hook, bss)

// As the programs say: RING_BYTES.
#define RING 65536

static const struct hook_kind KINDS[] = {
	{ATTACHED(cgroup_life), EVENTS(cgroup_life, 1 << 20)},
	{ATTACHED(memory_alarm), EVENTS(memory_alarm, RING), TRACKED(memory_alarm),
	 KNOBS(memory_alarm, KNOB(memory_alarm, percent), KNOB(memory_alarm, check_ns), KNOB(memory_alarm, interval_ns),
	       KNOB(memory_alarm, numa_nodes))},
	{ATTACHED(oom_begin), EVENTS(oom_begin, RING), TRACKED(oom_begin),
	 KNOBS(oom_begin, KNOB(oom_begin, interval_ns), KNOB(oom_begin, numa_nodes))},
	{ATTACHED(oom_victim), EVENTS(oom_victim, RING), TRACKED(oom_victim)},
	{ATTACHED(oom_victim_fentry), EVENTS(oom_victim_fentry, RING), TRACKED(oom_victim_fentry)},
	{ATTACHED(run_queue), TRACKED(run_queue), SLOTS(run_queue, struct run_queue_slot),
	 KNOBS(run_queue, KNOB(run_queue, threshold_ns))},
	{NAMED(sampler), WALK(sampler), TRACKED(sampler), SLOTS(sampler, struct sample_slot),
	 KNOBS(sampler, KNOB(sampler, numa_nodes))},
	{NAMED(sampler_6_1), WALK(sampler_6_1), TRACKED(sampler_6_1), SLOTS(sampler_6_1, struct sample_slot),
	 KNOBS(sampler_6_1, KNOB(sampler_6_1, numa_nodes))},
	{ATTACHED(throttle), EVENTS(throttle, RING), TRACKED(throttle), KNOBS(throttle, KNOB(throttle, interval_ns))},
};

const struct hook_kind *hook_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++)
		if (strcmp(KINDS[i].name, name) == 0)
			return &KINDS[i];
	return NULL;
}

const char *load_step(void)
{
	return headroom_step;
}
