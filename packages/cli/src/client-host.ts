export { createClientHost } from '@odradek/node';
