// Messages that change: edited, deleted, answered, reacted to; mentions, styles and who is typing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHONE, Person, curlWrites, lines } from './person.mjs';
import { startDemo } from './server.mjs';

const button = (person, text, name) => person.row(text).getByRole('button', { name, exact: true });

/** Does something with a message by its tools, which a pointer on it shows. */
async function act(person, text, name) {
  await person.row(text).locator('.bubble').hover();
  await button(person, text, name).click();
}

async function three(t, options) {
  const server = await startDemo(t);
  const people = [];
  for (const name of ['Anna', 'Boris', 'Vera']) people.push(await Person.enter(t, server, name, options));
  return [server, ...people];
}

test('a message is edited by who wrote it, and everybody sees the new text in the old place', async (t) => {
  const [, anna, boris] = await three(t);
  await anna.writeAndBeHeard('Helo');
  await boris.writeAndBeHeard('and then');
  await boris.row('Helo').locator('.bubble').hover();
  assert.equal(await button(boris, 'Helo', 'Edit').count(), 0);
  // The arrow up in an empty composer changes what one wrote last.
  await anna.composer.press('ArrowUp');
  await anna.page.getByText('Editing your message').waitFor();
  assert.equal(await anna.composer.inputValue(), 'Helo');
  await anna.composer.fill('Hello');
  await anna.composer.press('Enter');
  for (const person of [anna, boris]) {
    await person.reads('Hello');
    await person.row('Hello').getByText('edited').waitFor();
    assert.deepEqual((await person.story()).map(({ text }) => text), ['Hello', 'and then']);
  }
  // Esc keeps it as it was, and what was being written comes back.
  await anna.composer.fill('a draft');
  await act(anna, 'Hello', 'Edit');
  await anna.composer.fill('never');
  await anna.composer.press('Escape');
  assert.equal(await anna.composer.inputValue(), 'a draft');
  await anna.reads('Hello');
  assert.deepEqual([...anna.faults, ...boris.faults], []);
});

test('a deleted message leaves its place, also for who was away and in what quotes it', async (t) => {
  const [, anna, boris, vera] = await three(t);
  await anna.writeAndBeHeard('a mistake');
  await boris.reads('a mistake');
  await act(boris, 'a mistake', 'Reply');
  await boris.page.getByText('Reply to Anna').waitFor();
  await boris.writeAndBeHeard('what do you mean?');
  await vera.reads('what do you mean?');
  await vera.row('what do you mean?').getByRole('link', { name: 'In reply to Anna: a mistake' }).waitFor();
  await vera.goOffline();
  await act(anna, 'a mistake', 'Delete message');
  await anna.picture('chat-delete-message');
  await anna.page.getByRole('button', { name: 'Delete', exact: true }).click();
  for (const person of [anna, boris]) await person.reads('The message was deleted');
  assert.equal(await vera.row('a mistake').count(), 1);
  await vera.comeBack();
  for (const person of [anna, boris, vera]) {
    await person.reads('The message was deleted');
    await person.row('what do you mean?').getByRole('link', { name: 'In reply to Anna: The message was deleted' }).waitFor();
    assert.equal(await person.page.getByText('a mistake').count(), 0);
    assert.deepEqual(person.faults, []);
  }
});

test('what changed while the page was closed is right when it opens again, and a quote leads to its message', async (t) => {
  const [server, anna, boris] = await three(t);
  await anna.writeAndBeHeard('the question');
  await curlWrites(server, 'curl', lines('noise', 1, 90));
  await boris.goesToTheEnd('noise 90');
  const url = boris.page.url();
  await boris.page.goto('about:blank');
  await anna.list.focus();
  await anna.page.keyboard.press('Home');
  await anna.reads('the question');
  await act(anna, 'the question', 'Reply');
  await anna.writeAndBeHeard('asked again');
  await act(anna, 'asked again', 'Edit');
  await anna.composer.fill('asked once more');
  await anna.composer.press('Enter');
  await anna.reads('asked once more');
  await boris.page.goto(url);
  await boris.reads('asked once more');
  await boris.row('asked once more').getByRole('link', { name: /In reply to Anna/ }).click();
  await boris.reads('the question');
  assert.ok(await boris.isOnScreen('the question'));
  await boris.page.waitForURL('**/room/general/1');
  await boris.page.goBack();
  assert.deepEqual(boris.faults, []);
});

test('reactions come to everybody, say who gave them, and are taken back', async (t) => {
  const [, anna, boris, vera] = await three(t);
  await anna.writeAndBeHeard('Lunch?');
  await act(boris, 'Lunch?', 'React: 👍');
  await vera.row('Lunch?').locator('.bubble').hover();
  await button(vera, 'Lunch?', 'React').click();
  await vera.picture('chat-emoji');
  await vera.page.getByRole('dialog', { name: 'Emoji' }).getByRole('button', { name: '🍕' }).click();
  await vera.row('Lunch?').getByRole('button', { name: '👍 Boris' }).click();
  await anna.row('Lunch?').getByRole('button', { name: '👍 Boris, Vera' }).waitFor();
  await anna.row('Lunch?').getByRole('button', { name: '🍕 Vera' }).waitFor();
  await anna.picture('chat-reactions');
  await boris.row('Lunch?').getByRole('button', { name: '👍 you, Vera' }).click();
  await anna.row('Lunch?').getByRole('button', { name: '👍 Vera' }).waitFor();
  for (const person of [anna, boris, vera]) assert.deepEqual(person.faults, []);
});

