// SPDX-License-Identifier: Apache-2.0 OR MIT
// Control of the emulated tests: shows that an instruction above the tier of the emulated machine
// is illegal there, so that a test which passes has used none. For each tier above ZISK_TEST_TIER
// its instructions must raise SIGILL; the others must run.
#include "base/cpu.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sigjmp_buf after_trap;

static void on_illegal(int signal_number)
{
    (void)signal_number;
    siglongjmp(after_trap, 1);
}

static void run_avx(void)
{
    __asm__ volatile("vaddpd %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
}

static void run_avx2(void)
{
    __asm__ volatile("vpaddq %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
}

static void run_bmi2(void)
{
    __asm__ volatile("mulx %%rax, %%rcx, %%rdx" ::: "rcx", "rdx");
}

static void run_avx512f(void)
{
    __asm__ volatile("vpaddq %%zmm0, %%zmm0, %%zmm0" ::: "xmm0");
}

static void run_avx512ifma(void)
{
    __asm__ volatile("vpmadd52luq %%zmm0, %%zmm0, %%zmm0" ::: "xmm0");
}

static const struct {
    const char *name;
    cpu_tier tier;
    void (*run)(void);
} instructions[] = {
    {"avx", CPU_AVX2, run_avx},
    {"avx2", CPU_AVX2, run_avx2},
    {"bmi2", CPU_AVX2, run_bmi2},
    {"avx512f", CPU_AVX512, run_avx512f},
    {"avx512ifma", CPU_AVX512, run_avx512ifma},
};

int main(void)
{
    const char *name = getenv("ZISK_TEST_TIER");
    volatile int wrong = name == NULL;
    struct sigaction action = {.sa_handler = on_illegal, .sa_flags = SA_NODEFER};
    sigaction(SIGILL, &action, NULL);
    for (volatile size_t i = 0; i < sizeof instructions / sizeof instructions[0] && !wrong; i++) {
        volatile bool trapped = false;
        if (sigsetjmp(after_trap, 1) == 0)
            instructions[i].run();
        else
            trapped = true;
        cpu_tier machine = strcmp(name, "scalar") == 0 ? CPU_SCALAR : CPU_AVX2;
        wrong = trapped != (instructions[i].tier > machine);
        printf("%s: %s%s\n", instructions[i].name, trapped ? "illegal" : "runs",
               wrong ? ", but must not" : "");
    }
    return wrong;
}
