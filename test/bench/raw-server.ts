/**
 * The machine's limits, as small programs: what a server of this kind could do at most, without checking or keeping anything
 * that a broker must.
 *   drop      reads frames, answers each with a small one
 *   append    the same, and appends what it reads to a file (written, not flushed) before it answers
 *   send      answers each frame with a large one from memory
 *   bare      accepts and answers nothing: the memory and the start of a bare Node server
 */
import { open, writev } from 'node:fs';
import { createServer, type Socket } from 'node:net';

const [mode, file] = process.argv.slice(2) as [
  'drop' | 'append' | 'send' | 'bare',
  string | undefined,
];

const ANSWER_BYTES = 60;
const SENT_BYTES = 4 * 1024 * 1024;
const GROUP_BYTES = 1024 * 1024;

const answer = Buffer.alloc(4 + ANSWER_BYTES);
answer.writeInt32BE(ANSWER_BYTES);
const sent = Buffer.alloc(4 + SENT_BYTES);
sent.writeInt32BE(SENT_BYTES);

/** Counts frames without looking into them. */
const frameCounter = (): ((chunk: Buffer) => number) => {
  let rest = 0;
  let head = Buffer.alloc(0);
  return (chunk) => {
    let frames = 0;
    let at = 0;
    while (at < chunk.length) {
      if (rest === 0) {
        head = Buffer.concat([head, chunk.subarray(at, at + 4 - head.length)]);
        at += Math.min(chunk.length - at, 4);
        if (head.length < 4) return frames;
        rest = head.readInt32BE(0);
        head = Buffer.alloc(0);
      }
      const take = Math.min(rest, chunk.length - at);
      at += take;
      rest -= take;
      if (rest === 0) frames += 1;
    }
    return frames;
  };
};

const reply = (socket: Socket, frames: number, what: Buffer): void => {
  socket.cork();
  for (let i = 0; i < frames; i++) socket.write(what);
  socket.uncork();
};

const dropping = (socket: Socket): void => {
  const count = frameCounter();
  socket.on('data', (chunk: Buffer) =>
    reply(socket, count(chunk), mode === 'send' ? sent : answer),
  );
};

const appending =
  (fd: number) =>
  (socket: Socket): void => {
    const count = frameCounter();
    let queue: Buffer[] = [];
    let queuedBytes = 0;
    let owed = 0;
    let isWriting = false;
    const flush = (): void => {
      if (isWriting || queue.length === 0) return;
      isWriting = true;
      const chunks = queue;
      const frames = owed;
      queue = [];
      queuedBytes = 0;
      owed = 0;
      writev(fd, chunks, () => {
        isWriting = false;
        reply(socket, frames, answer);
        socket.resume();
        flush();
      });
    };
    socket.on('data', (chunk: Buffer) => {
      queue.push(chunk);
      queuedBytes += chunk.length;
      owed += count(chunk);
      if (queuedBytes > GROUP_BYTES) socket.pause();
      flush();
    });
  };

const listen = (handle: (socket: Socket) => void): void => {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    handle(socket);
  });
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${JSON.stringify(server.address())}\n`);
  });
};

if (mode === 'append') {
  open(file!, 'w', (error, fd) => {
    if (error) throw error;
    listen(appending(fd));
  });
} else
  listen(mode === 'bare' ? (socket) => socket.on('data', () => socket.write(answer)) : dropping);
