import { clientSuite } from '../client/suite/index.ts';
import { pageDoor } from './run-suite.ts';

clientSuite(pageDoor);
