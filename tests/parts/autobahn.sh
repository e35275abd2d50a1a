#!/usr/bin/env bash
# the Autobahn suite against the echo example and the channel's client, in its fast selection
echo=$TARGET/debug/examples/echo
client=$TARGET/debug/examples/autobahn
[ -x "$client" ] || { echo "there is no $client; run the part \"build\" first"; exit 1; }
[ -x "$echo" ] || { echo "there is no $echo; run the part \"build\" first"; exit 1; }
mkdir -p "$CACHE"
output=$(mktemp -d)
mkfifo "$output/lines"
"$echo" 127.0.0.1:0 >"$output/lines" 2>"$ARTIFACTS/echo.log" &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -rf "$output"' EXIT
exec 3<"$output/lines"
while read -r -t 20 line <&3; do
  case $line in 'listening on '*) address=${line#listening on }; break ;; esac
done
[ -n "${address:-}" ] || { echo 'the echo example did not say where it listens'; cat "$ARTIFACTS/echo.log"; exit 1; }
# shellcheck source=lib/python27.sh
. "$ROOT/tests/parts/lib/python27.sh"
use_python27
export VECHE_TEST_CACHE=$CACHE
status=0
ECHO_URL=ws://$address/echo AUTOBAHN_REPORTS=$ARTIFACTS/autobahn \
  bash tests/conformance/autobahn.sh server fast || status=$?
AUTOBAHN_DEFLATE=required CLIENT_CMD=$client AUTOBAHN_REPORTS=$ARTIFACTS/autobahn-client \
  bash tests/conformance/autobahn.sh client fast || status=$?
exit "$status"
