// The configuration that groups share; each adds what it is about.

import { API_KEY, TOKEN_SECRET } from '../../e2e/server.mjs';

/** All that users may do with a channel. */
export const OPEN = {
  allow_subscribe_for_client: true,
  allow_publish_for_client: true,
  allow_history_for_client: true,
  allow_presence_for_client: true,
};

const HISTORY = { history_size: 5, history_ttl: '300s' };

const NAMESPACES = [
  { name: 'open', ...OPEN },
  { name: 'closed' },
  { name: 'listen', allow_subscribe_for_client: true, allow_publish_for_subscriber: true, allow_history_for_subscriber: true, allow_presence_for_subscriber: true, presence: true, ...HISTORY },
  { name: 'anon', ...OPEN, allow_subscribe_for_anonymous: true, allow_publish_for_anonymous: true, allow_history_for_anonymous: true, allow_presence_for_anonymous: true, presence: true, ...HISTORY },
  { name: 'stream', ...OPEN, ...HISTORY, allow_recovery: true, allow_positioning: true },
  { name: 'kept', ...OPEN, ...HISTORY },
  { name: 'forced', ...OPEN, ...HISTORY, force_recovery: true, force_positioning: true },
  { name: 'positioned', ...OPEN, ...HISTORY, force_positioning: true },
  { name: 'short', ...OPEN, history_size: 2, history_ttl: '300s', force_recovery: true },
  { name: 'cache', ...OPEN, history_size: 1, history_ttl: '300s', force_recovery: true, force_recovery_mode: 'cache' },
  { name: 'here', ...OPEN, presence: true },
  { name: 'joins', ...OPEN, presence: true, join_leave: true },
  { name: 'loud', ...OPEN, presence: true, join_leave: true, force_push_join_leave: true },
  { name: 'dialog', ...OPEN, allow_user_limited_channels: true },
  { name: 'letters', ...OPEN, channel_regex: '^[a-z]+$' },
  { name: 'json', ...OPEN, ...HISTORY, publication_data_format: 'json' },
  { name: 'object', ...OPEN, publication_data_format: 'json_object' },
  { name: 'binary', ...OPEN, publication_data_format: 'binary' },
  { name: 'with.dot', ...OPEN },
];

/** A server in which users may do most things. `client`, `channel` and other sections are laid over it. */
export function config({ client = {}, channel = {}, ...more } = {}) {
  return {
    health: { enabled: true },
    http_api: { key: API_KEY },
    client: { token: { hmac_secret_key: TOKEN_SECRET }, ...client },
    channel: { without_namespace: OPEN, namespaces: NAMESPACES, ...channel },
    ...more,
  };
}
