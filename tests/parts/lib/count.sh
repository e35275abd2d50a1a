# shellcheck shell=bash
# Runs one part and counts its tests from what their runners print.

minutes_since() {
  local seconds=$((SECONDS - $1))
  printf '%d.%d' $((seconds / 60)) $((seconds % 60 / 6))
}

NOT_RUN=77 # how a part ends that could not be run here, and said why
export NOT_RUN

# Runs tests/parts/$1.sh, shows and keeps its output, and sets PART_PASSED and PART_FAILED.
# A part that fails without a failed test counts as one failure, a part without tests of its own as one test,
# a part that was not run as nothing.
counted() {
  local part=$1 log=$ARTIFACTS/$1.log status
  local needs=0
  wait_for_installs "$part" || needs=1
  if [ "$needs" -eq 0 ]; then
    bash -uo pipefail "tests/parts/$part.sh" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
  else
    : >"$log"
    status=1
  fi
  read -r PART_PASSED PART_FAILED < <(count_tests "$log")
  if [ "$status" -eq "$NOT_RUN" ] && [ $((PART_PASSED + PART_FAILED)) -eq 0 ]; then return; fi
  if [ "$status" -ne 0 ] && [ "$PART_FAILED" -eq 0 ]; then PART_FAILED=1; fi
  if [ "$status" -eq 0 ] && [ $((PART_PASSED + PART_FAILED)) -eq 0 ]; then PART_PASSED=1; fi
}

# Adds up what cargo, node, Python's unittest, Go and the Autobahn runner say. A skipped test counts as failed:
# against our own binary there is nothing to skip.
count_tests() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
    /^test result: / { passed += $4; failed += $6; failed += $8 }       # cargo: passed, failed, ignored
    /^(ℹ|#) pass [0-9]+$/ { passed += $3 }                              # node
    /^(ℹ|#) (fail|cancelled|skipped|todo) [0-9]+$/ { failed += $3 }
    /^Ran [0-9]+ tests? in / { ran += $2 }                              # Python
    /^(OK|FAILED) ?\(/ {
      line = $0
      while (match(line, /(failures|errors|skipped|expected failures)=[0-9]+/)) {
        split(substr(line, RSTART, RLENGTH), part, "=")
        wrong += part[2]
        line = substr(line, RSTART + RLENGTH)
      }
    }
    /^    --- PASS: / { passed++ }                                      # Go: subtests, of which each test has some
    /^    --- (FAIL|SKIP): / { failed++ }
    /^autobahn: ok [0-9]+ / {
      for (i = 2; i < NF; i += 2) if ($i == "failed") failed += $(i + 1); else if ($i != "of") passed += $(i + 1)
    }
    END { print passed + ran - wrong + 0, failed + wrong + 0 }'
}
