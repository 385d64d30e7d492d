fn main() {
    #[famalloc::alloc_family]
    enum Lives {
        #[family(limit = "1")]
        Ast,
    }

    #[famalloc::alloc_family(Lives::Object)]
    struct Node;
}
