import { expect, it } from 'vitest';
import { subscribedTopics } from './subscription.ts';
import { subscriptionTo } from './testing/test-consumer.ts';

it('gathers the topics of all members', () => {
  expect(subscribedTopics([subscriptionTo('a', 'b'), subscriptionTo('b', 'c')])).toEqual(
    new Set(['a', 'b', 'c']),
  );
});

it('reads later versions by their beginning', () => {
  const later = Uint8Array.of(0, 3, ...subscriptionTo('a').slice(2), 1, 2, 3);
  expect(subscribedTopics([later])).toEqual(new Set(['a']));
});

it.each([
  ['nothing', []],
  ['something else', [...'{"json":true}'].map((char) => char.charCodeAt(0))],
  ['a negative version', [0xff, 0xff, 0, 0, 0, 0]],
  ['a count that cannot be', [0, 0, 0x7f, 0xff, 0xff, 0xff]],
])('does not know the topics of %s', (_, bytes) => {
  expect(subscribedTopics([subscriptionTo('a'), Uint8Array.from(bytes)])).toBeUndefined();
});
