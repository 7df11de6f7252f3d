// The programs that are built in, one light skeleton each, behind one face: open, set its constants, load, attach.
#ifndef HEADROOM_HOOK_KINDS_H
#define HEADROOM_HOOK_KINDS_H

#include <stddef.h>

struct knob {
	const char *name; // a constant of the program, an unsigned 64-bit number
	size_t offset; // in its read-only variables
};

/** Offsets into the skeleton; 0: it has none. Every skeleton begins with its loader's context. */
struct hook_kind {
	const char *name;
	void *(*open)(void);
	int (*load)(void *skeleton);
	int (*attach)(void *skeleton); // NULL: an iterator, attached to a directory
	void (*destroy)(void *skeleton);
	size_t program;
	size_t events;
	size_t ring_bytes;
	size_t tracked;
	size_t slots;
	size_t slot_bytes;
	size_t read_only;
	size_t counts; // pointer to variables that begin with a struct counts
	size_t pass; // pointer to variables that begin with the number of the walk
	const struct knob *knobs; // ends with a nameless one
};

/** @returns NULL when there is no such program */
const struct hook_kind *hook_kind(const char *name);

/** What the last load that failed was at. */
const char *load_step(void);

#endif
