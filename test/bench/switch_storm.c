// Two processes on one CPU that hand a byte back and forth: every hand-over is a context switch. For each number on stdin so many
// rounds, answered by the nanoseconds of one switch.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static void pass_on(int from, int to)
{
	char byte;
	if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
		exit(0);
}

int main(void)
{
	int there[2], back[2];
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (pipe(there) || pipe(back) || sched_setaffinity(0, sizeof(one), &one))
		return perror("set up"), 1;
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pass_on(there[0], back[1]);
	}
	long rounds;
	while (scanf("%ld", &rounds) == 1) {
		struct timespec start, end;
		clock_gettime(CLOCK_MONOTONIC, &start);
		for (long round = 0; round < rounds; round++) {
			char byte = 0;
			if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
				return perror("hand over"), 1;
		}
		clock_gettime(CLOCK_MONOTONIC, &end);
		double ns = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
		printf("%.1f\n", ns / rounds / 2);
		fflush(stdout);
	}
	kill(child, SIGKILL);
	return 0;
}
