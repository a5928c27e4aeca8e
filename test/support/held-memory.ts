/**
 * What a broker's process really holds: its garbage is collected first, by Node's inspector, which the process must have been
 * started with (`--inspect=0`). The resident size says less: it keeps what was once needed.
 */
import WebSocket from 'ws';
import type { BrokerProcess } from './broker-process.ts';

export const INSPECTED: readonly string[] = ['--inspect=0'];

export interface HeldMemory {
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
}

export const heldMemory = async (broker: BrokerProcess): Promise<HeldMemory> => {
  const address = /Debugger listening on (ws:\S+)/.exec(broker.stderr)?.[1];
  if (address === undefined) throw new Error('the broker was not started with --inspect=0');
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  let lastId = 0;
  const ask = (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve) => {
      const id = ++lastId;
      const look = (data: WebSocket.RawData): void => {
        const answer = JSON.parse(String(data)) as { id?: number; result?: unknown };
        if (answer.id !== id) return;
        socket.off('message', look);
        resolve(answer.result);
      };
      socket.on('message', look);
      socket.send(JSON.stringify({ id, method, params }));
    });
  // What the first one leaves to be finalised goes with the second.
  for (let i = 0; i < 2; i++) await ask('HeapProfiler.collectGarbage');
  const expression = 'JSON.stringify(process.memoryUsage())';
  const { result } = (await ask('Runtime.evaluate', { expression })) as {
    result: { value: string };
  };
  socket.terminate();
  return JSON.parse(result.value) as HeldMemory;
};
