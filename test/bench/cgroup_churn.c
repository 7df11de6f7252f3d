// Makes and removes one cgroup over and over: `cgroup_churn DIRECTORY EVENTS_PER_SECOND SECONDS`. Says how many events that made.
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count, char **values)
{
	if (count != 4)
		return fprintf(stderr, "cgroup_churn DIRECTORY EVENTS_PER_SECOND SECONDS\n"), 2;
	double rate = atof(values[2]), start = now(), end = start + atof(values[3]);
	long events = 0;
	while (now() < end) {
		if (mkdir(values[1], 0755) || rmdir(values[1]))
			return perror(values[1]), 1;
		events += 2;
		// Paced by single events, so that bursts are the scheduler's alone.
		double ahead = start + events / rate - now();
		if (ahead > 0)
			usleep((useconds_t)(ahead * 1e6));
	}
	printf("%ld\n", events);
	return 0;
}
