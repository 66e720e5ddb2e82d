//! What the fuzz targets do with their bytes. The same functions are compiled into the tests of the crates they are about
//! (`crates/*/tests/fuzz_corpus.rs`), which replay the corpus and everything that ever crashed.

use std::alloc::{GlobalAlloc, Layout, System};

pub mod api;
pub mod document;
pub mod domain;
pub mod engine;
pub mod protocol;
pub mod server;

/// Bytes that are given out at once at most: four times the largest limit of any decoder (`FILE_MAX`).
const ALLOCATION_MAX: usize = 32 * 1024 * 1024;

/// The system's allocator, which ends the process where bytes of a few kilobytes make a decoder ask for more than any limit allows.
struct Limited;

#[global_allocator]
static ALLOCATOR: Limited = Limited;

// SAFETY: every call goes to the system's allocator unchanged, or ends the process.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check(size);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn check(size: usize) {
    if size > ALLOCATION_MAX {
        eprintln!("allocation of {size} bytes");
        std::process::abort();
    }
}
