#!/usr/bin/env bash
# Chromium: people chat, lose the network and the server; the API is tried on its page
exec tests/parts/lib/node.sh browser browser-windows browser-reading browser-network browser-rooms browser-views chat-messages chat-rooms chat-accounts chat-flight api-page
