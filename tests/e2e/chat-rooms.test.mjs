// Private rooms and conversations of two: made, entered, left; closed to everybody else, also on the WebSocket.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';
import { PHONE, Person } from './person.mjs';
import { startDemo } from './server.mjs';
import { Heard, within } from './wait.mjs';

async function people(t, server, names, options) {
  const all = [];
  for (const name of names) all.push(await Person.enter(t, server, name, options));
  return all;
}

/** Makes a private room by the window that goes to rooms, and is in it then. */
async function makePrivate(person, title) {
  await person.page.keyboard.press('Control+k');
  await person.page.getByRole('combobox').waitFor();
  await person.page.keyboard.type(title);
  await person.page.getByRole('option', { name: `Create private “${title}”` }).click();
  await person.page.waitForURL('**/room/p-*');
  await person.isReady();
  return new URL(person.page.url()).pathname.split('/')[2];
}

async function about(person) {
  await person.page.getByRole('button', { name: 'About the room' }).click();
  return person.page.getByRole('dialog', { name: 'About the room' });
}

async function bringIn(person, name) {
  const card = await about(person);
  await card.getByRole('textbox', { name: 'Bring somebody in' }).fill(name);
  await card.getByRole('button', { name: 'Add' }).click();
  await card.getByRole('combobox', { name: `Role of ${name}` }).waitFor();
  await person.page.keyboard.press('Escape');
  await card.waitFor({ state: 'detached' });
}

