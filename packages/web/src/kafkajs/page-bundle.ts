/**
 * What esbuild needs to be told so that KafkaJS 2.2.4 can be bundled for a page: where Node's modules and globals are replaced, and by what. Run by
 * the build, in Node; the files that it names run in the page.
 *
 *     await build({ entryPoints: ['app.js'], bundle: true, format: 'esm', ...kafkajsPageBundle() })
 */
export interface PageBundleOptions {
  readonly platform: 'browser';
  readonly alias: Record<string, string>;
  readonly inject: string[];
  readonly define: Record<string, string>;
}

/** `folder`: where this package's kafkajs files are, when it is not beside this one. */
export function kafkajsPageBundle(folder = new URL('.', import.meta.url)): PageBundleOptions {
  const pathOf = (name: string): string => {
    const { pathname } = new URL(name, folder);
    // "/C:/..." on Windows.
    return decodeURIComponent(pathname).replace(/^\/([A-Za-z]:)/, '$1');
  };
  const modules = pathOf('./node-modules.ts');
  return {
    platform: 'browser',
    alias: {
      events: pathOf('./node-events.cjs'),
      util: modules,
      zlib: modules,
      crypto: modules,
      net: modules,
      tls: modules,
      assert: pathOf('./node-assert.cjs'),
    },
    inject: [pathOf('./node-globals.ts')],
    define: { global: 'globalThis' },
  };
}
