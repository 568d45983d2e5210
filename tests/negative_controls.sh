#!/usr/bin/env bash
# Breaks the product on purpose, one promise at a time, and expects the safety suites to notice. A suite that stays green
# proves nothing, and so does one that goes red for another reason. Works on a copy of the tree; needs what `cargo test`
# needs, and some minutes. Usage: negative_controls.sh [PATTERN]: only the controls whose names match.
#
# Exit codes: 0 every control ended as it must; 1 one did not; 2 a control no longer applies, does not build, or the
# unbroken product is red itself.
set -euo pipefail
cd "$(dirname "$0")/.."
only=${1:-}
tree=$PWD
copy=$(mktemp -d "${TMPDIR:-/tmp}/lumbung-controls-XXXXXX")
chmod 711 "$copy" # PostgreSQL's account walks through when root runs this.
trap 'rm -rf "$copy"' EXIT

crash=crash::nothing_acknowledged_is_lost_and_nothing_is_doubled
authority=scenario::authority::only_the_officer_whose_turn_it_is_decides
matrix=golden::matrix::who_may_do_what_to_whose
forged=forged::no_forged_token_opens_any_gate
storm=storm::every_key_has_one_effect
leaks=leaks::nobody_is_found_in_what_is_stored_and_logged
counters=loans::races::one_customer_at_many_counters
money=money_storm::no_rupiah_is_lost_or_made
days=daily_run::jumps::each_day_of_each_loan_is_closed_once_however_the_date_jumps
export RUST_BACKTRACE=0
# Two servers, so that two of them can settle at once.
export LUMBUNG_STORM_ROUNDS=${LUMBUNG_STORM_ROUNDS:-3} LUMBUNG_STORM_SECONDS=15 LUMBUNG_STORM_SERVERS=2 LUMBUNG_STORM_SEED=${LUMBUNG_STORM_SEED:-1}
export LUMBUNG_CRASH_ROUNDS=${LUMBUNG_CRASH_ROUNDS:-8} LUMBUNG_CRASH_SEED=${LUMBUNG_CRASH_SEED:-1}

mkdir "$copy/tree"
git ls-files -z --cached --others --exclude-standard | tar --null -cf - -T - | tar -xf - -C "$copy/tree"
built=${CARGO_TARGET_DIR:-$tree/target}
if [ -d "$built/debug" ]; then
  mkdir -p "$copy/target/debug"
  # Spares compiling the dependencies again.
  cp -a --reflink=auto "$built"/debug/{deps,build,.fingerprint} "$copy/target/debug/"
fi
export CARGO_TARGET_DIR=$copy/target
cd "$copy/tree"

failed=0
asked=
declare -A needed=()
table=()

# Answers 0 if the test is green. What it says is in $copy/log.
run() { cargo test -q -p lumbung --test acceptance -- --exact "$1" --nocapture >"$copy/log" 2>&1; }

build() {
  cargo test -q -p lumbung --test acceptance --no-run >"$copy/build.log" 2>&1 && return
  echo "$1: does not build" >&2
  tail -40 "$copy/build.log" >&2
  exit 2
}

