// cgroup_watch [--each MS FILE] [FILE...]: a line "<Unix ms> <FILE> <first line of it>" at the start and each time a process writes the file.
// inotify: of a cgroup file it tells what its writers do (kernfs), at once. What the kernel itself changes is read every MS milliseconds, and the line ends
// with " +<ms>": how long the reading took, which was over at the line's instant.
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 512

static int watches[MOST_FILES];

static struct timespec now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_REALTIME, &at);
	return at;
}

static void show(const char *path, int polled)
{
	char text[256] = "";
	struct timespec began = now();
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0) {
		ssize_t length = read(file, text, sizeof text - 1);
		text[length > 0 ? length : 0] = '\0';
		close(file);
	}
	text[strcspn(text, "\n")] = '\0';
	struct timespec at = now();
	printf("%lld.%03ld %s %s", at.tv_sec * 1000LL + at.tv_nsec / 1000000, at.tv_nsec / 1000 % 1000, path, text);
	if (polled)
		printf(" +%.3f", (at.tv_sec - began.tv_sec) * 1e3 + (at.tv_nsec - began.tv_nsec) / 1e6);
	printf("\n");
	fflush(stdout);
}

static void show_written(int queue, char **paths, int count)
{
	char events[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t length = read(queue, events, sizeof events);
	if (length <= 0)
		exit(1);
	for (char *at = events; at < events + length;) {
		const struct inotify_event *event = (const struct inotify_event *)at;
		for (int i = 0; i < count; i++)
			if (event->wd == watches[i] && (event->mask & IN_MODIFY))
				show(paths[i], 0);
		at += sizeof *event + event->len;
	}
}

int main(int count, char **words)
{
	int each_ms = -1, first = 1;
	const char *polled = NULL;
	if (count > 3 && strcmp(words[1], "--each") == 0) {
		each_ms = atoi(words[2]);
		polled = words[3];
		first = 4;
	}
	// Without files that are written no notification is wanted, which there may be none of; poll(2) passes by a descriptor below 0.
	int notified = first < count;
	struct pollfd queue = {.fd = notified ? inotify_init1(IN_CLOEXEC) : -1, .events = POLLIN};
	if ((notified && queue.fd < 0) || count > MOST_FILES) {
		fprintf(stderr, "cgroup_watch: no inotify instance or too many files\n");
		return 1;
	}
	for (int i = first; i < count; i++) {
		watches[i - first] = inotify_add_watch(queue.fd, words[i], IN_MODIFY);
		show(words[i], 0);
	}
	for (;;) {
		int ready = poll(&queue, 1, each_ms);
		if (ready < 0)
			return 1;
		if (ready > 0)
			show_written(queue.fd, words + first, count - first);
		else
			show(polled, 1);
	}
}