test('a name is completed behind @, the message is marked for who is meant, and the list counts it', async (t) => {
  const [, anna, boris] = await three(t);
  await boris.page.keyboard.press('Control+k');
  await boris.page.keyboard.type('Elsewhere');
  await boris.page.keyboard.press('Enter');
  await boris.page.waitForURL('**/room/elsewhere');
  await anna.composer.fill('');
  await anna.composer.pressSequentially('hello @bo');
  await anna.page.getByRole('option', { name: 'Boris' }).waitFor();
  await anna.picture('chat-mention');
  await anna.composer.press('Enter');
  assert.equal(await anna.composer.inputValue(), 'hello @Boris ');
  await anna.composer.pressSequentially('look');
  await anna.composer.press('Enter');
  await anna.row('hello @Boris look', '[data-state="sent"]').waitFor();
  await anna.row('hello @Boris look').locator('mark').waitFor();
  const general = boris.page.getByRole('link', { name: /General.*1 mention of you/ });
  await general.click();
  await boris.row('hello @Boris look').locator('mark.me').waitFor();
  await boris.page.getByText('1 mention of you').waitFor({ state: 'detached' });
  assert.deepEqual([...anna.faults, ...boris.faults], []);
});

test('styles and code are drawn, and markup is only text', async (t) => {
  const [, anna, boris] = await three(t);
  const write = async (text) => {
    await anna.composer.fill(text);
    await anna.composer.press('Enter');
  };
  await write('**bold**, *italic*, ~~gone~~ and `code`');
  for (const tag of ['strong', 'em', 's', 'code']) await boris.list.locator(`.text ${tag}`).waitFor();
  await write('```rust\nfn main() {\n    println!("hi"); // 1 < 2\n}\n```');
  await boris.list.locator('.text pre .keyword').getByText('fn').waitFor();
  assert.equal(await boris.list.locator('.text pre').innerText(), 'fn main() {\n    println!("hi"); // 1 < 2\n}');
  await write('> quoted\nanswer');
  await boris.list.locator('.text blockquote').getByText('quoted').waitFor();
  // The character that would turn the direction, and make a program look like a picture, does not arrive.
  const evil = '<img src=x onerror="document.title=\'owned\'"> <script>document.title="owned"</script> [x](javascript:alert(1)) gnp.exe';
  await write(evil.replace('gnp', '\u202Egnp'));
  await boris.reads(evil);
  assert.equal(await boris.list.locator('.text img, .text script, a[href^="javascript"]').count(), 0);
  assert.ok(!(await boris.page.title()).includes('owned'));
  await boris.picture('chat-styles');
  assert.deepEqual([...anna.faults, ...boris.faults], []);
});

test('two who are typing are both named', async (t) => {
  const [, anna, boris, vera] = await three(t);
  await anna.composer.pressSequentially('a');
  await boris.composer.pressSequentially('b');
  await vera.page.getByText(/^(Anna and Boris|Boris and Anna) are typing$/).waitFor();
  assert.deepEqual(vera.faults, []);
});

test('by the keyboard alone: a message is chosen, answered, changed and deleted', async (t) => {
  const [, anna, boris] = await three(t);
  await boris.writeAndBeHeard('from Boris');
  await anna.reads('from Boris');
  await anna.list.focus();
  await anna.page.keyboard.press('ArrowUp');
  await anna.page.keyboard.press('r');
  await anna.page.keyboard.type('an answer');
  await anna.page.keyboard.press('Enter');
  await anna.row('an answer', '[data-state="sent"]').waitFor();
  await anna.list.focus();
  await anna.page.keyboard.press('ArrowUp');
  await anna.page.keyboard.press('+');
  await anna.page.keyboard.press('ArrowRight');
  await anna.page.keyboard.press('Enter');
  await boris.row('an answer').getByRole('button', { name: '😄 Anna' }).waitFor();
  await anna.list.focus();
  await anna.page.keyboard.press('ArrowUp');
  await anna.page.keyboard.press('Delete');
  await anna.page.getByRole('dialog').waitFor();
  await anna.page.keyboard.press('Tab');
  await anna.page.keyboard.press('Enter');
  await boris.reads('The message was deleted');
  assert.deepEqual([...anna.faults, ...boris.faults], []);
});

for (const [colorScheme, locale] of [
  ['light', 'en-US'],
  ['dark', 'ru-RU'],
]) {
  test(`pictures of messages on a phone: ${colorScheme}, ${locale}`, async (t) => {
    const [, anna, boris] = await three(t, { viewport: PHONE, colorScheme, locale });
    await boris.writeAndBeHeard('Кто идёт обедать?');
    await anna.reads('Кто идёт обедать?');
    await anna.row('Кто идёт обедать?').locator('.bubble').click();
    await anna.row('Кто идёт обедать?').getByRole('toolbar').waitFor();
    await anna.picture(`chat-phone-tools-${colorScheme}`);
    await anna.row('Кто идёт обедать?').getByRole('button', { name: /👍/ }).click();
    await anna.row('Кто идёт обедать?').getByRole('button', { name: locale === 'ru-RU' ? 'Ответить' : 'Reply', exact: true }).click();
    await anna.write('Я! Сейчас');
    await anna.composer.fill('```js\nconst lunch = await team.go("pizza") // 13:00\n```');
    await anna.composer.press('Enter');
    await boris.row('Кто идёт обедать?').getByRole('button', { name: /👍/ }).waitFor();
    await boris.list.locator('pre').waitFor();
    await boris.picture(`chat-phone-${colorScheme}`);
    assert.deepEqual([...anna.faults, ...boris.faults], []);
  });
}
