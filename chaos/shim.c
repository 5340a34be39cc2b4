/* Failing disks and a clock that jumps, for processes that preload this library.

   The words of the file in CHAOS_CONTROL, which may change at any time: calls in a million that
   fail while reading, writing and syncing, writes in a million that find the disk full, and the
   milliseconds by which the clock is wrong. Only files below CHAOS_ROOT fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
    volatile uint32_t reads, writes, syncs, full;
    volatile int64_t clock_ms;
};

static const struct control *control;
static const char *root;
static size_t root_length;
static __thread uint64_t state;
static __thread pid_t owner;

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("CHAOS_CONTROL");
    root = getenv("CHAOS_ROOT");
    if (path == NULL || root == NULL)
        return;
    root_length = strlen(root);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    void *page = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED)
        control = page;
}

static int real_time(clockid_t clock, struct timespec *at)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    return real(clock, at);
}

static uint32_t draw(void)
{
    if (owner != getpid()) {
        struct timespec at;
        owner = getpid();
        real_time(CLOCK_MONOTONIC, &at);
        state = ((uint64_t)owner << 32) ^ (uint64_t)at.tv_nsec ^ 0x9e3779b97f4a7c15u;
    }
    /* xorshift64* of Vigna, "An experimental exploration of Marsaglia's xorshift generators" */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545f4914f6cdd1du) >> 32) % 1000000u;
}

static int below_root(int file)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path);
    return length > (ssize_t)root_length && memcmp(path, root, root_length) == 0;
}

static int fails(uint32_t rate, int file)
{
    return rate != 0 && draw() < rate && below_root(file);
}

static int write_fails(int file)
{
    if (control == NULL)
        return 0;
    if (fails(control->full, file)) {
        errno = ENOSPC;
        return 1;
    }
    if (fails(control->writes, file)) {
        errno = EIO;
        return 1;
    }
    return 0;
}

static int read_fails(int file)
{
    if (control == NULL || !fails(control->reads, file))
        return 0;
    errno = EIO;
    return 1;
}

static int sync_fails(int file)
{
    if (control == NULL || !fails(control->syncs, file))
        return 0;
    errno = EIO;
    return 1;
}

#define REPLACE(type, name, parameters, arguments, failing)            \
    type name parameters                                               \
    {                                                                  \
        static type(*real) parameters;                                 \
        if (real == NULL)                                              \
            real = dlsym(RTLD_NEXT, #name);                            \
        if (failing(file))                                             \
            return -1;                                                 \
        return real arguments;                                         \
    }

REPLACE(ssize_t, write, (int file, const void *data, size_t size), (file, data, size), write_fails)
REPLACE(ssize_t, pwrite, (int file, const void *data, size_t size, off_t at),
        (file, data, size, at), write_fails)
REPLACE(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at),
        (file, data, size, at), write_fails)
REPLACE(ssize_t, read, (int file, void *data, size_t size), (file, data, size), read_fails)
REPLACE(ssize_t, pread, (int file, void *data, size_t size, off_t at),
        (file, data, size, at), read_fails)
REPLACE(ssize_t, pread64, (int file, void *data, size_t size, off64_t at),
        (file, data, size, at), read_fails)
REPLACE(int, fsync, (int file), (file), sync_fails)
REPLACE(int, fdatasync, (int file), (file), sync_fails)

int clock_gettime(clockid_t clock, struct timespec *at)
{
    int result = real_time(clock, at);
    if (result == 0 && clock == CLOCK_REALTIME && control != NULL) {
        int64_t shift = control->clock_ms;
        at->tv_sec += shift / 1000;
        at->tv_nsec += (shift % 1000) * 1000000;
        if (at->tv_nsec < 0) {
            at->tv_nsec += 1000000000;
            at->tv_sec -= 1;
        } else if (at->tv_nsec >= 1000000000) {
            at->tv_nsec -= 1000000000;
            at->tv_sec += 1;
        }
    }
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at != NULL)
        *at = now.tv_sec;
    return now.tv_sec;
}
