/** Two racks: clients and brokers are in one of them by chance, so that some read from followers and others from leaders. */
export const rackOf = (nodeId: number): string => `rack-${nodeId % 2}`;
