//! The time of each operation of the hot path: `cargo bench -p veche-micro`.

use criterion::Criterion;
use veche_micro::operations::OPERATIONS;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, prepare) in OPERATIONS {
        criterion.bench_function(name, |bencher| {
            let mut step = prepare();
            bencher.iter(&mut step);
        });
    }
    criterion.final_summary();
}
