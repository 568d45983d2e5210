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

# The money storm: wallets under `kill -9` of servers and PostgreSQL; prints the table of docs/crash-tests.md.
money-storm rounds="100" seconds="60" parallel="4":
    LUMBUNG_STORM_ROUNDS={{ rounds }} LUMBUNG_STORM_SECONDS={{ seconds }} LUMBUNG_STORM_PARALLEL={{ parallel }} cargo test -p lumbung --test acceptance --locked -- money_storm:: --nocapture

# Two thousand applications of one customer over 64 connections, and a thousand decisions that four race for; see tests/loans/races.rs.
races submissions="2000" connections="64" races="1000":
    LUMBUNG_SUBMISSIONS={{ submissions }} LUMBUNG_CONNECTIONS={{ connections }} LUMBUNG_RACES={{ races }} cargo test -p lumbung --test acceptance --locked -- loans::races --nocapture

# The golden files: messages, bodies, who may do what to whose.
golden:
    cargo test -p lumbung --test acceptance --locked -- golden::

# Writes tests/golden/matrix.tsv anew; what it says must still follow from tests/golden/gates.tsv.
golden-update:
    LUMBUNG_UPDATE=1 cargo test -p lumbung --test acceptance --locked -- golden::matrix

# Idempotency-Keys in so many copies at once; prints what came back.
storm keys="2000" copies="16":
    LUMBUNG_STORM_KEYS={{ keys }} LUMBUNG_STORM_COPIES={{ copies }} cargo test -p lumbung --test acceptance --locked -- storm:: --nocapture

# So many single edits of a ledger, each of which `lumbung verify` must name; see tests/edits.rs.
edits count="1000":
    LUMBUNG_EDITS={{ count }} cargo test -p lumbung --test acceptance --locked -- edits:: --nocapture

# Lives the example ledger through once more and writes tests/example_data.ndjson anew.
example-update:
    LUMBUNG_UPDATE=1 cargo test -p lumbung --test acceptance --locked -- export::example

# So many random loans through random lives: what a schedule, a repayment, a reversal and a write-off must add up to.
loans cases="100000":
    LUMBUNG_LOANS={{ cases }} cargo test --profile bench -p lumbung-domain --test rules -- servicing::

# A long history twice: equal but for keys and hashes, and every loan and wallet is what the general ledger says.
demo-history customers="200" days="730":
    LUMBUNG_HISTORY_CUSTOMERS={{ customers }} LUMBUNG_HISTORY_DAYS={{ days }} cargo test -p lumbung --test acceptance --locked -- demo_history:: --nocapture

# Forged tokens, and what of people and secrets can be found in database, files and logs.
attacks:
    cargo test -p lumbung --test acceptance --locked -- forged:: leaks:: --nocapture

# The three Quick Test Scenarios of document 004 by curl, each against a fresh server.
scenarios:
    tests/quick_scenarios.sh

# What others wait for their commands while 200 logins a second come in with wrong passwords, and without them.
flood seconds="10":
    LOGIN_FLOOD_S={{ seconds }} cargo test --profile bench -p lumbung --test acceptance --locked -- auth::flood --nocapture

# How long a wallet of so many events takes for its first command after a restart; prints it.
long-wallet events="1000000":
    LUMBUNG_WALLET_EVENTS={{ events }} cargo test --profile bench -p lumbung --test acceptance --locked -- ledger::long_wallet --nocapture

# The daily run killed so many times, with a date that jumps: each (loan, date) once; see tests/daily_run/killed.rs.
daily-kills kills="100":
    LUMBUNG_DAILY_KILLS={{ kills }} cargo test -p lumbung --test acceptance --locked -- daily_run::killed --nocapture

# A daily run over so many loans while people pay; prints how long it takes and how long they wait.
daily-run loans="100000" ages="30":
    LUMBUNG_DAILY_LOANS={{ loans }} LUMBUNG_DAILY_AGES={{ ages }} cargo test --profile bench -p lumbung --test acceptance --locked -- daily_run::pace --nocapture

# Breaks the product on purpose and expects the safety suites to notice.
controls:
    tests/negative_controls.sh

# The benchmark of docs/benchmarks.md, e.g. `just bench --json figures.json` or `just bench --only ledger/64`.
bench *args:
    cargo bench -p lumbung --bench ledger --locked -- {{ args }}

# Whether the benchmark runs; its figures mean little.
bench-quick *args:
    cargo bench -p lumbung --bench ledger --locked -- --quick {{ args }}

# The benchmark over HTTP, e.g. `just bench-http --json figures.json` or `just bench-http --only topup/,insert/`. The server
# and the load generator are built as the release is.
bench-http *args:
    cargo bench --profile release -p lumbung --bench ledger --locked -- --http {{ args }}

# Whether the benchmark over HTTP runs, in seconds; its figures mean little.
bench-http-quick *args:
    cargo bench -p lumbung --bench ledger --locked -- --http --quick {{ args }}
