# Shortcuts only: everything here is a plain command.

# Formats everything.
fmt:
    cargo fmt --all

# What CI refuses.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Everything that is quick enough for every change.
test *args:
    cargo test --workspace --locked {{ args }}

# Fifty rounds of `kill -9` under load, and a thousand races of two servers; see tests/crash.rs.
crash rounds="50" races="1000":
    LUMBUNG_CRASH_ROUNDS={{ rounds }} LUMBUNG_RACES={{ races }} cargo test -p lumbung --test acceptance --locked -- crash:: --nocapture

# Two thousand applications of one customer over 64 connections, and a thousand decisions that four race for; see tests/loans/races.rs.
races submissions="2000" connections="64" races="1000":
    LUMBUNG_SUBMISSIONS={{ submissions }} LUMBUNG_CONNECTIONS={{ connections }} LUMBUNG_RACES={{ races }} cargo test -p lumbung --test acceptance --locked -- loans::races --nocapture

# Breaks the product on purpose and expects the safety suites to notice.
controls:
    tests/negative_controls.sh

# The benchmark of docs/benchmarks.md, e.g. `just bench --json figures.json` or `just bench --only ledger/64`.
bench *args:
    cargo bench -p lumbung --bench ledger --locked -- {{ args }}

# Whether the benchmark runs; its figures mean little.
bench-quick *args:
    cargo bench -p lumbung --bench ledger --locked -- --quick {{ args }}
