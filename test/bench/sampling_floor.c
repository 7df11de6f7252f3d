// SPDX-License-Identifier: Apache-2.0
// The floor under the agent's sampling: the same files, kept open, read by pread at offset 0 and parsed for the same fields.
//
// stdin, first part, one line each, ended by an empty line:
//   join DIRECTORY...     a process that sleeps joins these cgroups (one a hierarchy)
//   KIND PATH             a file to read in every pass; KIND names its parser
// stdin, then: a number of passes a line. stdout: files opened; then `CPU-NS CHECKSUM` a line of passes.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 65536
#define MOST_KEYS 6
#define MOST_LIVE 1024
#define LIVE_BYTES (256 * 1024)

struct keys {
	const char *kind;
	int count;
	const char *names[MOST_KEYS];
};

/* kept in step with agent/cgroup/{cpu,memory}-stat.ts, memory-events.ts, v1-*.ts */
static const struct keys flat[] = {
	{ "cpu.stat", 6, { "usage_usec", "user_usec", "system_usec", "nr_periods", "nr_throttled", "throttled_usec" } },
	{ "memory.stat", 5, { "anon", "shmem", "inactive_file", "active_file", "workingset_refault_file" } },
	{ "memory.events", 4, { "high", "max", "oom", "oom_kill" } },
	{ "v1-cpu.stat", 3, { "nr_periods", "nr_throttled", "throttled_time" } },
	{ "v1-memory.stat", 6,
	  { "total_rss", "total_shmem", "total_inactive_file", "total_active_file", "total_workingset_refault_file", "total_swap" } },
	{ "v1-oom_control", 1, { "oom_kill" } },
};
#define FLAT_KINDS ((int)(sizeof(flat) / sizeof(flat[0])))
enum { VALUE = FLAT_KINDS, PAIR, PRESSURE, IO_STAT, V1_BLKIO };

struct file {
	int fd;
	int kind;
	uint64_t fields[MOST_KEYS];
};

static struct file files[MOST_FILES];
static int file_count;
static pid_t live[MOST_LIVE];
static int live_count;
static size_t key_length[FLAT_KINDS][MOST_KEYS];
static char buffer[1 << 16];

static const char *number(const char *at, const char *end, uint64_t *value)
{
	uint64_t sum = 0;
	while (at < end && *at >= '0' && *at <= '9')
		sum = sum * 10 + (uint64_t)(*at++ - '0');
	*value = sum;
	return at;
}

static void parse_flat(struct file *file, const char *at, const char *end)
{
	const struct keys *keys = &flat[file->kind];
	int missing = keys->count;
	while (at < end && missing > 0) {
		const char *start = at;
		while (at < end && *at > ' ')
			at++;
		for (int key = 0; key < keys->count; key++) {
			size_t length = key_length[file->kind][key];
			if ((size_t)(at - start) == length && memcmp(start, keys->names[key], length) == 0) {
				at = number(at + 1, end, &file->fields[key]);
				missing--;
				break;
			}
		}
		while (at < end && *at != '\n')
			at++;
		at++;
	}
}

static void parse_value(struct file *file, const char *at, const char *end)
{
	if (*at == 'm' || *at == '-')
		file->fields[0] = UINT64_MAX;
	else
		at = number(at, end, &file->fields[0]);
	if (file->kind == PAIR)
		number(memchr(at, ' ', (size_t)(end - at)) ? strchr(at, ' ') + 1 : end, end, &file->fields[1]);
}

static void parse_pressure(struct file *file, const char *at, const char *end)
{
	for (int line = 0; line < 2 && at < end; line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		const char *digits = stop ? stop : end;
		while (digits > at && digits[-1] >= '0' && digits[-1] <= '9')
			digits--;
		number(digits, end, &file->fields[*at == 's' ? 0 : 1]);
		at = stop ? stop + 1 : end;
	}
}

static void parse_io(struct file *file, const char *at, const char *end)
{
	const char *read_word = file->kind == IO_STAT ? "rbytes=" : "Read ";
	const char *write_word = file->kind == IO_STAT ? "wbytes=" : "Write ";
	uint64_t bytes;
	file->fields[0] = file->fields[1] = 0;
	while (at < end) {
		size_t left = (size_t)(end - at);
		if (left > 7 && memcmp(at, read_word, strlen(read_word)) == 0) {
			at = number(at + strlen(read_word), end, &bytes);
			file->fields[0] += bytes;
		} else if (left > 7 && memcmp(at, write_word, strlen(write_word)) == 0) {
			at = number(at + strlen(write_word), end, &bytes);
			file->fields[1] += bytes;
		}
		while (at < end && *at > ' ')
			at++;
		at++;
	}
}

static void pass(void)
{
	for (int index = 0; index < file_count; index++) {
		struct file *file = &files[index];
		ssize_t length = pread(file->fd, buffer, sizeof(buffer) - 1, 0);
		if (length < 0) {
			fprintf(stderr, "pread: %s\n", strerror(errno));
			exit(1);
		}
		buffer[length] = '\0';
		if (file->kind < FLAT_KINDS)
			parse_flat(file, buffer, buffer + length);
		else if (file->kind == PRESSURE)
			parse_pressure(file, buffer, buffer + length);
		else if (file->kind == IO_STAT || file->kind == V1_BLKIO)
			parse_io(file, buffer, buffer + length);
		else
			parse_value(file, buffer, buffer + length);
	}
}

static int kind_of(const char *name)
{
	static const char *const others[] = { "value", "pair", "pressure", "io.stat", "v1-blkio" };
	for (int kind = 0; kind < FLAT_KINDS; kind++)
		if (strcmp(flat[kind].kind, name) == 0)
			return kind;
	for (int other = 0; other < 5; other++)
		if (strcmp(others[other], name) == 0)
			return FLAT_KINDS + other;
	fprintf(stderr, "no parser for %s\n", name);
	exit(1);
}

static void join(char *directories)
{
	pid_t child = live_count < MOST_LIVE ? fork() : -1;
	if (child > 0)
		live[live_count++] = child;
	if (child != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (char *directory = strtok(directories, " "); directory; directory = strtok(NULL, " ")) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
		int fd = open(path, O_WRONLY);
		if (fd >= 0 && write(fd, "0", 1) < 0)
			_exit(1);
		close(fd);
	}
	void *memory = mmap(NULL, LIVE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory != MAP_FAILED)
		memset(memory, 1, LIVE_BYTES);
	for (;;)
		pause();
}

static void add_file(char *line)
{
	char *path = strchr(line, ' ');
	if (!path || file_count == MOST_FILES)
		return;
	*path++ = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	files[file_count].fd = fd;
	files[file_count++].kind = kind_of(line);
}

static uint64_t cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(void)
{
	static char line[65536];
	for (int kind = 0; kind < FLAT_KINDS; kind++)
		for (int key = 0; key < flat[kind].count; key++)
			key_length[kind][key] = strlen(flat[kind].names[key]);
	while (fgets(line, sizeof(line), stdin) && line[0] != '\n') {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "join ", 5) == 0)
			join(line + 5);
		else
			add_file(line);
	}
	printf("%d\n", file_count);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t start = cpu_ns(), checksum = 0;
		for (int passes = atoi(line); passes > 0; passes--)
			pass();
		uint64_t spent = cpu_ns() - start;
		for (int index = 0; index < file_count; index++)
			for (int field = 0; field < MOST_KEYS; field++)
				checksum += files[index].fields[field];
		printf("%llu %llu\n", (unsigned long long)spent, (unsigned long long)checksum);
		fflush(stdout);
	}
	for (int child = 0; child < live_count; child++)
		kill(live[child], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
