// Filters over tags: each operator, what makes no sense, and what recovery leaves out.

import { api, join, jsonOnly, publish, send, sequence, subscribe, text, token } from '../steps.mjs';
import { config as base, OPEN } from './config.mjs';

const HISTORY = { history_size: 20, history_ttl: '300s' };

export const config = base({
  channel: {
    ...base().channel,
    namespaces: [
      ...base().channel.namespaces,
      { name: 'picked', ...OPEN, allow_tags_filter: true },
      { name: 'kept.picked', ...OPEN, ...HISTORY, allow_tags_filter: true, force_recovery: true },
      { name: 'latest.picked', ...OPEN, ...HISTORY, allow_tags_filter: true, force_recovery: true, force_recovery_mode: 'cache' },
    ],
  },
});

const published = (channel, ...values) => values.map((tags) => api('publish', { channel, data: tags, ...(tags !== null && { tags }) }));
const VALUES = [{ k: 'abc' }, { k: 'b' }, { k: '' }, { j: 'abc' }, {}, null, { k: '10' }, { k: '9.5' }, { k: '-3' }, { k: '1e3' }, { k: '010' }, { k: '+10' }, { k: ' 10' }, { k: 'NaN' }, { k: '10.0000000000000000001' }, { k: '.5' }, { k: '5.' }];
const filters = (name, tf, ...values) => sequence(name, join('a'), subscribe('a', 'picked:~', { tf }), published('picked:~', ...(values.length ? values : VALUES)));
const refused = (name, tf) => sequence(name, join('a'), subscribe('a', 'picked:~', { tf }), published('picked:~', { k: 'a' }));
const leaf = (cmp, val, key = 'k') => ({ key, cmp, ...(Array.isArray(val) ? { vals: val } : val !== undefined && { val }) });
const deep = (levels) => (levels === 0 ? leaf('eq', 'abc') : { op: 'not', nodes: [deep(levels - 1)] });
const K = leaf('eq', 'abc');

