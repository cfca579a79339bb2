# SPDX-License-Identifier: Apache-2.0 OR MIT
# Entry point. The machine starts with the program image loaded, all other memory zero and all
# registers zero but a0 (input) and a1 (output), which the linker script also names.

    .section .text.init, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    .option push
    .option norelax             # gp cannot be reached relative to itself
    la gp, __global_pointer$
    .option pop
    la sp, __stack_top
    la tp, __tls_base
    call __libc_init_array
    li a0, 0                    # main(0, NULL)
    li a1, 0
    call main
    tail exit
    .size _start, . - _start
