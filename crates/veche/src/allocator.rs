//! The allocator of the program, and how it gives memory back.

use std::ffi::c_long;

/// Little memory for many small connections, a fast path without locks, and a build of seconds.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tells mimalloc after how many milliseconds unused pages go back to the system (`mi_option_purge_delay` of
/// `mimalloc.h`; its name is not exported by the bindings).
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Milliseconds until unused pages go back to the system. By default it would be a second, counted from the next time
/// something is freed: a server that became idle would keep what its last busy second left.
const PURGE_DELAY_MS: c_long = 10;

/// Sets how soon memory goes back to the system, unless the operator's environment does (`MIMALLOC_PURGE_DELAY`). To be
/// called first in `main`.
pub(crate) fn configure() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        set_purge_delay();
    }
}

/// With the default of a second, 10 000 idle connections took 1440 bytes each; with 10 ms they take 1245.
#[expect(
    unsafe_code,
    reason = "the bindings offer options by a foreign function only"
)]
fn set_purge_delay() {
    // SAFETY: the function stores a number in a table of the allocator that is there from the start of the process. It
    // ignores an option it does not know, and it is called before the program starts a thread.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, PURGE_DELAY_MS) }
}

/// Lets the allocator sort what the calling thread has freed. For threads that are about to sleep: mimalloc does it by
/// itself only while a thread allocates. It costs no system call.
pub(crate) fn tidy() {
    collect(false);
}

/// Gives back to the system all that the calling thread has freed. It costs system calls: for a thread that has had
/// nothing to do for a while.
pub(crate) fn give_back() {
    collect(true);
}

#[expect(
    unsafe_code,
    reason = "the bindings offer it by a foreign function only"
)]
fn collect(is_forced: bool) {
    // SAFETY: the function touches the calling thread's own free lists, and those of the process under its own locks.
    unsafe { libmimalloc_sys::mi_collect(is_forced) }
}
