/** Members of the quorum in Kafka's notation, id@host:port. */

export interface Voter {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** A string tells what is wrong. */
export function parseVoters(parts: readonly string[]): readonly Voter[] | string {
  const voters: Voter[] = [];
  for (const part of parts) {
    const match = /^(\d{1,9})@(\[[0-9A-Fa-f:.%]+\]|[^:/[\]@]+):(\d{1,5})$/.exec(part.trim());
    const [, id = '', host = '', port = ''] = match ?? [];
    if (match === null || Number(port) > 65_535) return `${part} is not id@host:port`;
    if (voters.some((voter) => voter.id === Number(id))) return `voter ${id} is named twice`;
    voters.push({ id: Number(id), host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
  }
  return voters;
}
