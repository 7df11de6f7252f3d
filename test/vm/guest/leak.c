// A leak that begins at once, small enough to be started a hundred times in an emulated machine:
// `leak CGROUP_DIRECTORY MIB_PER_SECOND DELAY_MS`. It moves itself there, waits, then touches memory at that pace until it is killed.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MIB (1024UL * 1024)
#define MOST_MIB 4096UL

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void pause_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

int main(int count, char **values)
{
	char path[4096];
	if (count != 4)
		return fprintf(stderr, "leak CGROUP_DIRECTORY MIB_PER_SECOND DELAY_MS\n"), 2;
	snprintf(path, sizeof(path), "%s/cgroup.procs", values[1]);
	FILE *procs = fopen(path, "w");
	if (!procs || fputs("0", procs) < 0 || fclose(procs))
		return perror(path), 1;
	volatile char *memory = mmap(NULL, MOST_MIB * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return perror("mmap"), 1;
	pause_ms(atol(values[3]));
	double rate = atof(values[2]) * MIB, start = now();
	for (unsigned long touched = 0; touched < MOST_MIB * MIB;) {
		unsigned long due = (unsigned long)((now() - start) * rate);
		for (; touched < due && touched < MOST_MIB * MIB; touched += 4096)
			memory[touched] = 1;
		pause_ms(5);
	}
	return 0;
}
