#include "ring.h"
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int ring_open(struct ring *ring, int map_fd, size_t data_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	void *producer = mmap(NULL, page + 2 * data_bytes, PROT_READ, MAP_SHARED, map_fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int error = -errno;
		munmap(consumer, page);
		return error;
	}
	*ring = (struct ring){
		.consumed = consumer,
		.produced = producer,
		.records = (const uint8_t *)producer + page,
		.page_bytes = page,
		.data_bytes = data_bytes,
	};
	return 0;
}

void ring_close(struct ring *ring)
{
	if (!ring->consumed)
		return;
	munmap(ring->consumed, ring->page_bytes);
	munmap((void *)ring->produced, ring->page_bytes + 2 * ring->data_bytes);
	ring->consumed = NULL;
}

static size_t padded(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

size_t ring_drain(struct ring *ring, uint8_t *batch, size_t batch_bytes)
{
	size_t filled = 0;
	unsigned long at = __atomic_load_n(ring->consumed, __ATOMIC_RELAXED);
	unsigned long end = __atomic_load_n(ring->produced, __ATOMIC_ACQUIRE);
	while (at < end) {
		const uint8_t *record = ring->records + (at & (ring->data_bytes - 1));
		uint32_t header = __atomic_load_n((const uint32_t *)record, __ATOMIC_ACQUIRE);
		if (header & BPF_RINGBUF_BUSY_BIT)
			break; // still being written: its end wakes us
		uint32_t length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		size_t room = BPF_RINGBUF_HDR_SZ + padded(length);
		if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
			if (filled + room > batch_bytes)
				break;
			memcpy(batch + filled, &length, sizeof(length));
			memcpy(batch + filled + BPF_RINGBUF_HDR_SZ, record + BPF_RINGBUF_HDR_SZ, length);
			filled += room;
		}
		at += room;
		__atomic_store_n(ring->consumed, at, __ATOMIC_RELEASE);
	}
	return filled;
}