export const sequences = [
  [
    ['eq', 'abc'], ['eq', ''], ['neq', 'abc'], ['neq', ''], ['in', ['abc', 'b']], ['in', ['']], ['nin', ['abc', 'b']], ['nin', ['']], ['ex'], ['nex'],
    ['sw', 'a'], ['sw', ''], ['ew', 'c'], ['ew', ''], ['ct', 'b'], ['ct', ''], ['lt', '10'], ['lte', '10'], ['gt', '9.5'], ['gte', '9.5'], ['gt', '-100'], ['lt', '99999999999999999999'],
    ['gt', 'x'], ['lte', ''], ['gte', '10.0'],
  ].map(([cmp, val]) => filters(`${cmp} ${JSON.stringify(val)}`, leaf(cmp, val))),
  filters('and', { op: 'and', nodes: [leaf('sw', 'a'), leaf('ew', 'c')] }),
  filters('and of one', { op: 'and', nodes: [K] }),
  filters('or', { op: 'or', nodes: [leaf('eq', 'abc'), leaf('gt', '9')] }),
  filters('not', { op: 'not', nodes: [K] }),
  filters('not of what is missing', { op: 'not', nodes: [leaf('ex')] }),
  filters('nested', { op: 'or', nodes: [{ op: 'and', nodes: [leaf('ex'), { op: 'not', nodes: [leaf('eq', '')] }, leaf('lt', '10')] }, { op: 'and', nodes: [leaf('nex'), leaf('ex', undefined, 'j')] }] }),
  filters('two keys', { op: 'and', nodes: [K, leaf('eq', 'x', 'j')] }, { k: 'abc', j: 'x' }, { k: 'abc', j: 'y' }, { k: 'abc' }, { j: 'x' }),
  filters('five levels of not', deep(5)),
  filters('twenty levels of not', deep(20)),
  filters('letters beyond ASCII', leaf('ct', 'é'), { k: 'café' }, { k: 'cafe' }),

  refused('an unknown comparison', leaf('like', 'a')),
  refused('a comparison in capitals', leaf('EQ', 'a')),
  refused('no comparison', { key: 'k', val: 'a' }),
  refused('an unknown combination', { op: 'xor', nodes: [K, K] }),
  refused('a combination in capitals', { op: 'AND', nodes: [K, K] }),
  refused('an empty and', { op: 'and' }),
  refused('an empty or', { op: 'or', nodes: [] }),
  refused('an empty not', { op: 'not' }),
  refused('a not of two', { op: 'not', nodes: [K, K] }),
  refused('an empty filter', {}),
  refused('no key', { cmp: 'eq', val: 'a' }),
  refused('no key for ex', { cmp: 'ex' }),
  refused('no key for nex', { cmp: 'nex' }),
  refused('in without values', { key: 'k', cmp: 'in' }),
  refused('in with one value', { key: 'k', cmp: 'in', val: 'a' }),
  refused('nin without values', { key: 'k', cmp: 'nin' }),
  refused('eq with many values', { key: 'k', cmp: 'eq', val: 'a', vals: ['b'] }),
  refused('eq without a value', { key: 'k', cmp: 'eq' }),
  refused('ex with a value', { key: 'k', cmp: 'ex', val: 'a' }),
  refused('sw without a value', { key: 'k', cmp: 'sw' }),
  refused('lt with a word', leaf('lt', 'word')),
  refused('a comparison with nodes', { ...K, nodes: [K] }),
  refused('a combination with a key', { op: 'and', key: 'k', nodes: [K] }),
  refused('a combination with a comparison', { op: 'and', cmp: 'eq', nodes: [K] }),
  refused('a bad node deep within', { op: 'and', nodes: [K, { op: 'or', nodes: [{ op: 'not', nodes: [] }] }] }),
  [{ key: 5, cmp: 'eq', val: 'a' }, { key: 'k', cmp: 'eq', val: 5 }, { key: 'k', cmp: 'in', vals: 'a' }, { op: 'and', nodes: {} }, 'k', [], 5, null].map((tf, at) =>
    jsonOnly(`a filter of wrong types, ${at + 1}`, join('a'), text('a', JSON.stringify({ id: 9, subscribe: { channel: 'picked:~', tf } })))),

  sequence('a filter where there are none', join('a'), subscribe('a', 'open:~', { tf: K })),
  sequence('a bad filter where there are none', join('a'), subscribe('a', 'open:~', { tf: { op: 'xor' } })),
  sequence('a filter where subscribing is not allowed', join('a'), subscribe('a', 'closed:~', { tf: K })),
  sequence('a filter by a subscription token', join('a'), subscribe('a', 'picked:~', { tf: K, token: token({ sub: 'a~', channel: 'picked:~' }) }), published('picked:~', { k: 'abc' }, { k: 'x' })),
  sequence('publications of clients have no tags', join('a'), subscribe('a', 'picked:~', { tf: leaf('nex') }), publish('a', 'picked:~', 1)),
  sequence('publications of clients do not pass', join('a'), subscribe('a', 'picked:~', { tf: K }), publish('a', 'picked:~', 1)),
  sequence('each subscriber has its own filter', join('a'), join('b'), join('c'), subscribe('a', 'picked:~', { tf: K }), subscribe('b', 'picked:~', { tf: leaf('neq', 'abc') }), subscribe('c', 'picked:~'), published('picked:~', { k: 'abc' }, { k: 'x' }, {})),
  sequence('another filter after subscribing again', join('a'), subscribe('a', 'picked:~', { tf: K }), published('picked:~', { k: 'abc' }, { k: 'x' }), send('a', { unsubscribe: { channel: 'picked:~' } }), subscribe('a', 'picked:~', { tf: leaf('eq', 'x') }), published('picked:~', { k: 'abc' }, { k: 'x' })),
  sequence('offsets go on behind a filter', join('a'), subscribe('a', 'kept.picked:~', { tf: K }), published('kept.picked:~', { k: 'abc' }, { k: 'x' }, { k: 'x' }, { k: 'abc' }), send('a', { history: { channel: 'kept.picked:~', limit: 20 } })),
  sequence('recovery behind a filter', published('kept.picked:~', { k: 'abc' }, { k: 'x' }, { k: 'abc' }, { k: 'x' }), join('a'), api('history', { channel: 'kept.picked:~' }), subscribe('a', 'kept.picked:~', { tf: K, recover: true, offset: 0, epoch: '<epoch>' }), published('kept.picked:~', { k: 'x' }, { k: 'abc' })),
  sequence('recovery behind a filter that leaves nothing', published('kept.picked:~', { k: 'x' }, { k: 'x' }), join('a'), api('history', { channel: 'kept.picked:~' }), subscribe('a', 'kept.picked:~', { tf: K, recover: true, offset: 1, epoch: '<epoch>' }), published('kept.picked:~', { k: 'abc' })),
  sequence('recovery behind a filter that fails', published('kept.picked:~', { k: 'x' }, { k: 'abc' }), join('a'), subscribe('a', 'kept.picked:~', { tf: K, recover: true, offset: 1, epoch: 'gone' }), published('kept.picked:~', { k: 'abc' })),
  sequence('the cache behind a filter', published('latest.picked:~', { k: 'x' }, { k: 'abc' }), join('a'), subscribe('a', 'latest.picked:~', { tf: K, recover: true })),
  sequence('the cache behind a filter that it does not pass', published('latest.picked:~', { k: 'abc' }, { k: 'x' }), join('a'), subscribe('a', 'latest.picked:~', { tf: K, recover: true }), published('latest.picked:~', { k: 'abc' })),
  sequence('a filter of connect.subs is ignored', join('a', { connect: { subs: { 'picked:~': { tf: K } } } }), published('picked:~', { k: 'x' })),
  sequence('a broadcast behind filters', join('a'), subscribe('a', 'picked:~', { tf: K }), api('broadcast', { channels: ['picked:~', 'kept.picked:~'], data: 1, tags: { k: 'abc' } }), api('broadcast', { channels: ['picked:~'], data: 2, tags: { k: 'x' } })),
].flat(Infinity);
