/* Threads that cannot start: there is no room for the stack, there may be no further process, or
   the system call fails. The process goes on, and what was allocated for the threads that never
   were is not lost. */
#include "check.h"
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

static void *body(void *unused)
{
    free(malloc(1000));
    return unused;
}

static int start(size_t stack)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack)
        REQUIRE(pthread_attr_setstacksize(&attributes, stack) == 0);
    int error = pthread_create(&thread, &attributes, body, NULL);
    pthread_attr_destroy(&attributes);
    if (error == 0)
        pthread_join(thread, NULL);
    return error;
}

static int fails_without_loss(const char *why, size_t stack)
{
    CHECK(start(0) == 0 || stack == 0);
    if (start(stack) == 0)
        return 0;
    size_t before = 0;
    for (int turn = 0; turn < 6000; turn++) {
        int error = start(stack);
        CHECKF(error == EAGAIN || error == ENOMEM, "%s: %d", why, error);
        void *block = malloc(turn);
        CHECK(block != NULL);
        free(block);
        if (turn == 1000)
            before = resident_kib();
    }
    size_t after = resident_kib();
    CHECKF(after < before + 4 * KIB, "%s: %zu KiB became %zu KiB", why, before, after);
    return 1;
}

int main(void)
{
    CHECK(start(0) == 0);
    CHECK(fails_without_loss("no room for the stack", (size_t)1 << 46));

    pid_t forked = fork();
    REQUIRE(forked >= 0);
    if (forked == 0) {
        alarm(100);
        struct rlimit none = { 0, 0 };
        if (getuid() == 0 && (setgroups(0, NULL) != 0 || setgid(64321) != 0 || setuid(64321) != 0))
            _exit(0);
        REQUIRE(setrlimit(RLIMIT_NPROC, &none) == 0);
        /* Where the limit has no force, the next way will do. */
        fails_without_loss("no further process", 0);
        _exit(finish());
    }
    CHECK(ended_well(forked));

    forked = fork();
    REQUIRE(forked >= 0);
    if (forked == 0) {
        alarm(100);
        struct sock_filter steps[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 435 /* clone3 */, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { COUNT(steps), steps };
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            _exit(0);
        CHECK(fails_without_loss("clone fails", 0));
        _exit(finish());
    }
    CHECK(ended_well(forked));
    CHECK(start(0) == 0);
    return finish();
}
