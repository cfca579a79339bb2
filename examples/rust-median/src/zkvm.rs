// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The guest SDK as a no_std program sees it: input, output, heap and what a panic does. Nothing
//! in it is about one program; copy it into the next guest.
//!
//! The functions are those of `zkvm_io.h` and of the C library. There is one thread.

use core::alloc::{GlobalAlloc, Layout};
use core::fmt::{self, Write};

mod sdk {
    unsafe extern "C" {
        pub fn read_input(buf: *mut *const u8, size: *mut usize);
        pub fn write_output(output: *const u8, size: usize);
        pub fn aligned_alloc(alignment: usize, size: usize) -> *mut u8;
        pub fn free(p: *mut u8);
        pub fn putchar(c: i32) -> i32;
        pub fn exit(code: i32) -> !;
    }
}

/// The first input record. It is the prover's free choice: check whatever must hold of it.
pub fn input() -> &'static [u8] {
    let mut bytes = core::ptr::null();
    let mut size = 0;
    unsafe {
        sdk::read_input(&mut bytes, &mut size);
        // The pointer of a record of no bytes may be anything in C; in a slice it may not be null.
        if size == 0 { &[] } else { core::slice::from_raw_parts(bytes, size) }
    }
}

/// Appends to the public output. More than 256 bytes in all end the program as abort() does.
pub fn publish(bytes: &[u8]) {
    unsafe { sdk::write_output(bytes.as_ptr(), bytes.len()) }
}

struct Heap;

unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // C wants a multiple of the alignment as size, which a Layout has room for.
        let padded = layout.pad_to_align();
        unsafe { sdk::aligned_alloc(padded.align(), padded.size()) }
    }

    unsafe fn dealloc(&self, p: *mut u8, _: Layout) {
        unsafe { sdk::free(p) }
    }
}

#[global_allocator]
static HEAP: Heap = Heap;

struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            unsafe { sdk::putchar(byte.into()) };
        }
        Ok(())
    }
}

/// A panic prints why and is a failed execution, which has no proof. The exit code is that of
/// abort() in the machine, but exit() also writes out what a native twin has printed.
#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    let _ = writeln!(Uart, "{info}");
    unsafe { sdk::exit(134) }
}
