import { spawnSync } from 'node:child_process';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { createNodeLogger, type NodeLoggerOptions } from './logger.ts';

function record(options: NodeLoggerOptions): {
  lines: string[];
  logger: ReturnType<typeof createNodeLogger>;
} {
  const lines: string[] = [];
  return { lines, logger: createNodeLogger({ write: (text) => lines.push(text), ...options }) };
}

describe('the log as JSON', () => {
  it('is one object a line, with level, ISO time, message and fields', () => {
    const { lines, logger } = record({ format: 'json' });
    logger.info('listening', { port: 9092, host: '127.0.0.1' });
    logger.warn('odd');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      port: 9092,
      host: '127.0.0.1',
      msg: 'listening',
    });
    expect(lines[0]).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(lines[1]!)).toMatchObject({ level: 'warn', msg: 'odd' });
  });

  it('tells an error with its causes', () => {
    const { lines, logger } = record({ format: 'json' });
    logger.error('the disk failed', {
      error: new Error('cannot flush', { cause: new Error('EIO') }),
    });
    const { error } = JSON.parse(lines[0]!) as {
      error: { type: string; message: string; stack: string };
    };
    expect(error).toMatchObject({ type: 'Error', message: 'cannot flush: EIO' });
    expect(error.stack).toMatch(/cannot flush[\s\S]*caused by: Error: EIO/);
  });

  it('takes what is no error as an error, and message text that looks like a format', () => {
    const { lines, logger } = record({ format: 'json' });
    logger.error('100%s sure %d', { error: 'just text' });
    expect(JSON.parse(lines[0]!)).toMatchObject({ msg: '100%s sure %d', error: 'just text' });
  });

  it('gives children their fields, and theirs to their own', () => {
    const { lines, logger } = record({ format: 'json' });
    logger.child({ nodeId: 1 }).child({ topic: 'words' }).info('created', { partitions: 3 });
    expect(JSON.parse(lines[0]!)).toMatchObject({
      nodeId: 1,
      topic: 'words',
      partitions: 3,
      msg: 'created',
    });
  });

  it.each([
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
    ['silent', 0],
  ] as const)('tells from %s upwards', (level, count) => {
    const { lines, logger } = record({ format: 'json', level });
    for (const each of ['debug', 'info', 'warn', 'error'] as const) logger[each](each);
    expect(lines).toHaveLength(count);
  });
});

describe('the log for people', () => {
  it('is time of day, level, message, fields', () => {
    const { lines, logger } = record({ format: 'text', colors: false });
    logger.info('topic created', {
      topic: 'words',
      partitions: 3,
      note: 'two words',
      list: [1, 2],
    });
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}topic created topic=words partitions=3 note="two words" list=\[1,2\]\n$/,
    );
  });

  it('puts the stack below', () => {
    const { lines, logger } = record({ format: 'text', colors: false });
    logger.error('flush failed', { error: new Error('EIO') });
    const [first, ...rest] = lines[0]!.trimEnd().split('\n');
    expect(first).toMatch(/ERROR flush failed error=EIO$/);
    expect(rest.length).toBeGreaterThan(0);
    for (const line of rest) expect(line).toMatch(/^ {4}at /);
  });

  it('colours only when asked to', () => {
    const coloured = record({ format: 'text', colors: true });
    coloured.logger.warn('careful');
    expect(coloured.lines[0]).toContain('\u001b[33mWARN ');
    const bare = record({ format: 'text', colors: false });
    bare.logger.warn('careful');
    expect(bare.lines[0]).not.toContain('\u001b');
  });

  it('shows what would move the cursor or begin a line', () => {
    const { lines, logger } = record({ format: 'text', colors: false });
    logger.warn('client \u001b[2J\nERROR forged', { clientId: 'a\r\n\u202eb', ['k\ney']: 1 });
    expect(lines[0]!.split('\n')).toHaveLength(2);
    expect(lines[0]).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
    expect(lines[0]).toContain('client \\u001b[2J\\u000aERROR forged');
  });
});

it('writes to standard error before it returns, so that the last line survives a crash', () => {
  const contents = `
    import { createNodeLogger } from './logger.ts';
    createNodeLogger().error('last words');
    process.kill(process.pid, 'SIGKILL');
  `;
  const bundle = buildSync({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    write: false,
  });
  const { stderr, signal } = spawnSync(process.execPath, ['-'], {
    input: bundle.outputFiles[0]!.text,
    encoding: 'utf8',
  });
  expect(signal).toBe('SIGKILL');
  expect(JSON.parse(stderr)).toMatchObject({ level: 'error', msg: 'last words' });
});
