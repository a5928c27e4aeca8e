/** The codecs, fetched when the first compressed batch is met or to be made: a page that meets none pays for none. */
import { CompressionError } from '@odradek/ports';
import type { Compression, CompressionName } from '@odradek/ports';

export function createLazyCompression(zstdWasm: string | URL | undefined): Compression {
  let codecs: Compression | undefined;
  const loaded = (codec: CompressionName): Compression => {
    if (codecs !== undefined) return codecs;
    throw new CompressionError('unsupported', `${codec} is not loaded: await prepare('${codec}')`);
  };
  return {
    async prepare(codec) {
      if (codecs === undefined) {
        const { createPortableCompression } = await import('@odradek/compression/portable').catch(
          (cause: unknown) => {
            throw new CompressionError(
              'unsupported',
              `${codec} is needed, and the program's part that has the codecs cannot be fetched`,
              { cause },
            );
          },
        );
        codecs ??= createPortableCompression(zstdWasm === undefined ? {} : { zstdWasm });
      }
      await codecs.prepare?.(codec);
    },
    compress: (codec, bytes) => loaded(codec).compress(codec, bytes),
    decompress: (codec, bytes, limitBytes) => loaded(codec).decompress(codec, bytes, limitBytes),
  };
}
