// Rooms come and go, and what is typed is counted and read as people mean it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Person, SMALL, lines } from './person.mjs';
import { startDemo } from './server.mjs';
import { within } from './wait.mjs';

test('a slip of the finger leads to the room that was meant, and a room made by mistake can be deleted', async (t) => {
  const server = await startDemo(t);
  const [anna, boris] = [await Person.enter(t, server, 'Anna'), await Person.enter(t, server, 'Boris')];
  const goTo = async (person, title) => {
    await person.page.keyboard.press('Control+k');
    await person.page.getByRole('combobox').waitFor();
    await person.page.keyboard.type(title);
  };
  await goTo(anna, 'Genral');
  const options = anna.page.getByRole('option');
  await options.nth(1).waitFor();
  assert.deepEqual(await options.allInnerTexts(), ['General', 'Create “Genral”', 'Create private “Genral”']);
  await anna.page.keyboard.press('Enter');
  await anna.page.getByRole('combobox').waitFor({ state: 'detached' });
  assert.match(anna.page.url(), /\/room\/general$/);

  await goTo(anna, 'Mistake');
  await anna.page.keyboard.press('Enter');
  await anna.page.waitForURL('**/room/mistake');
  await boris.page.getByRole('link', { name: /Mistake/ }).click();
  await boris.page.waitForURL('**/room/mistake');
  await anna.writeAndBeHeard('who made it, deletes it');
  await boris.reads('who made it, deletes it');
  await boris.page.getByRole('button', { name: 'About the room' }).click();
  await boris.page.getByRole('button', { name: 'Leave the room' }).waitFor();
  assert.equal(await boris.page.getByRole('button', { name: 'Delete the room' }).count(), 0);
  await boris.page.keyboard.press('Escape');
  await anna.page.getByRole('button', { name: 'About the room' }).click();
  await anna.page.getByRole('button', { name: 'Delete the room' }).click();
  await anna.picture('9-delete-room');
  await anna.page.getByRole('button', { name: 'Delete', exact: true }).click();
  for (const person of [anna, boris]) {
    await person.page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
    await person.page.getByRole('link', { name: /Mistake/ }).waitFor({ state: 'detached' });
    assert.deepEqual(person.faults, []);
  }
});

test('a message is as long as people count, and a flood is slowed down with a kind word and arrives', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  await anna.composer.fill('я'.repeat(4000));
  assert.ok(await anna.page.getByRole('button', { name: 'Send' }).isEnabled());
  await anna.composer.fill('👋'.repeat(4003));
  await anna.page.getByText('Too long by 3 characters').waitFor();
  await anna.composer.fill('');
  const flood = await floods(server, await anna.token());
  for (const text of lines('mine', 1, 5)) await anna.write(text);
  await anna.page.getByText('A little slower, please').waitFor();
  await flood.ends();
  await anna.row('mine 5', '[data-state="sent"]').waitFor();
  await anna.page.getByText('A little slower, please').waitFor({ state: 'detached' });
  assert.deepEqual((await anna.story()).map(({ text }) => text).filter((text) => text.startsWith('mine')), lines('mine', 1, 5));
});

test('addresses that begin with www. are links, and no note says that it loads when it does not', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna');
  await anna.writeAndBeHeard('see www.example.org for more');
  assert.equal(await anna.list.getByRole('link', { name: 'www.example.org' }).getAttribute('href'), 'https://www.example.org/');
  assert.equal(await anna.list.getByText('Loading').count(), 0);
  await anna.writeAndBeHeard(`http://a${')'.repeat(3900)}`);
  await anna.writeAndBeHeard('the page is awake');
});

test('on a small screen the people do not cover the composer', async (t) => {
  const server = await startDemo(t);
  const anna = await Person.enter(t, server, 'Anna', { viewport: SMALL });
  await anna.page.getByRole('button', { name: 'People' }).click();
  const panel = anna.page.locator('[data-people]');
  await panel.waitFor();
  const [people, composer] = [await panel.boundingBox(), await anna.composer.boundingBox()];
  assert.ok(people.y + people.height <= composer.y, `people end at ${people.y + people.height}, the composer begins at ${composer.y}`);
  await anna.writeAndBeHeard('written beside the people');
  await anna.picture('9-people-small');
  await anna.page.keyboard.press('Escape');
  await panel.waitFor({ state: 'detached' });
});

/** Uses up what a user may send, with the user's own token, and goes on so until it is told to end. */
async function floods(server, token) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  let goesOn = true;
  let refused;
  const full = new Promise((done) => (refused = done));
  const writes = async () => {
    while (goesOn) {
      const answer = await fetch(`${server.http}/chat/api/rooms/general/messages`, { method: 'POST', headers, body: JSON.stringify({ text: 'flood' }) });
      await answer.arrayBuffer();
      if (answer.status === 429) refused();
    }
  };
  const writers = [writes(), writes(), writes(), writes()];
  await within(full, 'the flood is refused', 60_000);
  return {
    async ends() {
      goesOn = false;
      await Promise.all(writers);
    },
  };
}
