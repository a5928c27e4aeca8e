/** Members of a cluster that reach one another only over ways that can be cut. */
import type { Endpoint } from '@odradek/ports';
import { CuttingProxy } from './cutting-proxy.ts';

export class LinksBetween implements AsyncDisposable {
  readonly #ways = new Map<string, CuttingProxy>();

  /** `controller.quorum.voters` as the member is to read them: the others behind proxies of its own. */
  async votersFor(
    nodeId: number,
    voters: readonly (Endpoint & { readonly nodeId: number })[],
  ): Promise<string> {
    const parts: string[] = [];
    for (const voter of voters) {
      let { port } = voter;
      if (voter.nodeId !== nodeId) {
        const proxy = await CuttingProxy.to(voter);
        this.#ways.set(`${nodeId}>${voter.nodeId}`, proxy);
        port = proxy.port;
      }
      parts.push(`${voter.nodeId}@${voter.host}:${port}`);
    }
    return parts.join(',');
  }

  /** Both ways between this member and every other. */
  cutOff(nodeId: number): void {
    for (const way of this.#of(nodeId)) way.cut();
  }

  healAll(): void {
    for (const way of this.#ways.values()) way.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#ways.values()].map((way) => way[Symbol.asyncDispose]()));
  }

  #of(nodeId: number): readonly CuttingProxy[] {
    return [...this.#ways]
      .filter(([name]) => name.split('>').includes(String(nodeId)))
      .map(([, way]) => way);
  }
}
