import { describe, expect, it } from 'vitest';
import { resolveSettings } from './settings.ts';
import { createFakeWorld } from './testing/fake-world.ts';

const FILE = '/home/ann/.config/odradek/command.properties';
const files = { [FILE]: '# mine\nbrokers = file:1\n\ntimeout=7\n' };

describe('a setting', () => {
  it('comes from a flag, else the environment, else the file, else there is a default', async () => {
    const brokers = async (
      options: object,
      environment: Readonly<Record<string, string>>,
    ): Promise<string> => {
      const settings = await resolveSettings(createFakeWorld({ environment, files }), options);
      return `${settings.brokers.value} (${settings.brokers.origin})`;
    };
    const HOME = '/home/ann';
    const all = { HOME, ODRADEK_BROKERS: 'environment:1' };
    expect(await brokers({ brokers: 'flag:1' }, all)).toBe('flag:1 (--brokers)');
    expect(await brokers({}, all)).toBe('environment:1 (ODRADEK_BROKERS)');
    expect(await brokers({}, { HOME, ODRADEK_BROKERS: '' })).toBe(`file:1 (${FILE} line 2)`);
    expect(await brokers({}, {})).toBe('127.0.0.1:9092 (default)');
    expect(await brokers({}, { ...all, XDG_CONFIG_HOME: '/x', ODRADEK_BROKERS: '' })).toBe(
      '127.0.0.1:9092 (default)',
    );
  });

  it('is refused by the line where it is wrong', async () => {
    const environment = { ODRADEK_COMMAND_CONFIG: 'mine' };
    const resolve = (text: string) =>
      resolveSettings(createFakeWorld({ environment, files: { mine: text } }));
    await expect(resolve('timeout=1\nbroker=a')).rejects.toThrow('mine line 2: it is neither');
    await expect(resolveSettings(createFakeWorld({ environment }))).rejects.toThrow(
      'there is no file mine',
    );
  });
});
