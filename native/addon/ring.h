// The consumer's side of a BPF ring buffer (Documentation/bpf/ringbuf.rst): two position pages, then the data mapped twice in a row,
// so that no record is ever torn.
#ifndef HEADROOM_RING_H
#define HEADROOM_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring {
	unsigned long *consumed; // ours to write
	const unsigned long *produced; // the kernel's; its data follow one page later
	const uint8_t *records;
	size_t page_bytes;
	size_t data_bytes;
};

/** @returns 0 or -errno */
int ring_open(struct ring *ring, int map_fd, size_t data_bytes);

void ring_close(struct ring *ring);

/**
 * Moves whole records into `batch`, each behind 8 bytes of which the first 4 are its length, and padded to 8.
 * @returns bytes filled; what did not fit stays in the ring
 */
size_t ring_drain(struct ring *ring, uint8_t *batch, size_t batch_bytes);

#endif
