import { volumeContract } from '@odradek/ports/testing';
import { folderSetup } from './testing.ts';

volumeContract('opfs', folderSetup);
