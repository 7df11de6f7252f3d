// Pods of one container and one short process, made and removed as fast as the machine can, while another process sets PSI triggers on
// those it finds: a trigger that is written while its cgroup is being removed (docs/adr/0010-native-addon.md, "What crashed the guest").
// `psi-race SECONDS TRIGGERS`: counts as lines of JSON; with 0 for TRIGGERS the pods come and go alone.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KUBEPODS "/sys/fs/cgroup/kubepods"
#define PODS KUBEPODS "/burstable"
#define MAKERS 2
/** Pods of one maker at a time: of so many that the setter walks over, one is going. */
#define ALIVE 32L
#define MOST_TRIGGERS 64
/** A cgroup may be busy for a moment after its last process was reaped: runtimes try again as well. */
#define MOST_RETRIES 2000
/** A kernel may crash within a second of the first trigger. */
#define TICKS_PER_S 5
#define TRIGGER "some 50000 500000"

/** `gone`: triggers refused because their pod was; `errors`: whatever else failed, the first of which is told. */
static struct {
	long removed, triggers, gone, errors;
} *counts;

static void add(long *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

static void failed(const char *path)
{
	if (__atomic_fetch_add(&counts->errors, 1, __ATOMIC_RELAXED) == 0)
		perror(path);
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[400];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0 || write(file, text, strlen(text)) < 0)
		failed(path);
	close(file);
}

static void make_parent(const char *directory)
{
	if (mkdir(directory, 0755) && errno != EEXIST)
		failed(directory);
	write_file(directory, "cgroup.subtree_control", "+cpu +memory +pids +io");
}

static int is_removed(const char *directory)
{
	for (int tries = 0; rmdir(directory) && errno == EBUSY && tries < MOST_RETRIES; tries++)
		usleep(500);
	return access(directory, F_OK) ? 1 : (failed(directory), 0);
}

static void make_pods(int maker)
{
	char pod[100], container[200];
	for (long number = 0;; number++) {
		snprintf(pod, sizeof(pod), PODS "/pod%08lx-0b1f-4a44-9d1e-%012d", number, maker);
		snprintf(container, sizeof(container), "%s/%064lx", pod, number);
		make_parent(pod);
		if (mkdir(container, 0755))
			failed(container);
		pid_t child = fork();
		if (child == 0)
			write_file(container, "cgroup.procs", "0"), _exit(0);
		if (child < 0 || waitpid(child, NULL, 0) != child)
			failed("fork");
		if (number < ALIVE)
			continue;
		snprintf(pod, sizeof(pod), PODS "/pod%08lx-0b1f-4a44-9d1e-%012d", number - ALIVE, maker);
		snprintf(container, sizeof(container), "%s/%064lx", pod, number - ALIVE);
		if (is_removed(container) && is_removed(pod))
			add(&counts->removed);
	}
}

/** @returns its file, -1: there is none */
static int set_trigger(const char *pod)
{
	char path[400];
	snprintf(path, sizeof(path), PODS "/%s/memory.pressure", pod);
	int file = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (file >= 0 && write(file, TRIGGER, sizeof(TRIGGER)) > 0)
		add(&counts->triggers);
	else if (errno == ENOENT || errno == ENODEV)
		add(&counts->gone);
	else
		failed(path);
	return file;
}

/** Holds the newest, so that most pods are removed with theirs. */
static void set_triggers(int at)
{
	int files[MOST_TRIGGERS];
	DIR *pods = opendir(PODS);
	memset(files, -1, sizeof(files));
	for (; pods; rewinddir(pods))
		for (struct dirent *entry; (entry = readdir(pods));) {
			if (strncmp(entry->d_name, "pod", 3))
				continue;
			int file = set_trigger(entry->d_name), *oldest = &files[at++ % MOST_TRIGGERS];
			close(*oldest);
			*oldest = file;
		}
}

static void start(void (*run)(int), int number)
{
	if (fork() == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
		run(number), _exit(1);
}

int main(int count, char **values)
{
	if (count != 3)
		return fprintf(stderr, "psi-race SECONDS TRIGGERS\n"), 2;
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return perror("mmap"), 1;
	make_parent(KUBEPODS);
	make_parent(PODS);
	for (int maker = 0; maker < MAKERS; maker++)
		start(make_pods, maker);
	if (atoi(values[2]))
		start(set_triggers, 0);
	for (int tick = 1; tick <= atoi(values[1]) * TICKS_PER_S; tick++) {
		usleep(1000000 / TICKS_PER_S);
		printf("{\"seconds\":%.1f,\"removed\":%ld,\"triggers\":%ld,\"gone\":%ld,\"errors\":%ld}\n",
		       (double)tick / TICKS_PER_S, counts->removed, counts->triggers, counts->gone, counts->errors);
		fflush(stdout);
	}
	return 0;
}
