#!/usr/bin/env bash
# The three "Quick Test Scenarios" of document 004, step by step as it words them, with curl against a fresh
# `cargo run -- --no-demo-history --data-dir …` each. Ends at the first difference.
#
# Needs curl, and jq or python3. `LUMBUNG=path/to/lumbung` runs that program instead of `cargo run`.
# Exit codes: 0 all as documented; 1 a difference; 2 it could not be tried.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d "${TMPDIR:-/tmp}/lumbung-scenarios-XXXXXX")
chmod 711 "$scratch" # PostgreSQL's account walks through when root runs this.
server=""
finish() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; } || true
  rm -rf "$scratch"
}
trap finish EXIT

unset DATABASE_URL
for name in $(env | sed -n 's/^\(LUMBUNG_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done

# Starts a server on a folder of its own; sets `api`.
fresh_server() {
  if [ -n "$server" ]; then
    kill "$server" && wait "$server" || { echo "the server did not stop well" >&2; exit 1; }
  fi
  local data="$scratch/$1" said="$scratch/$1.out"
  if [ -n "${LUMBUNG:-}" ]; then
    "$LUMBUNG" --no-demo-history --data-dir "$data" --listen 127.0.0.1:0 >"$said" 2>"$said.log" &
  else
    cargo run --quiet --locked -- --no-demo-history --data-dir "$data" --listen 127.0.0.1:0 >"$said" 2>"$said.log" &
  fi
  server=$!
  local waited=0
  until api=$(sed -n 's/^Lumbung is ready on \(http:.*\)$/\1/p' "$said") && [ -n "$api" ]; do
    if ! kill -0 "$server" 2>/dev/null || [ "$waited" -ge 1200 ]; then
      echo "the server did not start; it said:" >&2
      tail -20 "$said" "$said.log" >&2
      server=""
      exit 2
    fi
    sleep 0.5
    waited=$((waited + 1))
  done
  printf '\n== %s, %s\n' "$2" "$api"
}

# pick PATH <JSON: the value at data.0.id and the like; nothing if there is none.
pick() {
  if command -v jq >/dev/null; then
    jq -r --arg path "$1" 'getpath($path | split(".") | map(tonumber? // .)) | if . == null then empty else . end'
  else
    python3 -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    try:
        value = value[int(name) if name.isdigit() else name]
    except (KeyError, IndexError, TypeError):
        sys.exit()
print(json.dumps(value) if isinstance(value, (bool, dict, list)) else "" if value is None else value)' "$1"
  fi
}

# call TOKEN METHOD PATH [curl arguments]: sets `status` and `body`.
call() {
  local token=$1 method=$2 path=$3 answer
  shift 3
  local who=()
  [ -z "$token" ] || who=(-H "Authorization: Bearer $token")
  answer=$(curl -sS --max-time 30 -X "$method" "$api$path" "${who[@]}" -w '\n%{http_code}' "$@") || exit 2
  status=${answer##*$'\n'} body=${answer%$'\n'*}
}

# send TOKEN METHOD PATH JSON
send() { call "$1" "$2" "$3" -H 'Content-Type: application/json' -d "$4"; }

# expect STEP STATUS [PATH VALUE]...
expect() {
  local step=$1 wanted=$2 told
  shift 2
  [ "$status" = "$wanted" ] || fail "$step: status $status instead of $wanted"
  while [ $# -gt 0 ]; do
    told=$(pick "$1" <<<"$body")
    [ "$told" = "$2" ] || fail "$step: $1 is '$told' instead of '$2'"
    shift 2
  done
  printf '   %s\n' "$step"
}

fail() {
  printf 'FAILED %s\n  %s\n' "$1" "$body" >&2
  exit 1
}

# login EMAIL PASSWORD: sets `token`.
login() {
  send "" POST /api/auth/login "{\"email\":\"$1\",\"password\":\"$2\"}"
  expect "log in as $1" 200 success true message "Login successful" data.email "$1"
  token=$(pick data.token <<<"$body")
}

# The loan's way from the officers' lists to the money.
approve_all() {
  local loan=$1 officer
  for officer in marketing.jkt@loan.com:marketing123:MARKETING_APPROVED bm.jkt@loan.com:bm123:BRANCH_MANAGER_APPROVED \
    backoffice@loan.com:backoffice123:DISBURSED; do
    IFS=: read -r email password after <<<"$officer"
    login "$email" "$password"
    call "$token" GET /api/approval/pending
    expect "pending: the loan is seen" 200 data.0.id "$loan"
    send "$token" POST "/api/approval/$loan/approve" '{"note":"All documents verified and approved"}'
    expect "approve: $after" 200 message "Loan approved successfully" data.status "$after"
  done
}

# submit TOKEN AMOUNT: sets `loan`.
submit() {
  send "$1" POST /api/loans "{\"branchId\":1,\"amount\":$2,\"tenor\":6,\"interestRate\":12.0}"
  expect "submit $2" 201 message "Loan application submitted successfully" data.status SUBMITTED data.requestedAmount "$2"
  loan=$(pick data.id <<<"$body")
}

select_plafond() {
  send "$1" POST /api/customer/plafond "{\"productId\":$2}"
  expect "select plafond $3" 200 message "Plafond selected successfully" data.product.name "$3" data.isActive true
}

scenario_1() {
  fresh_server one "Scenario 1: complete loan approval flow"
  login john.doe@email.com customer123
  local customer=$token
  select_plafond "$customer" 1 BRONZE
  submit "$customer" 3000000
  approve_all "$loan"
  call "$customer" GET "/api/loans/$loan"
  expect "the customer sees it paid out" 200 message Success data.id "$loan" data.status DISBURSED
}

scenario_2() {
  fresh_server two "Scenario 2: plafond depletion flow"
  login john.doe@email.com customer123
  local customer=$token none="You don't have an active plafond. Please select a plafond first."
  select_plafond "$customer" 1 BRONZE
  call "$customer" GET /api/customer/plafond
  expect "check plafond" 200 data.originalAmount 5000000 data.remainingAmount 5000000 data.isActive true
  submit "$customer" 3000000
  approve_all "$loan"
  call "$customer" GET /api/customer/plafond
  expect "check plafond" 200 data.originalAmount 5000000 data.remainingAmount 2000000 data.isActive true
  send "$customer" POST /api/loans '{"branchId":1,"amount":3000000,"tenor":6,"interestRate":12.0}'
  expect "3000000 is too much" 400 success false \
    message "Requested amount exceeds remaining plafond. Remaining: Rp 2000000"
  submit "$customer" 2000000
  approve_all "$loan"
  call "$customer" GET /api/customer/plafond
  expect "the plafond is used up" 404 success false message "$none"
  select_plafond "$customer" 2 SILVER
}

scenario_3() {
  fresh_server three "Scenario 3: incomplete profile rejection"
  login jane.smith@email.com customer123
  local customer=$token
  send "$customer" POST /api/loans '{"branchId":1,"amount":3000000,"tenor":6,"interestRate":12.0}'
  expect "submit without a profile" 400 success false message \
    "Please complete your profile (NIK, birthdate, phone and address) before submitting a loan application."
  call "$customer" PUT /api/customer/profile -F \
    'data={"nik":"3201234567890002","birthdate":"1992-08-20","phone":"081298765432","address":"Jl. Thamrin No. 1, Jakarta"};type=application/json'
  expect "update the profile" 200 message "Profile updated successfully" data.nik 3201234567890002 \
    data.phoneNumber +6281298765432 data.isComplete true
  select_plafond "$customer" 1 BRONZE
  submit "$customer" 3000000
}

[ -n "${LUMBUNG:-}" ] || cargo build --quiet --locked
scenario_1
scenario_2
scenario_3
printf '\nall three as documented\n'
