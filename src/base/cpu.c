// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/cpu.h"

#include <cpuid.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TIER_UNKNOWN = -1 };

static atomic_int detected = TIER_UNKNOWN;
static atomic_int current = TIER_UNKNOWN;

static const char *const tier_names[CPU_TIER_COUNT] = {
    [CPU_SCALAR] = "scalar",
    [CPU_AVX2] = "avx2",
    [CPU_AVX512] = "avx512",
};

// Register state that the operating system saves. The caller has seen OSXSAVE.
static uint64_t read_xcr0(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static cpu_tier detect(void)
{
    const unsigned avx2_bits = bit_AVX2 | bit_BMI2 | bit_ADX;
    const unsigned avx512_bits =
        bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL | bit_AVX512IFMA;
    const uint64_t ymm_state = 0x6;  // XMM and the upper halves of YMM
    const uint64_t zmm_state = 0xe6; // and opmask, upper halves of ZMM0-15, ZMM16-31

    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE))
        return CPU_SCALAR;
    uint64_t xcr0 = read_xcr0();
    if (!(ecx & bit_AVX) || (xcr0 & ymm_state) != ymm_state)
        return CPU_SCALAR;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || (ebx & avx2_bits) != avx2_bits)
        return CPU_SCALAR;
    if ((ebx & avx512_bits) != avx512_bits || (xcr0 & zmm_state) != zmm_state)
        return CPU_AVX2;
    return CPU_AVX512;
}

cpu_tier cpu_tier_detected(void)
{
    int t = atomic_load_explicit(&detected, memory_order_relaxed);
    if (t == TIER_UNKNOWN) {
        t = (int)detect(); // threads that race here all store the same value
        atomic_store_explicit(&detected, t, memory_order_relaxed);
    }
    return (cpu_tier)t;
}

const char *cpu_tier_name(cpu_tier t)
{
    return (unsigned)t < CPU_TIER_COUNT ? tier_names[t] : "unknown";
}

// The tier asked for by the environment. *asked is false when ZISK_CPU is unset or empty.
static status tier_from_environment(cpu_tier *out, bool *asked)
{
    const char *name = getenv("ZISK_CPU");
    *asked = name != NULL && name[0] != '\0';
    if (!*asked)
        return ZK_OK;
    for (int t = 0; t < CPU_TIER_COUNT; t++) {
        if (strcmp(name, tier_names[t]) != 0)
            continue;
        FAIL_IF((cpu_tier)t > cpu_tier_detected(), ZK_EINVAL,
                "ZISK_CPU=%s, but this machine offers %s at most; unset ZISK_CPU or lower it", name,
                cpu_tier_name(cpu_tier_detected()));
        *out = (cpu_tier)t;
        return ZK_OK;
    }
    FAIL(ZK_EINVAL, "ZISK_CPU=%s is no tier; use scalar, avx2 or avx512, or unset it", name);
}

status cpu_check_environment(void)
{
    cpu_tier t;
    bool asked;
    return tier_from_environment(&t, &asked);
}

cpu_tier cpu_tier_current(void)
{
    int t = atomic_load_explicit(&current, memory_order_relaxed);
    if (t == TIER_UNKNOWN) {
        cpu_tier wanted;
        bool asked;
        bool usable = tier_from_environment(&wanted, &asked) == ZK_OK && asked;
        int fresh = (int)(usable ? wanted : cpu_tier_detected());
        // A tier that cpu_tier_force has set meanwhile stays.
        if (atomic_compare_exchange_strong(&current, &t, fresh))
            t = fresh;
    }
    return (cpu_tier)t;
}

void cpu_tier_force(cpu_tier t)
{
    ZK_ASSERT((unsigned)t < CPU_TIER_COUNT && t <= cpu_tier_detected());
    atomic_store(&current, (int)t);
}
