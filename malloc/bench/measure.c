/* measure: runs a program and tells how long it took and how much memory it had at its peak.
 *
 *     measure FD LIBRARY PROGRAM [ARGUMENT...]
 *
 * A child of the script itself would not do: Linux counts a process's peak of memory from before its
 * exec on, so that the peak of a small program would be the size of the Python that started it. This
 * program is small, so its children begin small. The peak is that of the largest process among the
 * program and those of its descendants that were waited for, which is how a compiler's is found.
 *
 * LIBRARY goes into LD_PRELOAD of the program alone; "-" for none. What is measured goes to the file
 * descriptor FD: nanoseconds, peak in KiB, exit status (minus the signal's number, if one ended it).
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    int fd = atoi(argv[1]);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pid_t child = fork();
    if (child < 0) return 2;
    if (!child) {
        close(fd);
        if (strcmp(argv[2], "-")) setenv("LD_PRELOAD", argv[2], 1);
        execvp(argv[3], argv + 3);
        perror(argv[3]);
        _exit(127);
    }
    int status;
    struct rusage used;
    if (wait4(child, &status, 0, &used) != child) return 2;
    clock_gettime(CLOCK_MONOTONIC, &end);
    long long took = (end.tv_sec - start.tv_sec) * 1000000000ll + (end.tv_nsec - start.tv_nsec);
    dprintf(fd, "%lld %ld %d\n", took, used.ru_maxrss,
            WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
    return 0;
}
