//! Runs all targets over the corpus, and over mutations of it that a seed decides.
//!
//! `FUZZ_SEED` chooses other mutations, `FUZZ_SECONDS` how long each target runs (2 by default). An input that fails
//! is written to `fuzz/artifacts/TARGET`.

#[cfg(test)]
mod corpus {
    use std::fs;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    use fastrand::Rng;
    use veche_fuzzing::TARGETS;

    /// Bytes of a mutated input.
    const MOST: usize = 64 << 10;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
    }

    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let folder = folder().join("corpus").join(target);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        paths.sort();
        let read = |path: &PathBuf| fs::read(path).expect("it can be read");
        paths.iter().map(read).collect()
    }

    fn check(name: &str) {
        let (_, run) = TARGETS
            .iter()
            .find(|(target, _)| *target == name)
            .expect("it is a target");
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        corpus.iter().for_each(|input| try_on(name, *run, input));
        let number = |variable: &str, default: u64| {
            let value = std::env::var(variable).ok();
            value.map_or(default, |value| value.parse().expect("a number"))
        };
        let seed = number("FUZZ_SEED", 1);
        let (began, time) = (
            Instant::now(),
            Duration::from_secs(number("FUZZ_SECONDS", 2)),
        );
        let mut random = Rng::with_seed(seed);
        let mut runs = 0_u64;
        while began.elapsed() < time {
            let input = mutated(&corpus, &mut random);
            try_on(name, *run, &input);
            runs += 1;
        }
        println!(
            "{name}: {} files, {runs} mutations of seed {seed}",
            corpus.len()
        );
    }

    fn try_on(name: &str, run: fn(&[u8]), input: &[u8]) {
        let ran = catch_unwind(AssertUnwindSafe(|| run(input)));
        if let Err(panic) = ran {
            let sum = input.iter().fold(0_u64, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add((*byte).into())
            });
            let path = folder().join("artifacts").join(name);
            fs::create_dir_all(&path).expect("a folder");
            let path = path.join(format!("{sum:016x}"));
            fs::write(&path, input).expect("it is written");
            eprintln!("the input that failed is in {}", path.display());
            resume_unwind(panic);
        }
    }

    /// What is often where something ends.
    const EDGES: [&[u8]; 24] = [
        b"\0",
        b"\xff",
        b"\x7f",
        b"\x80",
        b"\xff\xff\xff\xff\x0f",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"null",
        b"true",
        b"-1",
        b"1e400",
        b"9223372036854775808",
        b"18446744073709551616",
        b"0.5",
        b"\"\"",
        b"\\u0000",
        b"\\ud800",
        b"\xef\xbb\xbf",
        b"\n",
        b"{}",
        b"[]",
        b"[[[[[[[[",
        b"\",\"",
        b"\r\n",
        b"\xc3\x28",
    ];

    fn mutated(corpus: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
        let choose = |random: &mut Rng| corpus[random.usize(..corpus.len())].as_slice();
        let mut input = choose(random).to_vec();
        for _ in 0..1 + random.usize(..4) {
            let at = random.usize(..=input.len());
            let until = (at + random.usize(..16)).min(input.len());
            match random.u8(..8) {
                0 if at < input.len() => input[at] ^= 1 << random.u8(..8),
                1 if at < input.len() => input[at] = random.u8(..),
                2 => drop(input.drain(at..until)),
                3 => input.truncate(at),
                4 => drop(input.splice(at..at, EDGES[random.usize(..EDGES.len())].iter().copied())),
                5 => drop(input.splice(
                    at..until,
                    EDGES[random.usize(..EDGES.len())].iter().copied(),
                )),
                6 => {
                    let part = input[at..until].to_vec();
                    for _ in 0..random.usize(..8) {
                        input.splice(at..at, part.iter().copied());
                    }
                }
                _ => {
                    let other = choose(random);
                    let from = random.usize(..=other.len());
                    let to = from + random.usize(..=(other.len() - from).min(200));
                    input.splice(at..at, other[from..to].iter().copied());
                }
            }
        }
        input.truncate(MOST);
        input
    }

    macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_target_runs_here() {
            let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

    targets! {
        frames head channel client json_commands protobuf_commands plain_actions filter token claims api config delta conversation
    }
}
