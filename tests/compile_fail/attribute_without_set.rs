enum Lives {
    #[family(isolate)]
    Ast,
}

fn main() {}
