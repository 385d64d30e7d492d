use famalloc::alloc_family;

macro_rules! member {
    ($family:ty) => {
        #[alloc_family($family)]
        struct Node;
    };
}

macro_rules! set {
    ($limit:expr) => {
        #[alloc_family]
        enum Lives {
            #[family(limit = $limit)]
            Ast,
        }
    };
}

set!(1 << 20);
member!((u8, u8));

fn main() {}