# broken NAME TEST [FILE SED]...: changes each file by its sed program, runs the test, takes the changes back. Answers 0 if it
# is green.
broken() {
  local name=$1 test=$2 verdict=0 file
  shift 2
  local files=()
  while [ $# -gt 0 ]; do
    file=$1
    cp -p "$file" "$copy/unbroken.${#files[@]}"
    sed -i "$2" "$file"
    if cmp -s "$file" "$copy/unbroken.${#files[@]}"; then
      echo "$name: nothing to change in $file any more" >&2
      exit 2
    fi
    files+=("$file")
    shift 2
  done
  build "$name"
  run "$test" || verdict=1
  for file in "${!files[@]}"; do cp "$copy/unbroken.$file" "${files[$file]}"; done
  return "$verdict"
}

# What the test complained of is in $copy/complaints, each complaint on one line.
complaints() {
  awk '/panicked at/ { if (said) print said; said = ""; left = 4; next }
       left > 0 { left--; said = said $0 " " }
       END { if (said) print said }' "$copy/log" >"$copy/complaints"
}

# Whether this control is left out. While $asked is empty, notes what it needs.
skipped() {
  [[ $1 =~ $only ]] || return 0
  [ -z "$asked" ] || return 1
  needed[$2]=1
}

# control NAME COMPLAINT TEST [FILE SED]...: must go red, with a complaint that matches this pattern of `grep -E`.
control() {
  local name=$1 complaint=$2 verdict=red seen=nothing
  shift 2
  skipped "$name" "$1" && return
  if broken "$name" "$@"; then
    verdict=GREEN failed=1
  else
    complaints
    if ! seen=$(grep -aEm1 -- "$complaint" "$copy/complaints"); then
      verdict=OTHER failed=1 seen="not \"$complaint\" but: $(head -1 "$copy/complaints")"
    fi
  fi
  tell "$name" "$verdict" "$seen"
}

# spare NAME TEST [FILE SED]...: the promise is kept twice, and must hold with one of the two.
spare() {
  local verdict=green seen=nothing
  skipped "$1" "$2" && return
  if ! broken "$@"; then complaints && verdict=RED failed=1 seen=$(head -1 "$copy/complaints"); fi
  tell "$1" "$verdict" "$seen"
}

tell() {
  local seen=${3:0:200}
  echo "$1: $2 after $SECONDS s: $seen"
  table+=("$(printf '%-32s %-6s %s' "$1" "$2" "$seen")")
}

every_control() {
  # A client or a server knows of more than the log holds.
  local lost='was told of [0-9]+, the log ends at|the ledger loop stopped: the log ends at|Loan is not in the correct status|of customer [0-9]+'

# The pause makes the gap between answer and append as wide as a slow disk would; without it some runs of this length
# miss it. Repeated keys still go the right way, so that lost answers are all there is to see.
control "answering before COMMIT" "$lost" "$crash" commands/src/ledger/relay.rs '/let mut next = self.draft_on(Some(&on_its_way));/i\
            let keys: Vec<[u8; 32]> =\
                on_its_way.decided.iter().filter_map(|decided| decided.ticket.key()).map(|key| key.key).collect();\
            if lumbung_journal::idempotency::find(\&self.pool, \&keys).await.is_ok_and(|kept| kept.is_empty()) {\
                for decided in mem::take(\&mut on_its_way.decided) {\
                    decided.ticket.answer(decided.position, on_its_way.batch.recorded_at);\
                }\
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;\
            }'

control "synchronous_commit off" "$lost" "$crash" commands/journal/src/database.rs \
  's/("synchronous_commit", "on")/("synchronous_commit", "off")/'

control "no idempotency record" '/api/[^ ]+ again|events in the log, and acknowledged|You already have' "$crash" commands/src/ledger/draft.rs '/self\.batch\.answers\.push(/d'

control "no permission check at the stage" 'Loan approved successfully' "$authority" commands/src/loan/decide.rs \
  's/status\.awaits()\.filter(.*);/status.awaits();/'

control "no look for a pending loan" 'two open applications' "$counters" domain/src/plafond.rs \
  's/Self::Active { pending: Some(_), .. } => Err(Rejection::LoanAlreadyPending),/Self::Active { pending: Some(_), .. } => Ok(()),/'

control "no idempotency record, over HTTP" ': [0-9]+ first answers' "$storm" commands/src/ledger/draft.rs '/self\.batch\.answers\.push(/d'

control "no gate before people" 'not what the gates say: .*/users' "$matrix" api/src/auth/gate.rs 's/LookAtPeople: is_staff;/LookAtPeople: |_| true;/'

control "tokens from the future" '[0-9]+ complaints: .*: iat = ' "$forged" api/src/auth/tokens.rs 's/(claims\.iat <= latest)/(claims.iat <= i64::MAX \&\& latest > 0)/'

control "an e-mail in the log" '[0-9]+ finds: .*\.log: ' "$leaks" api/src/rest/auth/sign_in.rs \
  '/let Credentials { email, typed, password } = input.form;/a\
    tracing::debug!(email = email.as_ref().map_or("", |email| email.as_str()), "somebody logs in");'

# Of a transfer: that its own stream says that it has ended, and the id derived from the event that calls for its end.
state='s/Self::Started { instruction, status: TransferStatus::Pending } => Some(instruction)/Self::Started { instruction, .. } => Some(instruction)/
s/(Some(TransferStatus::Pending), TransferCommand::\(Settle\|Return\)/(Some(_), TransferCommand::\1/'
derived='s/let key = Some(derived_id(\(.*\)));/let key = std::hint::black_box(false).then(|| derived_id(\1));/'
control "no guard of a transfer" 'transfer [^ ]+ ended [0-9]+ times' "$money" domain/src/transfer.rs "$state" commands/src/settlement.rs "$derived"
# A loan that does not know which day it closed last, though the read model does.
control "no memory of closed days" 'loan [0-9]+, lent on' "$days" domain/src/loan/servicing.rs \
  's/debt\.closed_through_on = \*business_on;/let _ = business_on;/'

spare "a transfer's state alone" "$money" commands/src/settlement.rs "$derived"
spare "a transfer's derived id alone" "$money" domain/src/transfer.rs "$state"
}

every_control
[ "${#needed[@]}" -gt 0 ] || { echo "no control is called $only" >&2; exit 2; }
build "the unbroken product"
for test in "${!needed[@]}"; do
  if ! run "$test"; then
    echo "the unbroken product is red: $test" >&2
    tail -40 "$copy/log" >&2
    exit 2
  fi
  echo "unbroken: green after $SECONDS s: $test"
done

asked=yes
every_control

printf '\n%-32s %-6s %s\n' control result seen
printf '%s\n' "${table[@]}"
exit "$failed"
