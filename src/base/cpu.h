// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The ladder of SIMD tiers. Detected once (CPUID and the operating system's XCR0), lowered by the
// environment variable ZISK_CPU=scalar|avx2|avx512. Each library fills its table of operations by
// one readable ladder over cpu_tier_current(); no hot call tests the CPU.
#include "base/status.h"

typedef enum cpu_tier {
    CPU_SCALAR = 0,
    CPU_AVX2 = 1,   // AVX2, BMI2, ADX
    CPU_AVX512 = 2, // AVX-512 F, DQ, BW, VL, IFMA on top
    CPU_TIER_COUNT
} cpu_tier;

// Best tier of this machine, whatever ZISK_CPU says.
cpu_tier cpu_tier_detected(void);

// The tier in use: min(detected, ZISK_CPU). A ZISK_CPU that is no tier name, or one above what the
// machine has, is refused by cpu_check_environment (programs call it first thing); without that
// call an unusable value means the detected tier.
cpu_tier cpu_tier_current(void);
MUST_CHECK status cpu_check_environment(void);

const char *cpu_tier_name(cpu_tier t);

// For tests and benches: forces a tier <= detected for tables obtained afterwards.
void cpu_tier_force(cpu_tier t);
