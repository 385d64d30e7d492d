//! Staying loaded: the object that has this code is never unloaded once others have its addresses.
//!
//! A thread's exit hook and the handlers of a fork are called long after they were registered, and what
//! was handed out is the program's for as long as it likes. A shared library that uses families may
//! be closed before that, by a program that knows nothing of it. Then the first thread to end would
//! run code that is gone, and each further load would reserve memory of its own. So the object is
//! asked to stay: closing it is no more than a count then, and who loads it again finds it as it was.

use core::ffi::{c_char, c_int, c_void};
use core::mem;
use core::ptr;

/// What is asked for about the object that has this code.
struct Search {
    /// An address in it.
    code: usize,
    /// Its name, if the loader may unload it.
    unloadable: *const c_char,
}

/// Sees to it that this code is never unloaded. May allocate, where it is in a shared library.
pub(super) fn stay_loaded() {
    // With musl a library that was loaded stays, whoever closes it; an interpreter loads none.
    if cfg!(any(target_env = "musl", miri)) {
        return;
    }
    let code = stay_loaded as fn() as usize;
    // A program is never unloaded, and most users of this are. So these ask the loader nothing: the lock of its
    // list stays held for ever in a child whose parent had a thread in there when it forked.
    if is_of_the_program(code) {
        return;
    }
    let mut search = Search { code, unloadable: ptr::null() };
    // The loader's list, not `dladdr`, which waits while any thread loads a library and runs its
    // constructors, and not a look into the dynamic section, which a static program has not got.
    // SAFETY: the function is of the type asked for, and the search outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast()) };
    if search.unloadable.is_null() {
        return;
    }
    // By name, so that a static program, which never comes here, need not have it.
    // SAFETY: a string.
    let open = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"dlopen".as_ptr()) };
    type Open = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
    // SAFETY: null, or the address of a function of this type: that is what the name means.
    if let Some(open) = unsafe { mem::transmute::<*mut c_void, Option<Open>>(open) } {
        let flags = libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
        // The handle is not given back either: it counts even where that flag is not known.
        // SAFETY: the name that the loader knows this object by, which is loaded.
        unsafe { open(search.unloadable, flags) };
    }
}

/// Whether an address is in the program itself, as far as the kernel tells.
fn is_of_the_program(address: usize) -> bool {
    // SAFETY: has no preconditions.
    let [start, count] =
        [libc::AT_PHDR, libc::AT_PHNUM].map(|kind| unsafe { libc::getauxval(kind) });
    let table = ptr::with_exposed_provenance::<libc::Elf64_Phdr>(start as usize);
    if table.is_null() || count == 0 {
        return false;
    }
    // SAFETY: so many program headers of the program are there for as long as the process lives.
    let headers = unsafe { core::slice::from_raw_parts(table, count as usize) };
    // They say where they are themselves. Those of a static program do not, but lie behind the header of its file,
    // with which its first segment begins.
    let own = headers.iter().find(|header| header.p_type == libc::PT_PHDR);
    let first = headers.iter().find(|it| it.p_type == libc::PT_LOAD && it.p_offset == 0);
    let behind = size_of::<libc::Elf64_Ehdr>();
    let offset = match (own, first) {
        (Some(own), _) => own.p_vaddr as usize,
        (None, Some(first)) => first.p_vaddr as usize + behind,
        (None, None) => return false,
    };
    has(headers, table.addr().wrapping_sub(offset), address)
}

/// Whether an address is in a segment of the object with these program headers.
fn has(headers: &[libc::Elf64_Phdr], base: usize, address: usize) -> bool {
    headers.iter().any(|header| {
        let start = base.wrapping_add(header.p_vaddr as usize);
        header.p_type == libc::PT_LOAD && address.wrapping_sub(start) < header.p_memsz as usize
    })
}

/// Looks at one object; says whether the search is over.
unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _: usize, data: *mut c_void) -> c_int {
    // SAFETY: the caller's information about an object, and the search of who called that.
    let (info, search) = unsafe { (&*info, &mut *data.cast::<Search>()) };
    let base = info.dlpi_addr as usize;
    let count = usize::from(info.dlpi_phnum);
    if count == 0 {
        return 0;
    }
    // SAFETY: so many program headers are there, of an object that is loaded.
    let headers = unsafe { core::slice::from_raw_parts(info.dlpi_phdr, count) };
    if !has(headers, base, search.code) {
        return 0;
    }
    // SAFETY: null, or a string of the loader's.
    if unsafe { info.dlpi_name.as_ref() }.is_some_and(|&first| first != 0) {
        // It has a name, so it is not the program itself.
        let dynamic = headers.iter().find(|header| header.p_type == libc::PT_DYNAMIC);
        // SAFETY: of an object that is loaded.
        let stays = dynamic.is_some_and(|it| unsafe { says_nodelete(base, it.p_vaddr as usize) });
        if !stays {
            search.unloadable = info.dlpi_name;
        }
    }
    1
}

/// Whether a dynamic section says that its object is not to be unloaded.
///
/// # Safety
///
/// It is at `offset` from the `base` of a loaded object.
unsafe fn says_nodelete(base: usize, offset: usize) -> bool {
    /// An entry: its tag and value (the ELF specification).
    #[repr(C)]
    struct Entry {
        tag: usize,
        value: usize,
    }
    const LAST: usize = 0;
    const FLAGS_1: usize = 0x6fff_fffb;
    const NODELETE: usize = 8;
    let mut entry = ptr::with_exposed_provenance::<Entry>(base.wrapping_add(offset));
    loop {
        // SAFETY: the section ends with an entry that says so.
        match unsafe { &*entry } {
            Entry { tag: LAST, .. } => return false,
            Entry { tag: FLAGS_1, value } => return value & NODELETE != 0,
            _ => {}
        }
        // SAFETY: as above.
        entry = unsafe { entry.add(1) };
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_told_from_its_libraries() {
        static OWN: [u8; 3] = [1, 2, 3];
        let local = 0_u8;
        let of_program = [is_of_the_program as fn(usize) -> bool as usize, OWN.as_ptr().addr()];
        assert!(of_program.into_iter().all(is_of_the_program));
        // SAFETY: a string.
        let of_library =
            unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"gnu_get_libc_version".as_ptr()) };
        let others = [0, usize::MAX, ptr::from_ref(&local).addr(), of_library.addr()];
        assert!(!others.into_iter().any(is_of_the_program));
    }
}
