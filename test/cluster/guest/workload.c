// What the test pods run, one static program: workload [pause | hold MIB | leak START_MIB MIB_PER_S MOST_MIB [AFTER_S] |
// burn PERMILLE_OF_A_CPU | read FOLDER MIB | tell release]. Without arguments it is the sandbox's pause process.
// SIGUSR2 (what `tell release` sends to process 1) frees what was taken; SIGTERM ends it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1L << 20)
#define MOST_BLOCKS 65536
#define PERIOD_S 0.1
#define STEP_US 20000

static void *blocks[MOST_BLOCKS];
static long taken_mib;
static volatile sig_atomic_t asked_to_release;

static void on_end(int signal)
{
	(void)signal;
	_exit(0);
}

static void on_release(int signal)
{
	(void)signal;
	asked_to_release = 1;
}

// Process 1 of a sandbox inherits what its containers leave behind.
static void on_child(int signal)
{
	(void)signal;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static double now_s(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

static void say(const char *what)
{
	printf("%s %ld MiB\n", what, taken_mib);
	fflush(stdout);
}

static void take_to(long mib)
{
	for (; taken_mib < mib && taken_mib < MOST_BLOCKS; taken_mib++) {
		void *block = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (block == MAP_FAILED) {
			perror("mmap");
			exit(1);
		}
		memset(block, 1 + taken_mib % 250, MIB);
		blocks[taken_mib] = block;
	}
}

static void release_when_asked(void)
{
	if (!asked_to_release)
		return;
	asked_to_release = 0;
	while (taken_mib > 0)
		munmap(blocks[--taken_mib], MIB);
	say("released, holds");
}

static void hold(long mib)
{
	take_to(mib);
	say("holds");
	for (;;) {
		usleep(STEP_US);
		release_when_asked();
	}
}

static void leak(long start_mib, double mib_per_s, long most_mib, double after_s)
{
	take_to(start_mib);
	say("starts with");
	usleep(after_s * 1e6);
	double began_s = now_s();
	say("leaks from");
	while (taken_mib < most_mib) {
		usleep(STEP_US);
		long wanted = start_mib + (now_s() - began_s) * mib_per_s;
		take_to(wanted < most_mib ? wanted : most_mib);
	}
	say("stopped leaking at");
	hold(most_mib);
}

static void burn(double share)
{
	for (;;) {
		double began_s = now_s();
		while (now_s() - began_s < PERIOD_S * share)
			;
		usleep(PERIOD_S * (1 - share) * 1e6);
	}
}

// Over and over: page cache that fills the limit and that nobody needs.
static void read_files(const char *folder, long mib)
{
	static char block[MIB];
	char path[4096];
	snprintf(path, sizeof path, "%s/big", folder);
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file < 0) {
		perror(path);
		exit(1);
	}
	for (long written = 0; written < mib; written++) {
		if (write(file, block, MIB) != MIB) {
			perror("write");
			exit(1);
		}
	}
	fsync(file);
	say("reads, holds");
	for (;;) {
		lseek(file, 0, SEEK_SET);
		// Half of the time at most: an emulated machine has two CPUs, and the other pods are to be measured.
		for (;;) {
			double began = now_s();
			if (read(file, block, MIB) <= 0)
				break;
			usleep(1000 + (useconds_t)(1e6 * (now_s() - began)));
		}
	}
}

int main(int count, char **words)
{
	const char *what = count > 1 ? words[1] : "pause";
	struct sigaction end = {.sa_handler = on_end}, release = {.sa_handler = on_release}, child = {.sa_handler = on_child};
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGUSR2, &release, NULL);
	sigaction(SIGCHLD, &child, NULL);
	if (strcmp(what, "hold") == 0 && count > 2)
		hold(atol(words[2]));
	else if (strcmp(what, "leak") == 0 && count > 4)
		leak(atol(words[2]), atof(words[3]), atol(words[4]), count > 5 ? atof(words[5]) : 0);
	else if (strcmp(what, "burn") == 0 && count > 2)
		burn(atof(words[2]) / 1000);
	else if (strcmp(what, "read") == 0 && count > 3)
		read_files(words[2], atol(words[3]));
	else if (strcmp(what, "tell") == 0 && count > 2)
		return kill(1, SIGUSR2);
	else if (strcmp(what, "pause") == 0)
		for (;;)
			pause();
	fprintf(stderr, "workload: can't %s\n", what);
	return 2;
}