/** Calls the chat's interface with the session of a window. */
async function call(server, person, path, body) {
  const answer = await fetch(`${server.http}/chat/api/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${await person.token()}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, ...(await answer.json()) };
}

test('two people talk alone: from the list of people, with the other one notified, and read on every device', async (t) => {
  const server = await startDemo(t);
  const [anna, boris, eve] = await people(t, server, ['Anna', 'Boris', 'Eve']);
  await anna.page.locator('[data-people]').getByRole('button', { name: 'Write to Boris' }).click();
  await anna.page.waitForURL('**/room/dm-*');
  await anna.page.getByRole('heading', { level: 1, name: 'Boris' }).waitFor();
  await anna.page.getByText('Only you and Boris read what is written here.').waitFor();
  await anna.writeAndBeHeard('between us');
  await boris.hasUnread(1);
  await boris.picture('chat-direct-unread');
  await boris.page.getByRole('link', { name: /Anna.*between us/ }).click();
  await boris.reads('between us');
  await boris.hasUnread(0);
  await boris.composer.pressSequentially('y');
  await anna.page.getByText('Boris is typing').waitFor();
  await boris.writeAndBeHeard('yes');
  await anna.reads('yes');
  await anna.picture('chat-direct');
  // The same from the other side is the same conversation, and for a third one there is none.
  await boris.page.keyboard.press('Control+k');
  await boris.page.keyboard.type('ann');
  await boris.page.getByRole('option', { name: 'Anna', exact: true }).waitFor();
  await boris.page.keyboard.press('Escape');
  const id = new URL(anna.page.url()).pathname;
  await eve.page.goto(server.http + id);
  await eve.page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  assert.equal(await eve.page.getByText('between us').count(), 0);
  // It survives a lost network as every room does.
  await anna.goOffline();
  await boris.writeAndBeHeard('are you there?');
  await anna.write('on the way');
  await anna.comeBack();
  for (const person of [anna, boris]) {
    await person.reads('are you there?');
    await person.reads('on the way');
  }
  for (const person of [anna, boris, eve]) assert.deepEqual(person.faults, []);
});

test('who is brought in sees the room at once; who is removed sees and hears nothing more', async (t) => {
  const server = await startDemo(t);
  const [anna, boris, vera] = await people(t, server, ['Anna', 'Boris', 'Vera']);
  const room = await makePrivate(anna, 'Team');
  await anna.writeAndBeHeard('before they came');
  for (const name of ['Boris', 'Vera']) await bringIn(anna, name);
  for (const person of [boris, vera]) {
    await person.page.getByRole('link', { name: /Team ?, Private room/ }).click();
    await person.reads('before they came');
    await person.isReady();
  }
  await boris.writeAndBeHeard('hello team');
  for (const person of [anna, vera]) await person.reads('hello team');
  const before = (await call(server, boris, 'rooms')).rooms.find(({ id }) => id === room).channel;
  const { token: held } = await call(server, boris, `rooms/${room}/subscription-token`, { channel: before });
  assert.ok(held);
  const connection = (await call(server, boris, 'connection-token', {})).token;
  const card = await about(anna);
  await anna.picture('chat-room-card');
  await card.getByRole('button', { name: 'Remove Boris' }).click();
  await anna.page.keyboard.press('Escape');
  await boris.page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  await boris.page.getByRole('link', { name: /Team/ }).waitFor({ state: 'detached' });
  // The others go on in the new channel.
  await vera.isReady();
  await vera.writeAndBeHeard('without him');
  await anna.reads('without him');
  await anna.writeAndBeHeard('indeed');
  await vera.reads('indeed');
  // The token that he still holds opens a channel in which nothing is said any more.
  const client = new Centrifuge(`${server.ws}/connection/websocket`, { websocket: WebSocket, timeout: 30_000, token: connection });
  t.after(() => client.disconnect());
  const heard = [];
  const old = client.newSubscription(before, { token: held });
  old.on('publication', ({ data }) => heard.push(data));
  client.connect();
  old.subscribe();
  await within(old.ready(), 'the old channel');
  await vera.writeAndBeHeard('nor this');
  await anna.reads('nor this');
  const now = (await call(server, anna, 'rooms')).rooms.find(({ id }) => id === room).channel;
  assert.notEqual(now, before);
  await assert.rejects(subscribes(client, now, held));
  assert.deepEqual(heard, []);
  assert.equal((await call(server, boris, `rooms/${room}/messages`)).status, 404);
  for (const person of [anna, boris, vera]) assert.deepEqual(person.faults, []);
});

/** A refusal in the words of the server, as the client tells it. */
const DENIED = (error) => /permission denied/i.test(error.message);

/** Subscribes, and rejects when the server refuses. */
function subscribes(client, channel, token) {
  const subscription = client.newSubscription(channel, token ? { token } : {});
  const outcome = new Promise((done, failed) => {
    subscription.on('subscribed', done);
    subscription.on('error', ({ error }) => failed(new Error(error.message)));
    subscription.on('unsubscribed', ({ reason }) => failed(new Error(reason)));
    client.on('disconnected', ({ reason }) => failed(new Error(reason)));
  });
  subscription.subscribe();
  return within(outcome, `an answer for ${channel}`);
}

test('the channels of a private room are closed to everybody without a token of one\'s own', async (t) => {
  const server = await startDemo(t);
  const [anna, eve] = await people(t, server, ['Anna', 'Eve']);
  const room = await makePrivate(anna, 'Secret');
  const { channel, typing } = (await call(server, anna, 'rooms')).rooms.find(({ id }) => id === room);
  const { token: annas } = await call(server, anna, `rooms/${room}/subscription-token`, { channel });
  const { token: evesConnection } = await call(server, eve, 'connection-token', {});
  const asEve = async () => {
    const client = new Centrifuge(`${server.ws}/connection/websocket`, { websocket: WebSocket, timeout: 30_000, token: evesConnection });
    t.after(() => client.disconnect());
    client.connect();
    await within(client.ready(), 'a connection');
    return client;
  };
  const client = await asEve();
  await assert.rejects(subscribes(client, channel), DENIED);
  await assert.rejects(subscribes(client, typing), DENIED);
  await assert.rejects(client.history(channel, { limit: 10 }), DENIED);
  await assert.rejects(client.presence(channel), DENIED);
  await assert.rejects(client.publish(channel, { type: 'message' }), DENIED);
  await assert.rejects(client.publish(typing, {}), DENIED);
  // A token of somebody else, or for something else, opens nothing; it may cost the connection.
  await assert.rejects(subscribes(await asEve(), channel, annas));
  await assert.rejects(subscribes(await asEve(), `${channel}x`, annas));
  // In the dialect of plain JSON a name is enough to be somebody, and not enough to hear anything.
  const bare = new WebSocket(`${server.ws}/connection/plain`);
  t.after(() => bare.terminate());
  await new Promise((done) => bare.on('open', done));
  const answers = new Heard();
  bare.on('message', (frame) => answers.push(JSON.parse(frame)));
  bare.send(JSON.stringify({ action: 'login', user: 'anna' }));
  bare.send(JSON.stringify({ action: 'subscribe', channel, history: 10 }));
  await answers.first(({ action, code }) => action === 'subscribe' && code === 103, 'a refusal');
  await anna.writeAndBeHeard('hidden');
  assert.ok(!JSON.stringify(answers.items).includes('hidden'));
});

test('a link leads into the room, also who has to say a name first, until it is taken back', async (t) => {
  const server = await startDemo(t);
  const [anna] = await people(t, server, ['Anna']);
  await makePrivate(anna, 'Team');
  const card = await about(anna);
  await card.getByRole('button', { name: 'Make a link' }).click();
  const link = await card.getByRole('textbox', { name: 'Invitation link' }).inputValue();
  const path = new URL(link).pathname;
  const boris = await Person.arrive(t, server, { viewport: PHONE });
  await boris.page.goto(server.http + path);
  await boris.page.locator('#name').fill('Boris');
  await boris.page.keyboard.press('Enter');
  await boris.page.getByRole('heading', { name: 'Team' }).waitFor();
  await boris.page.getByText('Anna invites you').waitFor();
  await boris.picture('chat-invited');
  await boris.page.getByRole('button', { name: 'Join' }).click();
  await boris.page.waitForURL('**/room/p-*');
  await boris.isReady();
  await boris.writeAndBeHeard('here I am');
  await card.getByText('Boris', { exact: true }).waitFor();
  await card.getByRole('button', { name: 'Take it back' }).click();
  await card.getByRole('button', { name: 'Make a link' }).waitFor();
  const eve = await Person.enter(t, server, 'Eve');
  await eve.page.goto(server.http + path);
  await eve.page.getByRole('heading', { name: 'This invitation leads nowhere' }).waitFor();
  for (const person of [anna, boris, eve]) assert.deepEqual(person.faults, []);
});

test('a room is renamed, gets a topic, is left, found again, and archived, and everybody sees it', async (t) => {
  const server = await startDemo(t);
  const [anna, boris] = await people(t, server, ['Anna', 'Boris']);
  await anna.page.keyboard.press('Control+k');
  await anna.page.keyboard.type('Tea');
  await anna.page.keyboard.press('Enter');
  await anna.page.waitForURL('**/room/tea');
  await anna.isReady();
  await anna.writeAndBeHeard('first');
  await boris.page.getByRole('link', { name: /Tea/ }).click();
  let card = await about(anna);
  await card.getByRole('textbox', { name: 'Title' }).fill('Green tea');
  await card.getByRole('textbox', { name: 'Topic' }).fill('Leaves and water');
  await card.getByRole('button', { name: 'Save' }).click();
  await card.getByText('Saved').waitFor();
  await anna.page.keyboard.press('Escape');
  for (const person of [anna, boris]) {
    await person.page.getByRole('heading', { level: 1, name: /Green tea/ }).waitFor();
    await person.page.locator('.topic', { hasText: 'Leaves and water' }).waitFor();
  }
  card = await about(boris);
  await card.getByRole('button', { name: 'Leave the room' }).click();
  await card.getByRole('button', { name: 'Leave the room' }).click();
  await boris.page.waitForURL('**/room/general');
  await boris.page.getByRole('link', { name: /Green tea/ }).waitFor({ state: 'detached' });
  await boris.page.getByRole('button', { name: 'All public rooms' }).click();
  await boris.page.getByRole('button', { name: 'Join: Green tea' }).waitFor();
  await boris.picture('chat-discover');
  await boris.page.getByRole('button', { name: 'Join: Green tea' }).click();
  await boris.page.waitForURL('**/room/tea');
  await boris.reads('first');
  card = await about(anna);
  await card.getByRole('button', { name: 'Archive', exact: true }).click();
  await card.getByRole('button', { name: 'Open again' }).waitFor();
  await boris.page.getByText('The room is archived').waitFor();
  assert.equal(await boris.composer.count(), 0);
  await boris.picture('chat-archived');
  await card.getByRole('button', { name: 'Open again' }).click();
  await boris.composer.waitFor();
  await boris.writeAndBeHeard('open again');
  for (const person of [anna, boris]) assert.deepEqual(person.faults, []);
});

for (const [colorScheme, locale, viewport] of [
  ['dark', 'ru-RU', PHONE],
  ['light', 'ru-RU', undefined],
]) {
  test(`pictures of rooms: ${colorScheme}, ${locale}${viewport ? ', phone' : ''}`, async (t) => {
    const server = await startDemo(t);
    const [anna, boris] = await people(t, server, ['Анна', 'Борис'], { colorScheme, locale, ...(viewport ? { viewport } : {}) });
    const { room } = await call(server, anna, 'rooms', { title: 'Планы на лето', private: true });
    await call(server, anna, `rooms/${room.id}/invite`, {});
    const { room: direct } = await call(server, boris, 'direct', { user: 'Анна' });
    await call(server, boris, `rooms/${direct}/messages`, { text: 'Пойдём обедать?' });
    await anna.page.goto(`${server.http}/room/${room.id}`);
    await anna.isReady();
    await anna.page.getByRole('button', { name: 'О комнате' }).click();
    await anna.page.getByRole('textbox', { name: 'Ссылка-приглашение' }).waitFor();
    await anna.picture(`chat-card-${colorScheme}`);
    await anna.page.keyboard.press('Escape');
    if (viewport) await anna.page.getByRole('button', { name: 'К списку комнат' }).click();
    await anna.page.getByRole('heading', { name: 'Личные сообщения' }).waitFor();
    await anna.picture(`chat-list-${colorScheme}`);
    assert.deepEqual([...anna.faults, ...boris.faults], []);
  });
}
