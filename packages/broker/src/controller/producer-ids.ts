/** Hands out producer ids from a block of the ensemble's; the next block is asked for once, however many wait for it. */
import { producerId, type ProducerId } from '@odradek/protocol';
import { PRODUCER_ID_BLOCK_SIZE } from '../limits.ts';
import type { ControllerFace } from '../cluster/routed-controller.ts';
import { decided, type Decision } from './outcome.ts';

export class ProducerIds {
  readonly #controller: Pick<ControllerFace, 'allocateProducerIds'>;
  #next = 0;
  #end = 0;
  #refill: Promise<Decision<number>> | undefined;

  constructor(controller: Pick<ControllerFace, 'allocateProducerIds'>) {
    this.#controller = controller;
  }

  async next(): Promise<Decision<ProducerId>> {
    while (this.#next >= this.#end) {
      this.#refill ??= this.#takeBlock();
      const block = await this.#refill;
      if (!block.ok) return block;
    }
    return decided(producerId(this.#next++));
  }

  async #takeBlock(): Promise<Decision<number>> {
    const block = await this.#controller.allocateProducerIds(PRODUCER_ID_BLOCK_SIZE);
    this.#refill = undefined;
    if (block.ok) {
      this.#next = block.value;
      this.#end = block.value + PRODUCER_ID_BLOCK_SIZE;
    }
    return block;
  }
}
