// SPDX-License-Identifier: Apache-2.0 OR MIT
// Lets a guest run under qemu-riscv64 as a Linux program: an oracle for guests that shares no code
// with our machine. Linked into a guest with -e qemu_start, it maps what the machine would have
// mapped, reads one input record from standard input, and at the end writes the 256 output bytes
// to standard output. The UART is plain memory here: nothing is printed.
#include <stddef.h>
#include <stdint.h>

extern uint64_t zisk_input[];
extern uint8_t zisk_output[], zisk_uart[];
extern char __heap_bottom[], __heap_top[];
_Noreturn void _start(void);
_Noreturn void qemu_start(void);
_Noreturn void _exit(int code);

enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT = 93, SYS_MMAP = 222 };
enum { INPUT_BYTES = 256 << 20, PAGE = 4096, SYSTEM_BYTES = 0x30000 };

static long call(long number, long a, long b, long c, long d)
{
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = -1; // no file
    register long a5 __asm__("a5") = 0;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                     : "memory");
    return a0;
}

_Noreturn void _exit(int code)
{
    call(SYS_WRITE, 1, (long)zisk_output, 256, 0);
    for (;;)
        call(SYS_EXIT, code, 0, 0, 0);
}

static void map(uintptr_t from, uintptr_t to)
{
    const long protection = 3, private_anonymous_fixed_noreserve = 0x4000 | 0x20 | 0x10 | 2;
    if (call(SYS_MMAP, (long)from, (long)(to - from), protection,
             private_anonymous_fixed_noreserve) != (long)from)
        call(SYS_EXIT, 120, 0, 0, 0);
}

_Noreturn void qemu_start(void)
{
    const uintptr_t system = (uintptr_t)zisk_uart & ~(uintptr_t)0xffff;
    map((uintptr_t)zisk_input, (uintptr_t)zisk_input + INPUT_BYTES);
    map(system, system + SYSTEM_BYTES);
    map(((uintptr_t)__heap_bottom + PAGE - 1) & ~(uintptr_t)(PAGE - 1), (uintptr_t)__heap_top);
    uint8_t *at = (uint8_t *)(zisk_input + 2);
    for (;;) {
        const long n = call(SYS_READ, 0, (long)at, INPUT_BYTES - PAGE, 0);
        if (n <= 0)
            break;
        at += n;
        zisk_input[1] += (uint64_t)n;
    }
    _start();
}
