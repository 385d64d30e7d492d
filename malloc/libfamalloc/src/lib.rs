//! `libfamalloc.so` and `libfamalloc.a`: a drop-in `malloc`, and what `famalloc.h` declares.

famalloc_c::export_malloc!(famalloc_c::Families, unnamed from 1);
