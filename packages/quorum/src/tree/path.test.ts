import { describe, expect, it } from 'vitest';
import { TREE_LIMITS } from '../limits.ts';
import { childPath, nameOf, parentOf, pathFault, sequentialPath } from './path.ts';

const isValid = (path: string) => pathFault(path, TREE_LIMITS) === undefined;

describe('a path', () => {
  it.each([
    '/',
    '/a',
    '/topics/__consumer_offsets/12',
    '/käse/🧀',
    '/a b',
    '/...',
    '/.hidden',
    '/a.',
  ])('may be %s', (path) => {
    expect(isValid(path)).toBe(true);
  });

  it.each([
    '',
    'a',
    'a/b',
    '/a/',
    '//',
    '/a//b',
    '/.',
    '/a/..',
    '/a/../b',
    '/a\u0000',
    '/\u007f',
    '/\ud800',
    '/a\udc00b',
    '/\uffff',
  ])('may not be %j', (path) => {
    expect(isValid(path)).toBe(false);
  });

  it('is bounded in length and depth', () => {
    const { pathLengthMax, pathDepthMax } = TREE_LIMITS;
    expect(isValid(`/${'x'.repeat(pathLengthMax - 1)}`)).toBe(true);
    expect(isValid(`/${'x'.repeat(pathLengthMax)}`)).toBe(false);
    expect(isValid('/x'.repeat(pathDepthMax))).toBe(true);
    expect(isValid('/x'.repeat(pathDepthMax + 1))).toBe(false);
  });

  it('is cut and joined at slashes', () => {
    expect([parentOf('/a'), nameOf('/a'), childPath('/', 'a')]).toEqual(['/', 'a', '/a']);
    expect([parentOf('/a/b'), nameOf('/a/b'), childPath('/a', 'b')]).toEqual(['/a', 'b', '/a/b']);
    expect(sequentialPath('/a/n-', 42)).toBe('/a/n-0000000042');
  });
});
