//! What the tests ask of the system beside the library.

pub(crate) use this::*;

#[cfg(unix)]
mod this {
    use core::ptr::NonNull;
    use std::process::ExitStatus;
    use std::time::{Duration, Instant};

    /// The number of the calling thread.
    pub(crate) fn thread_number() -> i32 {
        // SAFETY: `gettid` has no preconditions.
        if cfg!(miri) { 0 } else { unsafe { libc::gettid() } }
    }

    /// Waits until the thread of this number is gone, or for so long.
    pub(crate) fn wait_for_end(thread: i32, most: Duration) {
        let deadline = Instant::now() + most;
        let place = format!("/proc/self/task/{thread}");
        while std::fs::exists(&place).unwrap() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Makes whole pages fault when they are touched; returns whether they do.
    ///
    /// # Safety
    ///
    /// They are mapped, decommitted, and not in use.
    pub(crate) unsafe fn forbid(start: NonNull<u8>, size: usize) -> bool {
        // SAFETY: passed on.
        unsafe { libc::mprotect(start.as_ptr().cast(), size, libc::PROT_NONE) == 0 }
    }

    /// The bytes of this process that are in memory.
    pub(crate) fn resident_bytes() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
        // SAFETY: `sysconf` has no preconditions.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        pages * usize::try_from(page).unwrap()
    }

    /// How many processor cores are online.
    pub(crate) fn cores() -> usize {
        // SAFETY: `sysconf` has no preconditions.
        usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap()
    }

    /// How many threads this process has.
    pub(crate) fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").unwrap().count()
    }

    /// Whether the system has the barrier that it takes to empty the magazines of threads that idle.
    pub(crate) fn has_barrier() -> bool {
        // SAFETY: asks which commands there are.
        let commands = unsafe { libc::syscall(libc::SYS_membarrier, 0, 0, 0) };
        commands > 0 && commands & (1 << 3) != 0
    }

    /// Whether any of these pages is in memory.
    ///
    /// # Safety
    ///
    /// They are mapped.
    pub(crate) unsafe fn any_resident(start: usize, size: usize) -> bool {
        let mut pages = vec![0u8; size / 4096];
        let start = core::ptr::with_exposed_provenance_mut(start);
        // SAFETY: asks about mapped pages, a byte for each.
        assert_eq!(unsafe { libc::mincore(start, size, pages.as_mut_ptr()) }, 0);
        pages.iter().any(|page| page & 1 != 0)
    }

    /// Whether a process was ended by `abort`.
    pub(crate) fn is_abort(status: ExitStatus) -> bool {
        use std::os::unix::process::ExitStatusExt;
        status.signal() == Some(libc::SIGABRT)
    }
}

#[cfg(windows)]
mod this {
    use core::ptr::NonNull;
    use std::process::ExitStatus;
    use std::time::Duration;

    use windows_sys::Win32::Foundation::CloseHandle;
    use windows_sys::Win32::System::Diagnostics::ToolHelp::{
        CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
    };
    use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
    use windows_sys::Win32::System::ProcessStatus::{
        K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS,
    };
    use windows_sys::Win32::System::Threading::{
        GetActiveProcessorCount, GetCurrentProcess, GetCurrentThreadId, OpenThread,
        THREAD_SYNCHRONIZE, WaitForSingleObject,
    };

    /// The number of the calling thread.
    pub(crate) fn thread_number() -> i32 {
        // SAFETY: it has no preconditions.
        unsafe { GetCurrentThreadId() as i32 }
    }

    /// Waits until the thread of this number is gone, or for so long.
    pub(crate) fn wait_for_end(thread: i32, most: Duration) {
        // SAFETY: it has no preconditions.
        let handle = unsafe { OpenThread(THREAD_SYNCHRONIZE, 0, thread as u32) };
        if !handle.is_null() {
            // SAFETY: opened just now.
            unsafe { WaitForSingleObject(handle, most.as_millis() as u32) };
            // SAFETY: as above, and not used again.
            unsafe { CloseHandle(handle) };
        }
    }

    /// Makes whole pages fault when they are touched; returns whether they do: they did before.
    ///
    /// # Safety
    ///
    /// They are reserved, decommitted, and not in use.
    pub(crate) unsafe fn forbid(_start: NonNull<u8>, _size: usize) -> bool {
        true
    }

    /// The bytes of this process that are in memory.
    pub(crate) fn resident_bytes() -> usize {
        let mut counters = PROCESS_MEMORY_COUNTERS::default();
        let size = size_of_val(&counters) as u32;
        // SAFETY: valid for writes of this size.
        let known =
            unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &raw mut counters, size) };
        assert_ne!(known, 0);
        counters.WorkingSetSize
    }

    /// How many processor cores are online.
    pub(crate) fn cores() -> usize {
        // SAFETY: it has no preconditions.
        unsafe { GetActiveProcessorCount(0xffff) as usize }
    }

    /// How many threads this process has.
    pub(crate) fn threads() -> usize {
        // SAFETY: it has no preconditions.
        let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
        let size = size_of::<THREADENTRY32>() as u32;
        let mut entry = THREADENTRY32 { dwSize: size, ..Default::default() };
        let mut count = 0;
        // SAFETY: a snapshot, and an entry that says how large it is.
        let mut more = unsafe { Thread32First(snapshot, &raw mut entry) };
        while more != 0 {
            count += usize::from(entry.th32OwnerProcessID == std::process::id());
            // SAFETY: as above.
            more = unsafe { Thread32Next(snapshot, &raw mut entry) };
        }
        // SAFETY: opened above, and not used again.
        unsafe { CloseHandle(snapshot) };
        count
    }

    /// Whether the system has the barrier that it takes to empty the magazines of threads that idle: Wine need not.
    pub(crate) fn has_barrier() -> bool {
        // SAFETY: a module that is in every process, and stays.
        unsafe {
            let module = GetModuleHandleW(windows_sys::core::w!("ntdll.dll"));
            GetProcAddress(module, c"wine_get_version".as_ptr().cast()).is_none()
        }
    }

    /// Whether any of these pages is in memory: that is not for a program to say, since the system takes them when it
    /// likes.
    ///
    /// # Safety
    ///
    /// They are mapped.
    pub(crate) unsafe fn any_resident(_start: usize, _size: usize) -> bool {
        false
    }

    /// Whether a process was ended by `abort`: by what Windows calls a fast failure.
    pub(crate) fn is_abort(status: ExitStatus) -> bool {
        status.code() == Some(0xC000_0409_u32 as i32)
    }
}
