/* Preloaded into a redis-server: its date is the system's plus what stands in a file, so
 * that a test can move the clock of a server that runs. The file has one signed 64-bit
 * number of microseconds, in the machine's byte order; FLEET_CLOCK names it. It is mapped
 * once and read at each call.
 *
 * The time is asked for by a system call: looking the real function up with dlsym() would
 * allocate, and an allocator that asks for the time while it starts would not return. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MICROS 1000000

static const volatile int64_t *shift;

__attribute__((constructor)) static void map_file(void)
{
    const char *name = getenv("FLEET_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED)
        abort(); /* a server with the right date would pass for one with the wrong date */
    shift = mapped;
}

static int64_t shifted_micros(void)
{
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MICROS + now.tv_nsec / 1000 + (shift ? *shift : 0);
}

int gettimeofday(struct timeval *restrict result, void *restrict zone)
{
    int64_t now = shifted_micros();
    (void)zone;
    result->tv_sec = now / MICROS;
    result->tv_usec = now % MICROS;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *result)
{
    if (clock != CLOCK_REALTIME)
        return syscall(SYS_clock_gettime, clock, result);
    int64_t now = shifted_micros();
    result->tv_sec = now / MICROS;
    result->tv_nsec = now % MICROS * 1000;
    return 0;
}

time_t time(time_t *result)
{
    time_t now = shifted_micros() / MICROS;
    if (result)
        *result = now;
    return now;
}
