/** What a process holds, as the system sees it (Linux; elsewhere nothing is known, and nothing is claimed). */
import { readFileSync } from 'node:fs';

export const residentBytesOf = (pid: number): number | undefined => {
  try {
    const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? undefined : Number(match[1]) * 1024;
  } catch {
    return undefined;
  }
};

/** Watches a process for as long as it is asked to, and tells its peak. */
export const watchMemory = (pid: number): { stop(): number } => {
  let peak = residentBytesOf(pid) ?? 0;
  const timer = setInterval(() => (peak = Math.max(peak, residentBytesOf(pid) ?? 0)), 20);
  return {
    stop() {
      clearInterval(timer);
      return Math.max(peak, residentBytesOf(pid) ?? 0);
    },
  };
};
