import { nodeId } from '@odradek/protocol';
import { ManualClock } from '@odradek/ports/testing';
import { describe, expect, it } from 'vitest';
import { MetadataImage } from '../metadata/image.ts';
import { encodeNode } from '../metadata/nodes.ts';
import { brokerConfigPath, topicConfigPath } from '../metadata/paths.ts';
import { Settings } from '../settings.ts';
import { ReplicationThrottle } from './replication-throttle.ts';

const world = () => {
  const image = new MetadataImage();
  const settings = new Settings([{ key: 'node.id', value: '2', origin: 'test' }], image);
  const clock = new ManualClock();
  const set = (kind: 'topic' | 'broker', name: string, entries: Record<string, string>): void => {
    const path = kind === 'topic' ? topicConfigPath(name) : brokerConfigPath(nodeId(Number(name)));
    image.apply([{ path, value: encodeNode(entries) }]);
    settings.refresh();
  };
  return { clock, set, throttle: new ReplicationThrottle(nodeId(2), settings, clock) };
};

describe('the throttle of replication', () => {
  it('is for the replicas that the topic names, each side by itself', () => {
    const { throttle, set } = world();
    expect(throttle.leader.isThrottled('a', 0)).toBe(false);
    set('topic', 'a', { 'leader.replication.throttled.replicas': '0:2,1:3,11:2' });
    expect([0, 1, 2, 11].map((it) => throttle.leader.isThrottled('a', it))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(throttle.follower.isThrottled('a', 0)).toBe(false);
    expect(throttle.leader.isThrottled('b', 0)).toBe(false);
    set('topic', 'a', { 'follower.replication.throttled.replicas': '*' });
    expect(throttle.leader.isThrottled('a', 0)).toBe(false);
    expect(throttle.follower.isThrottled('a', 7)).toBe(true);
  });

  it('has the rate that the broker is given while it runs', () => {
    const { throttle, clock, set } = world();
    throttle.leader.quota.take(1e12);
    expect(throttle.leader.quota.waitMs()).toBe(0);
    set('broker', '2', { 'leader.replication.throttled.rate': '1000' });
    throttle.leader.quota.take(3_000);
    expect(throttle.leader.quota.waitMs()).toBe(2_000);
    expect(throttle.follower.quota.waitMs()).toBe(0);
    clock.advance(2_001);
    expect(throttle.leader.quota.waitMs()).toBe(0);
    throttle.leader.quota.take(1e6);
    set('broker', '2', {});
    expect(throttle.leader.quota.waitMs()).toBe(0);
  });
});
