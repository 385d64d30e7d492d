#[famalloc::alloc_family(sauce = PAGES)]
#[family(isolate)]
enum Lives<T> {
    #[family(isolate = true, limit = "1 KiB", isolate)]
    Ast(T),
    #[family(blok = "3 MiB", align = "none")]
    Object,
}

fn main() {}
