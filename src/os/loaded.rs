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
    let mut search = Search { code: stay_loaded as fn() as usize, unloadable: ptr::null() };
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
    let has_code = headers.iter().any(|header| {
        let start = base.wrapping_add(header.p_vaddr as usize);
        header.p_type == libc::PT_LOAD && search.code.wrapping_sub(start) < header.p_memsz as usize
    });
    if !has_code {
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
