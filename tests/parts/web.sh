#!/usr/bin/env bash
# the committed assets of the chat's page are what its sources build
cd "$ROOT/apps/chat/web" || exit 1
npm run check && npm test || exit 1
npm run build || exit 1
changed=$(git -C "$ROOT" status --porcelain -- apps/chat/assets)
if [ -n "$changed" ]; then
  echo "apps/chat/assets is not what apps/chat/web builds; commit the new assets:"
  echo "$changed"
  exit 1
fi
