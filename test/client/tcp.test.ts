import { tcpDoor } from './doors.ts';
import { clientSuite } from './suite/index.ts';

clientSuite(tcpDoor());
