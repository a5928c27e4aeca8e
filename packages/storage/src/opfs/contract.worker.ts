import { runTests } from './run-in-worker.testing.ts';

void runTests(() => import('./contract.declared.ts'));
