import { webSocketDoor } from './doors.ts';
import { clientSuite } from './suite/index.ts';

clientSuite(await webSocketDoor());
